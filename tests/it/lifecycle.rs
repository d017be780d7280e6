//! The main job: objects become users, stay as declared, and go.

use connect_simulator::fixtures::managed as m;
use serde_json::json;

use crate::support::{Stage, managed};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_created_with_one_call_and_two_status_writes() {
    let stage = Stage::new("create").await;
    stage.create(&managed("jane", "jane.doe")).await;
    let object = stage.ready("jane").await;
    let user = stage.user("jane.doe").unwrap();
    let status = object.status.unwrap();
    assert_eq!(status.user_id.as_deref(), Some(user.id.as_str()));
    assert_eq!(status.user_arn, Some(format!("{}/agent/{}", m::ARN, user.id)));
    assert_eq!(stage.operations(), ["DescribeInstance", "CreateUser"]);
    stage.settled("jane").await;
    stage.edit("jane", json!({ "tags": { "team": "support" } })).await;
    stage.ready("jane").await;
    assert_eq!(stage.written(), ["CreateUser", "TagResource"]);
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert!(stage.user("jane.doe").is_none());
    stage.stop_operator().await;
}
