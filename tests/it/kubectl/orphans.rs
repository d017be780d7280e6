//! Orphans: who is one, and that nothing is written to anybody else.

use std::collections::BTreeSet;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Lag, Mutation, UserPatch};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{FAST, Ran, run};
use crate::support::{Options, Stage, managed};

/// Somebody makes a user with these tags.
fn user(stage: &Stage, username: &str, tags: &[(&str, &str)]) {
    let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let set = UserPatch { tags: Some(tags), ..UserPatch::default() };
    let mutation =
        Mutation::CreateUser { instance_id: m::ID.to_owned(), username: username.to_owned(), set: Box::new(set) };
    // An hour ago, so that an index that lags shows it.
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    stage.simulator.mutate_at(mutation, then).unwrap();
}

async fn orphans(stage: &Stage, arguments: &[&str]) -> Ran {
    let all = [&["orphans", "--instance", m::ARN, "--cluster-name", "korphans"], arguments, &FAST].concat();
    run(stage, &all).await
}

/// An instance with one of each; two of them are orphans, one of which is declared by another object.
async fn stage(name: &str) -> Stage {
    let stage = Stage::with(name, Options { operator: false, ..Options::default() }).await;
    let namespace = stage.namespace.clone();
    let living = stage.create(&managed("living", "living")).await;
    // Other tests have objects in this cluster, too.
    stage.create(&managed("renamed", &claimed(&stage).to_uppercase())).await;
    let uid = living.uid().unwrap();
    let owner = |cluster: &str, name: &str| format!("{cluster}/{namespace}/{name}");
    user(&stage, "living", &[(OWNER_TAG, &owner("korphans", "living")), (UID_TAG, &uid)]);
    user(&stage, "earlier", &[(OWNER_TAG, &owner("korphans", "living")), (UID_TAG, "u-earlier")]);
    user(&stage, "moved", &[(OWNER_TAG, &owner("korphans", "elsewhere")), (UID_TAG, &uid)]);
    user(&stage, "gone", &[(OWNER_TAG, &owner("korphans", "gone")), (UID_TAG, "u-gone"), ("team", "support")]);
    user(&stage, &claimed(&stage), &[(OWNER_TAG, &owner("korphans", "before")), (UID_TAG, "u-before")]);
    user(&stage, "other", &[(OWNER_TAG, &owner("korphans-2", "gone")), (UID_TAG, "u-gone")]);
    user(&stage, "nobody", &[]);
    user(&stage, "half", &[(UID_TAG, "u-gone")]);
    stage
}

fn claimed(stage: &Stage) -> String {
    format!("c.{}", stage.namespace)
}

fn usernames(stage: &Stage) -> BTreeSet<String> {
    stage.simulator.users(m::ID).into_iter().map(|user| user.username).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_users_of_this_cluster_without_an_object_are_orphans_and_listing_writes_nothing() {
    let stage = stage("korphans-list").await;
    let ran = orphans(&stage, &["-o", "json"]).await.expect(2);
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    let names: Vec<_> = found["orphans"].as_array().unwrap().iter().map(|orphan| &orphan["username"]).collect();
    assert_eq!(names, [&json!(claimed(&stage)), &json!("gone")]);
    assert_eq!(found["orphans"][0]["claimedBy"], format!("{}/renamed", stage.namespace));
    assert_eq!(found["otherClusters"], json!({ "korphans-2": 1 }));
    assert_eq!(stage.operations(), ["SearchUsers"], "and that is all that it costs");
    // Without its name, the cluster is the uid of kube-system, of which there is nobody.
    let ran = run(&stage, &[&["orphans", "--instance", m::ARN][..], &FAST].concat()).await.expect(0);
    assert!(ran.out.starts_with("No orphans of cluster "), "{}", ran.out);
    assert!(ran.out.contains("korphans (5)") && ran.out.contains("korphans-2 (1)"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_are_deleted_after_a_look_and_nobody_else() {
    let stage = stage("korphans-delete").await;
    let before = usernames(&stage);
    let refused = orphans(&stage, &["--delete"]).await.expect(1);
    assert!(refused.err.contains("delete 2 users in Amazon Connect for good"), "{}", refused.err);
    assert_eq!(usernames(&stage), before);
    stage.simulator.clear_calls();
    let ran = orphans(&stage, &["--delete", "--yes"]).await.expect(2);
    assert!(ran.out.contains("gone: deleted"), "{}", ran.out);
    assert!(
        ran.out.contains(&format!("{}: left alone", claimed(&stage))) && ran.out.contains("renamed declares this user"),
        "{}",
        ran.out
    );
    let gone: BTreeSet<_> = before.difference(&usernames(&stage)).cloned().collect();
    assert_eq!(gone, ["gone".to_owned()].into());
    assert_eq!(stage.operations(), ["SearchUsers", "DescribeUser", "DeleteUser"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn released_orphans_lose_our_tags_and_keep_the_others() {
    let stage = stage("korphans-release").await;
    let before = usernames(&stage);
    let ran = orphans(&stage, &["--release", "--yes"]).await.expect(0);
    assert!(
        ran.out.contains("gone: let go") && ran.out.contains(&format!("{}: let go", claimed(&stage))),
        "{}",
        ran.out
    );
    assert_eq!(usernames(&stage), before);
    let tags = stage.user("gone").unwrap().tags;
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), [("team".to_owned(), "support".to_owned())]);
    assert_eq!(stage.user("other").unwrap().tags.len(), 2, "of another cluster");
    assert_eq!(stage.written(), ["UntagResource", "UntagResource"]);
    let ran = orphans(&stage, &[]).await.expect(0);
    assert!(ran.out.starts_with("No orphans"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_the_index_shows_as_it_was_is_not_written_to() {
    let stage = stage("korphans-stale").await;
    // Taken over by somebody else since: the index does not know it yet.
    stage.simulator.set_lag(Lag { search_after_write_ms: 600_000, ..Lag::default() });
    let tags = [(OWNER_TAG.to_owned(), "korphans-2/ns/gone".to_owned()), (UID_TAG.to_owned(), "u-new".to_owned())];
    stage.console("gone", UserPatch { tags: Some(tags.into()), ..UserPatch::default() });
    let ran = orphans(&stage, &["--delete", "--yes"]).await.expect(2);
    assert!(ran.out.contains("gone: left alone: its tags are no longer"), "{}", ran.out);
    assert_eq!(stage.written(), [""; 0]);
    assert!(stage.user("gone").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_be_read_is_a_failure_and_not_an_empty_list() {
    let stage = stage("korphans-denied").await;
    stage.simulator.inject(connect_simulator::Fault::error_before(403, "AccessDeniedException").on("SearchUsers"));
    let ran = orphans(&stage, &["--delete", "--yes"]).await.expect(1);
    assert!(ran.err.contains("SearchUsers") && ran.err.contains("AccessDenied"), "{}", ran.err);
    assert_eq!(stage.written(), [""; 0]);
}
