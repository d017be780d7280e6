//! What random histories, or thought, have found once, as the few steps that lead there. Each is played with several
//! seeds, which vary the ways of requests.

use std::time::Duration;

use connect_simulator::FaultKind;
use connect_simulator::fixtures::managed as m;
use connect_user_operator::resource::UID_TAG;
use connect_user_operator::resource::user::{AdoptionPolicy, ConnectUserSpec, DeletionPolicy};
use harness::memory::Harm;
use serde_json::json;

use super::step::Step;
use super::world::{World, definitions};
use super::{ending, play};

const MINUTE: u64 = 60_000;

fn spec(username: &str) -> Box<ConnectUserSpec> {
    let spec = json!({
        "instanceArn": m::ARN, "username": username,
        "identityInfo": { "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" },
        "routingProfileArn": format!("{}/routing-profile/{}", m::ARN, m::ROUTING_BASIC),
        "securityProfileArns": [format!("{}/security-profile/{}", m::ARN, m::SECURITY_AGENT)],
        "passwordSecretRef": { "name": "password", "key": "password" },
    });
    Box::new(serde_json::from_value(spec).unwrap())
}

fn create(slot: usize) -> Step {
    Step::Create { slot, spec: spec("jane.doe") }
}

/// Another object for the same person.
fn claim(slot: usize, suspend: bool) -> Step {
    let spec = ConnectUserSpec { adoption_policy: AdoptionPolicy::Adopt, suspend, ..*spec("jane.doe") };
    Step::Create { slot, spec: Box::new(spec) }
}

fn wait(millis: u64) -> Step {
    Step::Wait { millis }
}

fn instance(freeze: bool, namespaces: &'static [&'static str]) -> Step {
    Step::Instance { index: 0, freeze, namespaces, adoption: "Allowed", cleanup: false }
}

fn ends_well(seeds: impl Iterator<Item = u64>, steps: &[Step]) {
    let definitions = definitions();
    for seed in seeds {
        let course = play(seed, steps, &definitions);
        let makes = steps.iter().any(|step| matches!(step, Step::Create { .. }));
        assert!(course.writes > 0 || !makes, "seed {seed}: no user was ever made");
        assert!(course.wrong.is_empty(), "seed {seed}: {:?}\n{}", course.wrong, course.trace.join("\n"));
    }
}

#[test]
fn an_object_whose_status_is_lost_does_not_take_itself_for_one_that_never_had_a_user() {
    // Of namespace b, which is shut out.
    let lost = |looked_at: u64| {
        let shut_out = instance(false, &["a"]);
        [create(2), wait(5000), shut_out, wait(5000), Step::ForgetStatus { slot: 2 }, wait(looked_at)]
    };
    for looked_at in [0, 40 * MINUTE] {
        let steps: Vec<Step> = lost(looked_at).into_iter().chain([Step::Delete { slot: 2 }, wait(5000)]).collect();
        ends_well([0, 2, 4].into_iter(), &steps);
        // Once it is let in again it goes, and its user with it.
        let again: Vec<Step> = steps.into_iter().chain([instance(false, &["*"]), wait(5000)]).collect();
        ends_well([0, 2, 4].into_iter(), &again);
    }
}

#[test]
fn a_status_that_somebody_else_wrote_does_not_stand_until_the_next_resync() {
    let forgotten = [create(0), wait(5000), create(2), wait(5000), Step::ForgetStatus { slot: 0 }, wait(5000)];
    ends_well(0..4, &forgotten);
    // Two operators at once, one of which is refused, says so and ends.
    let refused =
        FaultKind::ErrorBeforeEffect { status: 403, code: "AccessDeniedException".into(), message: "no".into() };
    for skip in 0..4 {
        let refused = Step::ConnectFault { operation: None, kind: refused.clone(), skip, times: 3 };
        let steps = [create(0), wait(5000), refused, Step::Rollout, Step::Second { on: true }, wait(3000)];
        let steps: Vec<Step> = steps.into_iter().chain([Step::Second { on: false }]).collect();
        ends_well(0..6, &steps);
    }
}

