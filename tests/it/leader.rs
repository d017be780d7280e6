//! Several replicas of one operator: one acts, the others stand by, and whatever befalls the one that acts,
//! there are never two that call Amazon Connect. That is read off the simulator's log, in which the User-Agent
//! tells who called.

mod house;
mod proxy;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use connect_simulator::{Fault, FaultKind, fixtures};
use harness::Process;
use kube::api::ListParams;

use self::house::{House, QUICK};
use self::proxy::Proxy;
use crate::support::{Options, Stage};

/// Enough for everything, on a slow machine.
const LONG: Duration = Duration::from_secs(60);

/// A creation takes half a second, so that there is work to do when something happens.
fn busy() -> Options {
    Options { rate_limit: Some("*=10000,CreateUser=2/1"), ..Options::default() }
}

async fn says(process: &Process, what: &str) {
    process.wait_for_line(|line| line.contains(what), LONG).await.unwrap();
}

async fn leads(process: &Process) {
    says(process, "leading: reconciles begin").await;
}

async fn stands_by(process: &Process) {
    says(process, "standing by").await;
}

/// It has said why it ends, and the kubelet can tell it from an orderly end.
async fn ends_by_itself(process: &Process, why: &str) {
    let status = process.wait(LONG).await.unwrap();
    assert_eq!(status.code(), Some(1), "{}", process.tail(20));
    assert!(process.tail(5).contains(why), "{}", process.tail(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_killed_is_succeeded_when_its_lease_has_run_out() {
    let house = House::new("lead-kill", busy()).await;
    // The times that a Pod has by default.
    let a = house.replica("replica-a", &[]).await;
    leads(&a).await;
    let b = house.replica("replica-b", &[]).await;
    stands_by(&b).await;
    // As good as the leader to whoever asks, but for one figure.
    for (process, leader) in [(&a, 1), (&b, 0)] {
        let log = process.lines().join("\n");
        let answer = Stage::get_from(&log, "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let metrics = Stage::get_from(&log, "/metrics").await;
        assert!(metrics.contains(&format!("connect_user_operator_leader {leader}\n")), "{metrics}");
    }
    house.hire(0..30).await;
    house.made(6).await;
    a.kill();
    let (killed, already) = (Instant::now(), house.count());
    leads(&b).await;
    let led = killed.elapsed();
    // It has not even tried to write, or the fence would have refused it.
    assert!(b.lines().iter().all(|line| !line.contains(" WARN ")), "{}", b.tail(20));
    house.made(already + 1).await;
    println!("killed: the other leads after {led:?} and writes after {:?}", killed.elapsed());
    assert!(led >= Duration::from_secs(10), "{led:?}: the one that was killed could still have written");
    assert!(led <= Duration::from_secs(25), "{led:?}");
    house.all_ready(0..30).await;
    house.callers_were(&["replica-a", "replica-b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_told_to_stop_hands_over_at_once_when_it_has_finished() {
    let house = House::new("lead-term", busy()).await;
    let a = house.replica("replica-a", &[]).await;
    leads(&a).await;
    let b = house.replica("replica-b", &[]).await;
    stands_by(&b).await;
    // What is under way takes its time.
    house.stage.simulator.inject(Fault::new(FaultKind::Latency { millis: 1000 }).on("CreateUser"));
    house.hire(0..20).await;
    house.made(3).await;
    let told = Instant::now();
    let status = a.terminate(LONG).await.unwrap();
    assert!(status.success(), "{status}: {}", a.tail(20));
    assert!(a.tail(20).contains("let go of the lease"), "{}", a.tail(20));
    let ended = Instant::now();
    // What it had begun it has finished: it knows of every user that it has made.
    let made = house.stage.simulator.users(fixtures::managed::ID);
    let known = house.stage.api().list(&ListParams::default()).await.unwrap();
    let known: BTreeSet<String> = known.items.into_iter().filter_map(|object| object.status?.user_id).collect();
    assert_eq!(made.into_iter().map(|user| user.id).collect::<BTreeSet<_>>(), known);
    leads(&b).await;
    println!("told to stop: ended after {:?}, the other leads {:?} later", ended - told, ended.elapsed());
    // A Lease that is left to run out takes fifteen seconds.
    assert!(ended.elapsed() < Duration::from_secs(8), "{:?}", ended.elapsed());
    house.all_ready(0..20).await;
    house.callers_were(&["replica-a", "replica-b"]);
    // Nobody is left to hand over to, and the next does not wait either.
    assert!(b.terminate(LONG).await.unwrap().success());
    let c = house.replica("replica-c", &[]).await;
    let started = Instant::now();
    leads(&c).await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_paused_ends_without_a_call_when_it_wakes() {
    let house = House::new("lead-stop", busy()).await;
    let a = house.replica("replica-a", &QUICK).await;
    leads(&a).await;
    let b = house.replica("replica-b", &QUICK).await;
    stands_by(&b).await;
    house.hire(0..60).await;
    house.made(4).await;
    a.signal("STOP").unwrap();
    let (paused, already) = (Instant::now(), house.count());
    leads(&b).await;
    println!("paused: the other leads after {:?}", paused.elapsed());
    house.made(already + 4).await;
    // In the middle of everything that it was about to do.
    a.signal("CONT").unwrap();
    ends_by_itself(&a, "was not renewed within").await;
    assert!(house.count() < 60, "there was nothing left to do");
    house.all_ready(0..60).await;
    house.callers_were(&["replica-a", "replica-b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_does_not_reach_the_api_server_ends_before_another_begins() {
    let house = House::new("lead-cut", busy()).await;
    let way = Proxy::to(&house.stage.cluster.plane.url()).await;
    let a = house.replica_over("replica-a", &way.url(), &QUICK).await;
    leads(&a).await;
    let b = house.replica("replica-b", &QUICK).await;
    stands_by(&b).await;
    house.hire(0..20).await;
    house.made(3).await;
    // Neither refused nor answered: the worst of ways to be cut off.
    way.swallow();
    let cut = Instant::now();
    ends_by_itself(&a, "was not renewed within").await;
    let ended = cut.elapsed();
    assert!(!b.lines().iter().any(|line| line.contains("leading: reconciles begin")), "it took over before");
    leads(&b).await;
    println!("cut off: it ended after {ended:?}, the other leads after {:?}", cut.elapsed());
    house.all_ready(0..20).await;
    house.callers_were(&["replica-a", "replica-b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_begin_at_once_one_leads_and_the_other_makes_no_call() {
    let house = House::new("lead-two", Options::default()).await;
    house.hire(0..5).await;
    let begin = async |name| (name, house.replica(name, &QUICK).await);
    let both: [_; 2] = tokio::join!(begin("replica-a"), begin("replica-b")).into();
    house.all_ready(0..5).await;
    // Long enough for the other to make a mistake.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let is_leading = |process: &Process| process.lines().iter().any(|line| line.contains("leading: reconciles begin"));
    let (leaders, others): (Vec<_>, Vec<_>) = both.into_iter().partition(|(_, process)| is_leading(process));
    let ([(leader, first)], [(other, second)]) = (leaders.as_slice(), others.as_slice()) else {
        panic!("{} lead", leaders.len())
    };
    stands_by(second).await;
    house.callers_were(&[leader]);
    // And the one that lost is as good as the other.
    assert!(first.terminate(LONG).await.unwrap().success());
    leads(second).await;
    house.hire(5..8).await;
    house.all_ready(0..8).await;
    house.callers_were(&[leader, other]);
}

/// A Pod keeps its name when its container is started anew, and the one before may be anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_started_anew_does_not_take_itself_for_the_one_before() {
    let house = House::new("lead-anew", Options::default()).await;
    let before = house.replica("replica-a", &QUICK).await;
    leads(&before).await;
    before.signal("STOP").unwrap();
    let anew = house.replica("replica-a", &QUICK).await;
    stands_by(&anew).await;
    let seen = Instant::now();
    leads(&anew).await;
    assert!(seen.elapsed() > Duration::from_millis(5500), "{:?}: the one before could still write", seen.elapsed());
    before.signal("CONT").unwrap();
    ends_by_itself(&before, "was not renewed within").await;
    house.hire(0..1).await;
    house.all_ready(0..1).await;
}

/// The machine of whoever wrote it has a clock of its own.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_lease_says_of_the_time_is_not_believed() {
    for (name, time) in [("lead-past", "2001-01-01T00:00:00.000000Z"), ("lead-next", "2101-01-01T00:00:00.000000Z")] {
        let house = House::new(name, Options::default()).await;
        house.lease("somebody-else", 4, time).await;
        house.hire(0..1).await;
        let a = house.replica("replica-a", &QUICK).await;
        stands_by(&a).await;
        let seen = Instant::now();
        leads(&a).await;
        let waited = seen.elapsed();
        // By the longer of what the Lease and what the flags say.
        assert!(waited > Duration::from_millis(5500) && waited < Duration::from_secs(20), "{name}: {waited:?}");
        house.all_ready(0..1).await;
    }
}
