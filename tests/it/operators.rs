//! Two operator processes that watch different namespaces and share a ConnectInstance.

use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::condition::ready;
use connect_user_operator::resource::instance::ConnectInstance;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::support::{Options, Stage, managed};

const ID: &str = "77777777-7777-4777-8777-000000000001";

async fn stage(name: &str) -> Stage {
    let stage = Stage::with(name, Options { resync: "1s", ..Options::default() }).await;
    stage.add_instance(ID);
    stage
}

fn user(name: &str) -> Value {
    serde_json::from_str(&managed(name, name).to_string().replace(m::ID, ID)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_operators_tell_one_sum_and_hold_the_instance_for_each_other() {
    let (a, b) = (stage("two-a").await, stage("two-b").await);
    let name = "two-operators";
    let api = a.instances();
    a.govern(
        name,
        json!({ "instanceArn": m::ARN.replace(m::ID, ID), "allowedNamespaces": [a.namespace, b.namespace] }),
    )
    .await
    .unwrap();
    for (stage, user_name) in [(&a, "jane"), (&a, "john"), (&b, "jill")] {
        stage.create(&user(user_name)).await;
        stage.ready(user_name).await;
    }
    let counts = |object: &ConnectInstance| object.status.as_ref().and_then(|status| status.users);
    let look = || async { api.get(name).await.unwrap() };
    let all = a
        .eventually(|| async {
            Some(look().await).filter(|o| counts(o).is_some_and(|c| (c.declared, c.ready, c.waiting) == (3, 3, 0)))
        })
        .await;
    assert!(all.is_some(), "{:?}", look().await.status);

    // Each of them looks every second, and neither takes back what the other has told.
    let mut versions = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let object = look().await;
        let (counts, status) = (counts(&object).unwrap(), object.status.unwrap());
        assert_eq!((counts.declared, counts.ready), (3, 3), "{status:?}");
        assert_eq!(status.operators.iter().map(|report| report.objects).collect::<Vec<_>>(), [2, 1]);
        assert_eq!(ready(&status.conditions).unwrap().reason, "InSync");
        versions.insert(object.metadata.resource_version.unwrap());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(versions.len() <= 2, "{} writes though nothing is new", versions.len());

    api.delete(name, &DeleteParams::default()).await.unwrap();
    for user_name in ["jane", "john"] {
        a.delete(user_name).await;
        a.gone(user_name).await;
    }
    // Long enough for the first to let it go, if it thought only of itself.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(api.get_opt(name).await.unwrap().is_some(), "the other's user still uses it");
    b.delete("jill").await;
    b.gone("jill").await;
    let gone = b.eventually(|| async { api.get_opt(name).await.unwrap().is_none().then_some(()) });
    assert!(gone.await.is_some(), "{:?}", look().await);
}