#[test]
fn what_one_operator_has_made_another_does_not_forget() {
    let failing =
        FaultKind::ErrorBeforeEffect { status: 500, code: "InternalServiceException".into(), message: "no".into() };
    // Asked by a person, both try again at once, and one of them is refused.
    let ask = Step::Annotate { slot: 0, key: "contactops.dev/reconcile-requested-at", value: Some("now") };
    for (times, pause) in [(2, 400), (2, 700), (3, 1000), (3, 1500)] {
        let failing = Step::ConnectFault { operation: Some("CreateUser"), kind: failing.clone(), skip: 0, times };
        let both = [Step::Second { on: true }, wait(5000)];
        let steps = both.into_iter().chain([failing, create(0), wait(pause), ask.clone(), wait(9000)]);
        ends_well(0..6, &steps.collect::<Vec<_>>());
    }
}

#[test]
fn the_way_out_of_a_refused_deletion_is_open() {
    let release = Step::Annotate { slot: 2, key: "contactops.dev/release-deletion", value: Some("retain") };
    let shut_out = instance(false, &["a"]);
    let steps =
        [create(2), wait(5000), shut_out, wait(5000), Step::Delete { slot: 2 }, wait(5000), release, wait(5000)];
    let (objects, users) = rest(&steps);
    assert_eq!((objects, users), (0, 1), "the object goes and the user stays");
    // Never let in, it has no finalizer and goes by itself.
    let steps = [instance(false, &["a"]), wait(5000), create(2), wait(5000), Step::Delete { slot: 2 }, wait(5000)];
    assert_eq!(rest(&steps), (0, 0));
}

/// How many objects there are after these steps, and how many users that are theirs.
fn rest(steps: &[Step]) -> (usize, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(0, &definitions()).await;
        for step in steps {
            world.take(step).await;
        }
        world.calm().await;
        tokio::time::sleep(Duration::from_secs(2400)).await;
        let wrong = ending::wrongs(&world);
        let told = world.audit.lock().unwrap().trace.join("\n");
        assert!(wrong.is_empty(), "{wrong:?}\n{told}");
        let users = world.simulator.users(m::ID).into_iter().filter(|user| user.tags.contains_key(UID_TAG)).count();
        let objects = world.server.objects("connectusers").len();
        world.stop();
        (objects, users)
    })
}

#[test]
fn whoever_has_no_user_in_a_frozen_instance_is_not_ready() {
    let gone = Step::ConsoleDelete { username: "jane.doe" };
    let steps = [create(0), wait(5000), instance(true, &["*"]), wait(5000), gone, wait(40 * MINUTE)];
    ends_well(0..4, &steps);
}

#[test]
fn a_policy_that_changes_while_a_deletion_waits_is_heeded() {
    for (change, rest_of_it) in [
        (Step::Deletion { slot: 0, policy: DeletionPolicy::Retain }, (0, 0)),
        (Step::Suspend { slot: 0, on: true }, (1, 1)),
        (Step::Annotate { slot: 0, key: "contactops.dev/suspend", value: Some("true") }, (1, 1)),
    ] {
        let refused =
            FaultKind::ErrorBeforeEffect { status: 403, code: "AccessDeniedException".into(), message: "no".into() };
        let refused = Step::ConnectFault { operation: Some("DeleteUser"), kind: refused, skip: 0, times: 1 };
        // The operator tries again while it does not know of the change yet.
        let steps = [
            create(0),
            wait(5000),
            refused,
            Step::Delete { slot: 0 },
            wait(5000),
            Step::Hold,
            change,
            wait(10 * MINUTE),
            Step::Release,
            wait(5000),
        ];
        assert_eq!(rest(&steps), rest_of_it);
    }
}

#[test]
fn an_heir_that_may_go_at_any_time_does_not_leave_the_user_behind() {
    let delete = |slot| Step::Delete { slot };
    // It never gets a finalizer.
    let steps = [create(0), wait(5000), claim(1, true), wait(5000), delete(0), wait(5 * MINUTE), delete(1), wait(5000)];
    ends_well(0..4, &steps);
    // It does not have it yet.
    for pause in [0, 40, 80, 150, 300] {
        let slow =
            Step::ApiFault { harm: Harm::Refused(500), writes: true, plural: Some("connectusers"), skip: 0, times: 1 };
        let steps =
            [create(0), wait(5000), slow, claim(1, false), wait(pause), delete(0), wait(150), delete(1), wait(9000)];
        ends_well(0..4, &steps);
    }
}

#[test]
fn a_status_of_a_connectinstance_does_not_land_on_another_of_its_name() {
    for pause in (20..140).step_by(20) {
        let steps = [instance(false, &["*"]), wait(pause), Step::InstanceDelete { index: 0 }, instance(true, &["*"])];
        ends_well(0..3, &steps);
    }
}
