//! Objects that wait long for their turn say so, once, whatever is to be done with them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_user_operator::controller::Intervals;
use connect_user_operator::pace::Pace;
use connect_user_operator::pace::limits::{Limits, Override, Rate};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};

use crate::support::{Habitat, Options, Stage, condition, managed};

const USERS: usize = 30;

fn names() -> Vec<String> {
    (0..USERS).map(|number| format!("user-{number:02}")).collect()
}

fn slow(operation: &str) -> Override {
    Override { operation: operation.to_owned(), rate: Rate { per_second: 2.0, burst: 1.0 } }
}

/// Statuses since `from` that say that an object waits: how many of each object, and all of their conditions.
fn told(habitat: &Habitat, from: usize) -> (BTreeMap<String, usize>, Vec<Value>) {
    let (mut counts, mut ready) = (BTreeMap::new(), Vec::new());
    for told in &habitat.statuses.lock().unwrap()[from..] {
        let conditions = told.status["conditions"].as_array().unwrap();
        let condition = conditions.iter().find(|one| one["type"] == "Ready").unwrap();
        if condition["message"].as_str().unwrap().starts_with("waits for its turn") {
            assert_eq!(conditions.len(), 2, "Ready and Reconciling: {conditions:?}");
            *counts.entry(told.object.clone()).or_default() += 1;
            ready.push(condition.clone());
        }
    }
    (counts, ready)
}

fn written(habitat: &Habitat) -> usize {
    habitat.statuses.lock().unwrap().len()
}

/// Some were told, nobody more than twice, and everybody was told the same.
#[track_caller]
fn check(habitat: &Habitat, from: usize, reason: &str, status: &str) {
    let (counts, ready) = told(habitat, from);
    assert!((5..USERS).contains(&counts.len()), "{reason}: {} of {USERS} were told", counts.len());
    assert!(counts.values().all(|count| *count <= 2), "{counts:?}");
    for condition in ready {
        assert_eq!((&condition["reason"], &condition["status"]), (&json!(reason), &json!(status)), "{condition}");
        assert!(condition["message"].as_str().unwrap().contains("are before it"), "{condition}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_long_is_told_once_and_everybody_gets_there() {
    let stage = Stage::with("waiting", Options { operator: false, ..Options::default() }).await;
    stage.administrator();
    let habitat = Habitat {
        confidences: Default::default(),
        cluster: stage.cluster,
        simulator: stage.simulator.clone(),
        namespace: stage.namespace.clone(),
        instance_id: m::ID.to_owned(),
        intervals: Intervals {
            grace: Duration::from_millis(500),
            patience: Duration::from_secs(2),
            ..Intervals::default()
        },
        patience: Duration::from_secs(10),
        plane_faults: Arc::default(),
        trespasses: Default::default(),
        statuses: Arc::default(),
    };
    let fast = Override { operation: "*".to_owned(), rate: Rate { per_second: 1e4, burst: 1e4 } };
    let limits = ["CreateUser", "UpdateUserIdentityInfo", "DeleteUser"].map(slow).into_iter().chain([fast]);
    let operator = habitat.start_at(None, Pace::new(Limits::new(limits, 1.0), 4, Arc::new(|_, _| ())));

    for name in names() {
        stage.create(&managed(&name, &name)).await;
    }
    for name in names() {
        stage.ready(&name).await;
    }
    check(&habitat, 0, "Creating", "Unknown");
    assert_eq!(stage.count(), USERS);
    let (counts, _) = told(&habitat, 0);
    let extra: usize = counts.values().sum();
    assert!(written(&habitat) <= 2 * USERS + extra, "{} writes, {extra} of them of waiting", written(&habitat));

    let before = written(&habitat);
    for name in names() {
        stage.edit(&name, json!({ "identityInfo": { "lastName": "Roe" } })).await;
    }
    for name in names() {
        stage.ready(&name).await;
        assert_eq!(stage.user(&name).unwrap().identity_info.last_name.as_deref(), Some("Roe"));
    }
    check(&habitat, before, "Updating", "Unknown");

    let before = written(&habitat);
    for name in names() {
        stage.delete(&name).await;
    }
    for name in names() {
        stage.gone(&name).await;
    }
    assert_eq!(stage.count(), 0);
    check(&habitat, before, "Deleting", "False");
    operator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_are_waited_for_before_anything_is_written_down() {
    let rate_limit = Some("*=10000,CreateUser=0.1/1,UpdateUserIdentityInfo=0.1/1,DeleteUser=0.1/1");
    let stage = Stage::with("turn-first", Options { rate_limit, ..Options::default() }).await;
    stage.add_instance(ID);
    let names = ["jane", "john"];
    let pause = || tokio::time::sleep(Duration::from_secs(4));
    for name in names {
        stage.create(&user(name)).await;
    }
    pause().await;
    let (mut waiting, mut done) = (0, 0);
    for name in names {
        let object = stage.get(name).await;
        let is_ready = condition(&object).is_some_and(|(status, _)| status == "True");
        let status = object.status.unwrap();
        (waiting, done) = (waiting + usize::from(!is_ready), done + usize::from(is_ready));
        assert!(is_ready || status.last_create_attempt_time.is_none(), "an attempt before its turn: {status:?}");
        assert!(is_ready || status.conditions.is_empty(), "{status:?}");
    }
    assert_eq!((done, waiting), (1, 1), "one has the only token");
    for name in names {
        stage.ready(name).await;
    }

    for name in names {
        stage.edit(name, json!({ "identityInfo": { "lastName": "Roe" } })).await;
    }
    pause().await;
    let mut reasons = Vec::new();
    for name in names {
        let status = stage.get(name).await.status.unwrap();
        reasons.push(status.conditions.into_iter().map(|condition| condition.reason).collect::<Vec<_>>());
    }
    assert_eq!(reasons, [["InSync"], ["InSync"]], "the one that waits has taken nothing back yet");
    let users = || stage.simulator.users(ID);
    let roes = || users().iter().filter(|user| user.identity_info.last_name.as_deref() == Some("Roe")).count();
    assert_eq!(roes(), 1);
    for name in names {
        stage.ready(name).await;
    }
    assert_eq!(roes(), 2);

    for name in names {
        stage.delete(name).await;
    }
    pause().await;
    assert_eq!(users().len(), 1, "one waits for its turn");
    // Nothing is counted before its turn: a stop would leave it counted, and the brake one too low.
    assert_eq!(deletions(&stage).await, 1);
    for name in names {
        stage.gone(name).await;
    }
    assert_eq!(deletions(&stage).await, 2);
}

/// An instance that no other test has, since deletions are counted by instance.
const ID: &str = "88888888-8888-4888-8888-000000000001";

fn user(name: &str) -> Value {
    let text = managed(name, name).to_string().replace(m::ID, ID);
    serde_json::from_str(&text).unwrap()
}

/// How many deletions the operator remembers for the brake.
async fn deletions(stage: &Stage) -> u64 {
    let maps: Api<ConfigMap> = Api::all(stage.client.clone());
    let maps = maps.list(&ListParams::default()).await.unwrap();
    let all = maps.items.into_iter().filter_map(|map| map.data).flatten().filter(|(key, _)| key.ends_with(ID));
    all.map(|(_, minutes)| {
        let minutes: BTreeMap<String, u64> = serde_json::from_str(&minutes).unwrap();
        minutes.values().sum::<u64>()
    })
    .sum()
}
