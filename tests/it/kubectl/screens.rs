//! The screens of import, plan and lint as they are, at two widths, with and without colours.
//!
//! `REWRITE_SCREENS=1 cargo test --test it kubectl::screens` writes them anew; look at the difference.

use connect_simulator::UserPatch;
use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{IdentityInfo, PhoneConfig, Tags};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};

use super::people::{add, mixed};
use super::{FAST, command, differs, directory, finish};
use crate::support::{Options, Stage};

const PEOPLE: &str = "\
---
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: new
  namespace: contact-centre
spec:
  instanceArn: INSTANCE
  username: new.agent
  identityInfo: {firstName: Nina, lastName: Neu, email: nina@example.com}
  routingProfileName: Tier 1
  securityProfileNames: [Agent, QualityAnalyst]
  hierarchyGroupPath: [EMEA, Support, Tier 1]
  phoneConfig: {autoAccept: true, afterContactWorkTimeLimit: 30}
  userProficiencies:
  - {attributeName: Language, attributeValue: German, level: 4}
  passwordSecretRef: {name: new, key: password}
---
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: found
  namespace: contact-centre
spec:
  instanceArn: INSTANCE
  username: found.agent
  identityInfo: {email: other@example.com}
  routingProfileName: Night Shift
  securityProfileNames: [Agent]
  adoptionPolicy: Adopt
---
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: ours
  namespace: contact-centre
spec:
  instanceArn: INSTANCE
  username: our.agent
  routingProfileName: Tier 2
  securityProfileNames: [CallCenterManager]
  hierarchyGroupPath: [APAC, Support]
  phoneConfig: {afterContactWorkTimeLimit: 90}
  tags: {team: sales, \"cost centre\": \"0815\"}
---
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: same
  namespace: contact-centre
spec:
  instanceArn: INSTANCE
  username: same.agent
  routingProfileName: Basic Routing Profile
  securityProfileNames: [Agent]
---
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: resting
  namespace: contact-centre
spec:
  instanceArn: INSTANCE
  username: resting.agent
  routingProfileName: Basic Routing Profile
  securityProfileNames: [Agent]
  suspend: true
---
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: lost
  namespace: contact-centre
spec:
  instanceArn: INSTANCE
  username: lost.agent
  routingProfileName: Nigth Shift
  securityProfileNames: [Agent]
";

const BROKEN: &str = "\
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: jane
  annotations:
    contactops.dev/suspend: \"true\"
spec:
  instanceArn: arn:aws:connect:eu-west-1:111122223333:instance/i
  username: jane doe
  routingProfileName: Basic Routing Profile
  securityProfileNames: []
---
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: john
spec:
  instanceArn: arn:aws:connect:eu-west-1:111122223333:instance/i
  username: john
  routingprofileName: Basic Routing Profile
  securityProfileNames: [Agent]
  identityInfo:
    mobile: +4915112345678
";

/// The screens by name, each the same at every run.
async fn screens(stage: &Stage) -> Vec<(&'static str, Vec<String>)> {
    let tags = |name: &str| -> Tags {
        let marks = [(OWNER_TAG, format!("test/contact-centre/{name}")), (UID_TAG, "u".to_owned())];
        marks.map(|(key, value)| (key.to_owned(), value)).into()
    };
    let identity_info = Some(IdentityInfo {
        first_name: Some("Fiona".to_owned()),
        email: Some("fiona@example.com".to_owned()),
        ..IdentityInfo::default()
    });
    add(&stage.simulator, "found.agent", UserPatch { identity_info, ..UserPatch::default() });
    let phone_config = Some(PhoneConfig { after_contact_work_time_limit: Some(30), ..PhoneConfig::default() });
    add(&stage.simulator, "our.agent", UserPatch { tags: Some(tags("ours")), phone_config, ..UserPatch::default() });
    add(&stage.simulator, "same.agent", UserPatch { tags: Some(tags("same")), ..UserPatch::default() });
    mixed(&stage.simulator, 6);
    add(&stage.simulator, "ünï", UserPatch::default());
    let folder = directory("screens");
    std::fs::write(folder.join("people.yaml"), PEOPLE.replace("INSTANCE", m::ARN)).unwrap();
    std::fs::write(folder.join("broken.yaml"), BROKEN).unwrap();
    let owned = |arguments: &[&str]| arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>();
    let plan = |form: &str| owned(&["plan", "--no-cluster", "-f", "people.yaml", "-o", form]);
    vec![
        ("plan", plan("text")),
        ("plan-markdown", plan("markdown")),
        ("plan-mistakes", owned(&["plan", "--no-cluster", "-f", "broken.yaml"])),
        ("lint", owned(&["lint", "broken.yaml", "people.yaml"])),
        ("import", owned(&["import", "--instance", m::ARN])),
        ("import-fast", owned(&["import", "--instance", m::ARN, "--fast", "--username", "*doe*"])),
        ("help-import", owned(&["import", "--help"])),
        ("help-plan", owned(&["plan", "--help"])),
        ("help-lint", owned(&["lint", "--help"])),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn screens_are_as_they_were() {
    let stage = Stage::with("kscreens", Options { operator: false, ..Options::default() }).await;
    let mut different = Vec::new();
    for (name, arguments) in screens(&stage).await {
        for width in ["80", "140"] {
            for color in ["never", "always"] {
                let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
                arguments.extend(["--color", color]);
                if arguments[0] != "lint" {
                    arguments.extend(FAST);
                }
                let mut command = command(&stage, &arguments);
                command.env("COLUMNS", width).current_dir(harness::target_dir().join("it-kubectl/screens"));
                let ran = finish(command).await;
                different.extend(differs(name, width, color, &ran));
            }
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
