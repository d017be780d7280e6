//! Lint: what it finds and where, without a cluster and without AWS.

use serde_json::Value;

use super::{directory, run, run_with};
use crate::support::{Options, Stage};

const GOOD: &str = "\
apiVersion: contactops.dev/v1alpha1
kind: ConnectUser
metadata:
  name: jane
spec:
  instanceArn: arn:aws:connect:eu-west-1:111122223333:instance/11111111-2222-3333-4444-555555555555
  username: jane.doe
  routingProfileName: Basic Routing Profile
  securityProfileNames: [Agent]
";

async fn stage(name: &str) -> Stage {
    Stage::with(name, Options { operator: false, ..Options::default() }).await
}

/// Findings as `line:column field: message`.
async fn findings(stage: &Stage, text: &str, code: i32) -> Vec<String> {
    let ran = run_with(stage, &["lint", "-o", "json", "-"], text).await.expect(code);
    let found: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let shown = |found: &Value| {
        let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        format!("{}:{} {}: {}", found["line"], found["column"], text("field"), text("message"))
    };
    found.iter().map(shown).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_have_their_place() {
    let stage = stage("klint-places").await;
    assert_eq!(findings(&stage, GOOD, 0).await, [""; 0]);
    for (from, to, expected) in [
        (
            "username: jane.doe",
            "usernane: jane.doe",
            vec!["5:1 spec.username: Required value", "7:3 spec.usernane: unknown field: did you mean username?"],
        ),
        (
            "username: jane.doe",
            "username: no",
            vec!["7:3 spec.username: must be of type string: \"boolean\" (put it in quotes)"],
        ),
        ("[Agent]", "[Agent, Agent]", vec!["9:33 spec.securityProfileNames[1]: Duplicate value: \"Agent\""]),
        (
            "[Agent]",
            "[Agent]\n  userProficiencies:\n  - attributeName: Language\n    attributeValue: German\n    level: 9",
            vec!["13:5 spec.userProficiencies[0].level: should be less than or equal to 5"],
        ),
        (
            "name: jane",
            "name: Jane_Doe",
            vec![
                "4:3 metadata.name: must be lower case letters, digits, - and ., beginning and ending with a letter or digit",
            ],
        ),
        ("spec:", "spec: {", vec!["6:16 : "]),
        ("v1alpha1", "v1beta1", vec!["1:1 : apiVersion: contactops.dev has no version `v1beta1`"]),
        ("ConnectUser", "ConnectUsers", vec!["2:1 : kind: there is no kind `ConnectUsers`"]),
    ] {
        let found = findings(&stage, &GOOD.replace(from, to), 2).await;
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(&expected) {
            let place = expected.split(' ').next().unwrap();
            let is_flaw = expected.ends_with(": ");
            assert!(found.starts_with(expected) || (is_flaw && !found.is_empty()), "{place}: {found}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_declared_twice_is_found_across_files() {
    let stage = stage("klint-twins").await;
    let folder = directory("klint-twins");
    std::fs::create_dir_all(folder.join("deep/.git")).unwrap();
    std::fs::write(folder.join("a.yaml"), GOOD).unwrap();
    let other = GOOD.replace("name: jane\n", "name: other\n").replace("jane.doe", "Jane.DOE");
    std::fs::write(folder.join("deep/b.yml"), &other).unwrap();
    // Elsewhere it is another user, and what is hidden or not ours is nobody's business.
    let elsewhere = other.replace("name: other\n", "name: third\n").replace("555555555555", "666666666666");
    std::fs::write(
        folder.join("deep/c.json"),
        serde_json::to_string(&serde_saphyr::from_str::<Value>(&elsewhere).unwrap()).unwrap(),
    )
    .unwrap();
    std::fs::write(folder.join("deep/.git/d.yaml"), &other).unwrap();
    std::fs::write(folder.join("template.yaml"), "{{ if .x }}\n- {{ end }}: [\n").unwrap();
    std::fs::write(folder.join("other.yaml"), "kind: ConfigMap\napiVersion: v1\ndata: {a: 1}\n").unwrap();
    let ran = run(&stage, &["lint", folder.to_str().unwrap()]).await.expect(2);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    assert!(
        ran.out.contains("deep/b.yml:7:3: error: spec.username: is the user of ConnectUser jane in "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("a.yaml:7, too"), "{}", ran.out);
    assert!(ran.err.contains("3 objects in 5 files: 1 error, 0 warnings"), "{}", ran.err);

    std::fs::write(folder.join("deep/b.yml"), GOOD).unwrap();
    let ran = run(&stage, &["lint", folder.to_str().unwrap()]).await.expect(2);
    assert!(ran.out.contains("deep/b.yml:4:3: error: metadata.name: is the same object as in "), "{}", ran.out);
    let missing = run(&stage, &["lint", "/no/such/file"]).await.expect(1);
    assert!(missing.err.contains("cannot read /no/such/file"), "{}", missing.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_meant_for_the_command_line_is_a_warning() {
    let stage = stage("klint-warnings").await;
    let text =
        GOOD.replace("  name: jane\n", "  name: jane\n  annotations:\n    contactops.dev/release-deletion: delete\n");
    let ran = run_with(&stage, &["lint", "-"], &text).await.expect(0);
    assert!(
        ran.out.contains("<stdin>:6:5: warning: metadata.annotations.contactops.dev/release-deletion: "),
        "{}",
        ran.out
    );
    run_with(&stage, &["lint", "--strict", "-"], &text).await.expect(2);
    let ran = run_with(&stage, &["lint", "-o", "github", "-"], &text).await.expect(0);
    assert!(ran.out.starts_with("::warning file=<stdin>,line=6,col=5::metadata.annotations."), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_manifests_are_clean() {
    let stage = stage("klint-own").await;
    for folder in ["examples", "deploy", "crds"] {
        let folder = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
        let ran = run(&stage, &["lint", "--strict", &folder]).await.expect(0);
        assert_eq!(ran.out, "");
    }
}
