//! Whose user is it: lost answers, lost statuses, adoption, and two objects that want the same.

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, FaultKind, Lag, Mutation, UserPatch};
use connect_user_operator::resource::user::ConnectUser;
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use serde_json::json;

use crate::support::{Options, Stage, condition, managed};

fn by_hand(stage: &Stage, username: &str, set: UserPatch) -> String {
    let mutation =
        Mutation::CreateUser { instance_id: m::ID.to_owned(), username: username.to_owned(), set: Box::new(set) };
    stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_ends_with_one_user() {
    for (index, kind) in
        [FaultKind::LostAnswer, FaultKind::MalformedAnswer, FaultKind::EmptyAnswer].into_iter().enumerate()
    {
        let stage = Stage::new("lost-answer").await;
        let name = format!("jane-{index}");
        stage.simulator.inject(Fault::new(kind).on("CreateUser").times(1));
        stage.create(&managed(&name, &name)).await;
        let object = stage.ready(&name).await;
        assert_eq!(stage.count(), 1);
        assert_eq!(object.status.unwrap().user_id, stage.user(&name).map(|user| user.id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_through_lagging_listings() {
    let lag = Lag {
        describe_after_create_ms: 1500,
        list_after_create_ms: 1500,
        search_after_write_ms: 1500,
        ..Lag::default()
    };
    let simulator = connect_simulator::Options { lag, ..Default::default() };
    let stage = Stage::with("lag", Options { grace: "5s", simulator, ..Options::default() }).await;
    stage.simulator.inject(Fault::error_after(500, "InternalServiceException").on("CreateUser").times(1));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    assert_eq!(stage.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_was_wiped_is_found_again() {
    let stage = Stage::new("wiped").await;
    stage.create(&managed("jane", "jane.doe")).await;
    let id = stage.ready("jane").await.status.unwrap().user_id;
    stage.stop_operator().await;
    stage.force_status("jane", json!({ "observedGeneration": -1 })).await;
    assert_eq!(stage.get("jane").await.status.unwrap().user_id, None);
    stage.start_operator().await;
    assert_eq!(stage.ready("jane").await.status.unwrap().user_id, id);
    assert_eq!(stage.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_status_is_not_forgotten_while_the_search_for_its_user_is_refused() {
    let stage = Stage::new("wiped-refused").await;
    stage.create(&managed("jane", "jane.doe")).await;
    let id = stage.ready("jane").await.status.unwrap().user_id;
    stage.stop_operator().await;
    stage.force_status("jane", json!({ "observedGeneration": -1 })).await;
    // By its name nothing finds the user any more.
    stage.console("jane.doe", UserPatch { username: Some("jane.roe".to_owned()), ..UserPatch::default() });
    stage.simulator.inject(Fault::error_before(403, "AccessDeniedException").on("SearchUsers").times(2));
    stage.start_operator().await;
    stage.reason("jane", "AccessDenied").await;
    stage.reason("jane", "Drifted").await;
    let status = stage.get("jane").await.status.unwrap();
    assert_eq!((status.user_id, status.may_have_user_since), (id, None));
    assert_eq!(stage.written(), ["CreateUser"]);
}

/// By its name Connect would know the user and refuse a double; after a rename in the console nothing does.
#[tokio::test(flavor = "multi_thread")]
async fn one_answer_that_hides_a_user_makes_no_second_one() {
    let stage = Stage::with("hidden", Options { grace: "1s", ..Options::default() }).await;
    stage.administrator();
    stage.create(&managed("jane", "jane.doe")).await;
    let id = stage.ready("jane").await.status.unwrap().user_id;
    // A user made moments ago is waited for in any case.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    stage.console("jane.doe", UserPatch { username: Some("jane.roe".to_owned()), ..UserPatch::default() });
    stage.simulator.clear_calls();
    stage.simulator.inject(Fault::error_before(404, "ResourceNotFoundException").on("DescribeUser").times(1));
    stage.annotate("jane", "contactops.dev/reconcile-requested-at", "now").await;
    stage.reason("jane", "Drifted").await;
    assert!(stage.calls().iter().any(|call| call.fault.is_some()));
    assert_eq!(stage.get("jane").await.status.unwrap().user_id, id);
    assert_eq!(stage.count(), 1);
    assert!(stage.written().is_empty(), "{:?}", stage.operations());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_made_again_under_its_name_finds_its_user() {
    let stage = Stage::new("again").await;
    let mut object = managed("jane", "jane.doe");
    stage.create(&object).await;
    stage.ready("jane").await;
    // A rebuilt cluster: the object is gone without a deletion in Connect, and comes back with another uid.
    stage.annotate("jane", "contactops.dev/release-deletion", "retain").await;
    stage.delete("jane").await;
    stage.gone("jane").await;
    let before = stage.user("jane.doe").unwrap();
    object["spec"]["tags"] = json!({ "team": "support" });
    let uid = stage.create(&object).await.metadata.uid.unwrap();
    stage.ready("jane").await;
    let after = stage.user("jane.doe").unwrap();
    assert_eq!(after.id, before.id);
    assert_eq!(after.tags[UID_TAG], uid);
    assert_eq!(
        stage.written(),
        ["CreateUser", "CreateUser", "TagResource"],
        "the second CreateUser is refused as a duplicate"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_made_by_hand_is_taken_over_only_if_the_object_says_so() {
    let stage = Stage::new("adopt").await;
    let id = by_hand(
        &stage,
        "jane.doe",
        UserPatch { tags: Some([("team".to_owned(), "x".to_owned())].into()), ..UserPatch::default() },
    );
    stage.create(&managed("jane", "jane.doe")).await;
    let message = stage.reason("jane", "UsernameTaken").await;
    assert!(message.contains("adoptionPolicy") && message.contains("Adopt"), "{message}");
    assert_eq!(stage.user("jane.doe").unwrap().tags.len(), 1, "nothing is written to it");
    stage.edit("jane", json!({ "adoptionPolicy": "Adopt" })).await;
    let object = stage.ready("jane").await;
    assert_eq!(object.status.unwrap().user_id, Some(id));
    let user = stage.user("jane.doe").unwrap();
    assert_eq!(user.identity_info.first_name.as_deref(), Some("Jane"));
    assert_eq!(user.tags["team"], "x");
    assert!(user.tags[OWNER_TAG].starts_with("test/"));
    stage.event("jane", "UserAdopted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_is_never_taken_over() {
    let stage = Stage::new("admin").await;
    let admin = UserPatch { security_profile_ids: Some(vec![m::SECURITY_ADMIN.to_owned()]), ..UserPatch::default() };
    by_hand(&stage, "root", admin);
    let before = stage.user("root").unwrap();
    let mut object = managed("root", "root");
    object["spec"]["adoptionPolicy"] = json!("Adopt");
    object["spec"]["identityInfo"]["email"] = json!("attacker@example.com");
    stage.create(&object).await;
    let message = stage.reason("root", "NotAllowed").await;
    assert!(message.contains("Admin"), "{message}");
    assert_eq!(stage.user("root").unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_another_object_is_never_touched() {
    let stage = Stage::new("another").await;
    let tags = [(OWNER_TAG.to_owned(), "other/ns/jane".to_owned()), (UID_TAG.to_owned(), "u".to_owned())].into();
    by_hand(&stage, "jane.doe", UserPatch { tags: Some(tags), ..UserPatch::default() });
    let before = stage.user("jane.doe").unwrap();
    let mut object = managed("jane", "jane.doe");
    object["spec"]["adoptionPolicy"] = json!("Adopt");
    stage.create(&object).await;
    let message = stage.reason("jane", "OwnedByAnother").await;
    assert!(message.contains("other/ns/jane"), "{message}");
    assert_eq!(stage.user("jane.doe").unwrap(), before);
    stage.delete("jane").await;
    stage.gone("jane").await;
    assert_eq!(stage.user("jane.doe").unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_the_older_object_leaves_behind_goes_to_the_younger_if_that_adopts() {
    let stage = Stage::new("retained").await;
    let mut older = managed("older", "jane.doe");
    older["spec"]["deletionPolicy"] = json!("Retain");
    stage.create(&older).await;
    stage.ready("older").await;
    let user = stage.user("jane.doe").unwrap();
    stage.create(&managed("younger", "jane.doe")).await;
    stage.reason("younger", "UsernameTaken").await;
    stage.delete("older").await;
    stage.gone("older").await;
    let says = |object: &ConnectUser, what: &str| {
        let status = object.status.as_ref();
        status.is_some_and(|status| status.conditions.iter().any(|condition| condition.message.contains(what)))
    };
    stage.until("younger", "told how to adopt", |object| says(object, "adoptionPolicy")).await;
    stage.edit("younger", json!({ "adoptionPolicy": "Adopt" })).await;
    stage.ready("younger").await;
    assert_eq!(stage.user("jane.doe").unwrap().id, user.id, "it is the same user");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_objects_for_one_user_the_older_wins_whatever_the_case_of_the_name() {
    let stage = Stage::new("two").await;
    stage.create(&managed("older", "jane.doe")).await;
    stage.ready("older").await;
    stage.create(&managed("younger", "Jane.Doe")).await;
    let message = stage.reason("younger", "UsernameTaken").await;
    assert!(message.contains(&format!("{}/older", stage.namespace)), "{message}");
    stage.settled("older").await;
    // When the older goes, the younger makes the user anew, without help.
    stage.delete("older").await;
    stage.gone("older").await;
    stage.ready("younger").await;
    assert_eq!(stage.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_that_were_taken_off_stop_all_writes() {
    let stage = Stage::with("unmarked", Options { resync: "500ms", ..Options::default() }).await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    stage.console("jane.doe", UserPatch { tags: Some([].into()), ..UserPatch::default() });
    stage.reason("jane", "UsernameTaken").await;
    stage.edit("jane", json!({ "tags": { "team": "support" } })).await;
    stage.reason("jane", "UsernameTaken").await;
    assert_eq!(stage.written(), ["CreateUser"]);
    assert_eq!(condition(&stage.get("jane").await).unwrap().0, "False");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_operator_leaves_no_double_and_no_orphan() {
    // Killed while CreateUser is on its way: the effect happens, the answer finds nobody.
    let stage = Stage::new("killed").await;
    stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 800 }).on("CreateUser").times(1));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.reason("jane", "Creating").await;
    assert!(stage.eventually(|| async { stage.user("jane.doe") }).await.is_some());
    stage.kill_operator();
    stage.start_operator().await;
    let object = stage.ready("jane").await;
    assert_eq!(stage.count(), 1);
    assert_eq!(object.status.unwrap().user_id, stage.user("jane.doe").map(|user| user.id));
}
