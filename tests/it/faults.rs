//! Whatever goes wrong with whichever call, the operator comes to the declared state, does no harm on the
//! way, and does not hammer: the calls it makes stay under a bound that follows from the undisturbed run.
//!
//! Every operation that occurs in the scenarios of the crash tests is struck by every fault, by default in the
//! first scenario in which it occurs; every fault of the API server by default in a third of the scenarios.
//! With `FAULT_CASES=all` everything is struck in every scenario.

mod api_server;
mod calls;
mod cases;
mod plane;
mod stale;

use calls::{every_call_under, under_lag};
use connect_simulator::FaultKind as Kind;
use plane::under;

use crate::support::{PlaneFault, Target};

fn error(status: u16, code: &str) -> Kind {
    Kind::ErrorBeforeEffect { status, code: code.to_owned(), message: "injected".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_refused() {
    let refusals = [
        (400, "SomethingNewException"),
        (403, "AccessDeniedException"),
        (404, "ResourceNotFoundException"),
        (409, "ResourceConflictException"),
        (409, "DuplicateResourceException"),
        (429, "LimitExceededException"),
        (500, "InternalServiceException"),
    ];
    every_call_under(refusals.map(|(status, code)| (error(status, code), 1)).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_throttled() {
    let retry_after = Kind::ThrottleWithRetryAfter { seconds: 1 };
    let other = error(429, "ThrottlingException");
    every_call_under(vec![(Kind::Throttle, 1), (Kind::Throttle, 4), (other, 1), (retry_after, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_lost_or_answered_too_late() {
    let after = Kind::ErrorAfterEffect { status: 500, code: "InternalServiceException".into(), message: "x".into() };
    // Longer than the operator waits.
    let late = Kind::Latency { millis: 1300 };
    every_call_under(vec![(Kind::LostRequest, 1), (Kind::LostAnswer, 1), (Kind::LostAnswer, 3), (after, 1), (late, 1)])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_answered_with_nonsense() {
    every_call_under(vec![(Kind::MalformedAnswer, 1), (Kind::EmptyAnswer, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_may_lag() {
    under_lag().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_to_the_api_server_may_be_refused() {
    let refusals = [
        (409, "Conflict"),
        (422, "Invalid"),
        (429, "TooManyRequests"),
        (500, "InternalError"),
        (503, "ServiceUnavailable"),
    ];
    let targets = [Target::Status, Target::Finalizers, Target::ConfigMaps, Target::Writes];
    let refused = |(code, reason)| targets.map(|target| (target, PlaneFault::Refuse(code, reason), 2));
    under(refusals.into_iter().flat_map(refused).collect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_to_the_api_server_may_be_lost_or_slow() {
    let slow = PlaneFault::Delay(std::time::Duration::from_millis(150));
    under(vec![
        (Target::Writes, PlaneFault::LoseRequest, 2),
        (Target::Status, PlaneFault::LoseAnswer, 1),
        (Target::Finalizers, PlaneFault::LoseAnswer, 1),
        (Target::ConfigMaps, PlaneFault::LoseAnswer, 1),
        (Target::Writes, PlaneFault::LoseAnswer, 3),
        (Target::Reads, PlaneFault::Refuse(500, "InternalError"), 2),
        (Target::Reads, PlaneFault::LoseAnswer, 2),
        (Target::All, slow, 1000),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn watches_may_end_or_expire_while_something_changes() {
    plane::watches_fail(vec![PlaneFault::EndWatch, PlaneFault::ExpireWatch, PlaneFault::LoseRequest]).await;
    plane::watches_fail(vec![PlaneFault::Refuse(410, "Expired"), PlaneFault::Refuse(500, "InternalError")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_may_overtake_the_watch() {
    stale::a_retry_overtakes_the_watch().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_may_overtake_the_rules_that_forbid_it() {
    stale::a_deletion_overtakes_its_rules().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_may_overtake_the_first_rules_of_its_instance() {
    stale::a_write_overtakes_the_first_rules().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_may_overtake_a_change_of_mind() {
    stale::a_deletion_overtakes_a_change_of_mind().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_may_overtake_a_suspension() {
    stale::a_correction_overtakes_a_suspension().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finalizer_may_overtake_that_of_somebody_else() {
    stale::a_finalizer_overtakes_anothers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_may_die_and_come_back() {
    api_server::dies_and_comes_back().await;
}
