//! ConnectInstances with a role: whose credentials the calls carry, and what is told where the role is refused.

use std::collections::BTreeSet;
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::sts::Sts;
use connect_user_operator::resource::condition::ready;
use serde_json::{Value, json};

use crate::support::{Options, Stage, managed};

const OWN: &str = "AKIAEXAMPLE";
const HOUR: Duration = Duration::from_secs(3600);

fn role(name: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{name}")
}

async fn stage(name: &str, sts: &Sts) -> Stage {
    Stage::with(name, Options { sts: Some(sts.clone()), ..Options::default() }).await
}

/// An instance of its own with a ConnectInstance that speaks of it; returns its id.
async fn instance(stage: &Stage, number: u32, role: &str, external_id: &str) -> String {
    let id = format!("44444444-4444-4444-8444-{number:012}");
    let rules = json!({
        "instanceArn": stage.add_instance(&id),
        "allowedNamespaces": [stage.namespace],
        "assumeRole": { "roleArn": role, "externalId": external_id },
    });
    let name = format!("role-{number}");
    stage.govern(&name, rules).await.unwrap();
    // Until the operator knows of it, it reads with its own credentials.
    stage.observed(&name).await;
    id
}

fn user(name: &str, instance: &str) -> Value {
    serde_json::from_str(&managed(name, name).to_string().replace(m::ID, instance)).unwrap()
}

/// Waits for a reason of a ConnectInstance and returns the message.
async fn instance_reason(stage: &Stage, number: u32, reason: &str) -> String {
    let api = stage.instances();
    let found = stage.eventually(|| async {
        let status = api.get(&format!("role-{number}")).await.unwrap().status?;
        let ready = ready(&status.conditions)?;
        (ready.reason == reason).then(|| ready.message.clone())
    });
    found.await.unwrap_or_else(|| panic!("role-{number} did not become {reason}"))
}

/// The access keys of the calls about an instance.
fn keys(stage: &Stage, instance: &str) -> BTreeSet<String> {
    let calls = stage.calls().into_iter().filter(|call| call.instance_id.as_deref() == Some(instance));
    calls.map(|call| call.access_key).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_carry_the_roles_credentials_by_one_call_for_all_users_and_our_own_elsewhere() {
    let sts = Sts::default();
    sts.trust(&role("one"), Some("emea-1"), HOUR);
    let stage = stage("role-keys", &sts).await;
    let id = instance(&stage, 1, &role("one"), "emea-1").await;
    for name in ["jane", "john", "jack", "jill"] {
        stage.create(&user(name, &id)).await;
    }
    stage.create(&managed("own", "own")).await;
    for name in ["jane", "john", "jack", "jill", "own"] {
        stage.ready(name).await;
    }
    instance_reason(&stage, 1, "InSync").await;
    let calls = sts.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let call = &calls[0];
    assert_eq!((call.role_arn.as_str(), call.external_id.as_deref()), (role("one").as_str(), Some("emea-1")));
    assert_eq!((call.caller.as_str(), call.region.as_str()), (OWN, m::REGION));
    assert_eq!(call.session_name, "connect-user-operator");
    assert_eq!(keys(&stage, &id), [call.access_key.clone().unwrap()].into());
    assert_eq!(keys(&stage, m::ID), [OWN.to_owned()].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_role_is_told_on_user_and_instance_with_what_to_do_and_heals() {
    let sts = Sts::default();
    sts.trust(&role("strict"), Some("another-id"), HOUR);
    let stage = stage("role-refused", &sts).await;
    let id = instance(&stage, 2, &role("strict"), "sentinel-id").await;
    stage.create(&user("jane", &id)).await;
    for message in [stage.reason("jane", "AccessDenied").await, instance_reason(&stage, 2, "AccessDenied").await] {
        for part in [role("strict").as_str(), "sts:AssumeRole", "trust policy", "externalId", "AccessDenied"] {
            assert!(message.contains(part), "no {part}: {message}");
        }
        assert!(!message.contains("connect:"), "the policy for Connect is not to blame: {message}");
        assert!(!message.contains("sentinel-id") && !message.contains("no AWS credentials"), "{message}");
    }
    assert_eq!(stage.operations(), [""; 0], "and no call goes out with other credentials");
    sts.trust(&role("strict"), Some("sentinel-id"), HOUR);
    stage.ready("jane").await;
    assert_eq!(
        keys(&stage, &id).into_iter().collect::<Vec<_>>(),
        [sts.calls().last().unwrap().access_key.clone().unwrap()]
    );
    assert!(!stage.operator_log().contains("Temporary-Key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sts_that_does_not_answer_is_waited_for_and_nobodys_fault() {
    let sts = Sts::default();
    sts.trust(&role("slow"), Some("x1"), HOUR);
    sts.set_down(true);
    let stage = stage("role-down", &sts).await;
    let id = instance(&stage, 3, &role("slow"), "x1").await;
    stage.create(&user("jane", &id)).await;
    for message in [stage.reason("jane", "Unavailable").await, instance_reason(&stage, 3, "Unavailable").await] {
        assert!(message.contains("AssumeRole") && message.contains(&role("slow")), "{message}");
    }
    sts.set_down(false);
    stage.ready("jane").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sts_out_of_reach_is_unavailable_too() {
    // Without a stand-in, nothing listens where the operator looks for STS.
    let stage = Stage::new("role-nowhere").await;
    let id = instance(&stage, 4, &role("far"), "x1").await;
    stage.create(&user("jane", &id)).await;
    let message = stage.reason("jane", "Unavailable").await;
    assert!(message.contains("AssumeRole") && message.contains(&role("far")), "{message}");
    assert_eq!(stage.operations(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_renewed_before_they_expire() {
    let sts = Sts::default();
    // The SDK renews up to ten seconds ahead, by chance; at the end it must.
    let lifetime = Duration::from_secs(12);
    sts.trust(&role("brief"), Some("x1"), lifetime);
    let stage = stage("role-brief", &sts).await;
    let id = instance(&stage, 5, &role("brief"), "x1").await;
    stage.create(&user("jane", &id)).await;
    stage.ready("jane").await;
    let first = sts.calls().len();
    tokio::time::sleep(lifetime).await;
    stage.create(&user("john", &id)).await;
    stage.ready("john").await;
    let calls = sts.calls();
    assert_eq!(calls.len(), first + 1, "{calls:?}");
    assert_eq!(calls[first].caller, OWN, "renewed by our own identity");
    let create = stage.writes().pop().unwrap();
    assert_eq!((create.username.as_deref(), Some(create.access_key)), (Some("john"), calls[first].access_key.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_roles_do_not_mix() {
    let sts = Sts::default();
    let stage = stage("role-two", &sts).await;
    let mut instances = Vec::new();
    for (number, name) in [(6, "left"), (7, "right")] {
        sts.trust(&role(name), Some(name), HOUR);
        instances.push((role(name), name, instance(&stage, number, &role(name), name).await));
    }
    for (_, name, id) in &instances {
        for n in 0..3 {
            stage.create(&user(&format!("{name}-{n}"), id)).await;
        }
    }
    for (role, name, id) in &instances {
        for n in 0..3 {
            stage.ready(&format!("{name}-{n}")).await;
        }
        let given: Vec<_> = sts.calls().into_iter().filter(|call| call.role_arn == *role).collect();
        assert_eq!(given.len(), 1);
        assert_eq!(given[0].external_id.as_deref(), Some(*name));
        assert_eq!(keys(&stage, id), [given[0].access_key.clone().unwrap()].into());
    }
}
