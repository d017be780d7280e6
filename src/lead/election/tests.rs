//! Two candidates and an API server that knows nothing but versions, in a time that this file makes.

use k8s_openapi::jiff::SignedDuration;

use super::*;

const TIMING: Timing =
    Timing { duration: Duration::from_secs(15), deadline: Duration::from_secs(10), retry: Duration::from_secs(2) };

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn noon() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// What the API server has.
#[derive(Default)]
struct Server {
    lease: Option<Lease>,
    version: u64,
}

impl Server {
    /// Takes a write only for the version that it has.
    fn take(&mut self, mut lease: Lease) -> Result<Lease, ()> {
        let current = self.lease.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
        if lease.metadata.resource_version != current {
            return Err(());
        }
        self.version += 1;
        lease.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(lease.clone());
        Ok(lease)
    }
}

fn candidate(me: &str) -> Election {
    Election::new(me, "lease", TIMING)
}

/// Looks, and does what comes of it; whether it wrote.
fn go(election: &mut Election, server: &mut Server, now: Duration, time: Timestamp) -> bool {
    election.saw(server.lease.clone(), now);
    let Step::Write(lease) = election.next(now, time) else { return false };
    match server.take(*lease) {
        Ok(lease) => {
            election.wrote(lease, now);
            true
        }
        Err(()) => panic!("a write that was decided on the newest version"),
    }
}

fn spec(server: &Server) -> LeaseSpec {
    server.lease.clone().unwrap().spec.unwrap()
}

#[test]
fn the_first_makes_it_and_renews_it_and_the_second_waits() {
    let (mut server, mut a, mut b) = (Server::default(), candidate("a"), candidate("b"));
    assert!(go(&mut a, &mut server, at(0), noon()));
    assert_eq!(spec(&server).holder_identity.as_deref(), Some("a"));
    assert_eq!(spec(&server).lease_duration_seconds, Some(15));
    assert_eq!(a.next(at(1), noon()), Step::Wait(at(1)));
    for second in (2..100).step_by(2) {
        assert!(!go(&mut b, &mut server, at(second), noon()), "second {second}");
        assert!(go(&mut a, &mut server, at(second), noon()));
    }
    assert_eq!(spec(&server).lease_transitions, Some(0));
}

#[test]
fn two_that_decide_at_the_same_time_do_not_both_get_it() {
    let (mut server, mut a, mut b) = (Server::default(), candidate("a"), candidate("b"));
    for seconds in [0, 100] {
        for one in [&mut a, &mut b] {
            one.saw(server.lease.clone(), at(seconds));
        }
        let both = [&a, &b].map(|one| match one.next(at(seconds + 50), noon()) {
            Step::Write(lease) => *lease,
            step => panic!("{step:?}"),
        });
        let taken: Vec<bool> = both.into_iter().map(|lease| server.take(lease).is_ok()).collect();
        assert_eq!(taken, [true, false], "at {seconds}");
    }
}

#[test]
fn one_that_is_not_renewed_is_taken_after_its_time_and_not_before() {
    let (mut server, mut a, mut b) = (Server::default(), candidate("a"), candidate("b"));
    go(&mut a, &mut server, at(0), noon());
    // Seen late: it may have been renewed a moment ago.
    for second in 7..22 {
        assert!(!go(&mut b, &mut server, at(second), noon()), "second {second}");
    }
    assert!(go(&mut b, &mut server, at(22), noon()));
    assert_eq!(spec(&server).lease_transitions, Some(1));
    // By then the other has long ceased to write.
    assert!(a.safe_until() + at(5) <= at(22));
    assert_eq!(a.next(at(10), noon()), Step::Lost(Loss::Overdue { deadline: at(10) }));
    // And does not get it back by what it knew.
    a.saw(server.lease.clone(), at(22));
    assert_eq!(a.next(at(9), noon()), Step::Lost(Loss::Taken { holder: "b".to_owned() }));
}

#[test]
fn clocks_that_differ_change_nothing() {
    for skew in [SignedDuration::from_hours(-24 * 365), SignedDuration::from_mins(-1), SignedDuration::from_hours(24)] {
        let (mut server, mut a, mut b) = (Server::default(), candidate("a"), candidate("b"));
        let skewed = noon().checked_add(skew).unwrap();
        // The monotonic clocks of two machines have nothing in common either.
        let (of_a, of_b) = (|second| at(second + 1_000_000), at);
        go(&mut a, &mut server, of_a(0), skewed);
        for second in (2..60).step_by(2) {
            assert!(go(&mut a, &mut server, of_a(second), skewed), "{skew}: {second}");
            assert!(!go(&mut b, &mut server, of_b(second + 1), noon()), "{skew}: {second}");
        }
        // Renewed at 58, seen at 59, left alone from then on.
        assert!(!go(&mut b, &mut server, of_b(73), noon()), "{skew}");
        assert!(go(&mut b, &mut server, of_b(74), noon()), "{skew}");
    }
}

#[test]
fn a_clock_that_stands_still_is_seen_to_renew_all_the_same() {
    let (mut server, mut a, mut b) = (Server::default(), candidate("a"), candidate("b"));
    for second in (0..60).step_by(2) {
        assert!(go(&mut a, &mut server, at(second), noon()));
        assert!(!go(&mut b, &mut server, at(second), noon()), "second {second}");
    }
}

#[test]
fn the_holder_counts_from_before_the_renewal_and_stops_before_its_time_is_over() {
    let (mut server, mut a) = (Server::default(), candidate("a"));
    go(&mut a, &mut server, at(100), noon());
    assert_eq!(a.safe_until(), at(110));
    let Step::Write(renewal) = a.next(at(102), noon()) else { panic!("it does not renew") };
    // The answer came at 109; another may have seen it from 102 on.
    a.wrote(server.take(*renewal).unwrap(), at(102));
    assert_eq!(a.safe_until(), at(112));
    assert!(matches!(a.next(at(111), noon()), Step::Write(_)));
    assert_eq!(a.next(at(112), noon()), Step::Lost(Loss::Overdue { deadline: at(10) }));
}

#[test]
fn a_renewal_whose_answer_was_lost_counts_for_nothing_and_is_made_again() {
    let (mut server, mut a) = (Server::default(), candidate("a"));
    go(&mut a, &mut server, at(0), noon());
    let Step::Write(lost) = a.next(at(2), noon()) else { panic!("it does not renew") };
    server.take(*lost).unwrap();
    assert_eq!(a.safe_until(), at(10));
    assert!(go(&mut a, &mut server, at(4), noon()));
    assert_eq!(a.safe_until(), at(14));
    // The same with the very first one.
    let (mut server, mut b) = (Server::default(), candidate("b"));
    let Step::Write(lost) = b.next(at(0), noon()) else { panic!("it does not make one") };
    server.take(*lost).unwrap();
    assert!(!b.is_held());
    assert!(go(&mut b, &mut server, at(2), noon()));
    assert!(b.is_held());
}

#[test]
fn one_that_was_let_go_is_taken_at_once() {
    let (mut server, mut a, mut b) = (Server::default(), candidate("a"), candidate("b"));
    assert_eq!(b.vacated(noon()), None, "what one does not have one cannot let go");
    go(&mut a, &mut server, at(0), noon());
    assert!(!go(&mut b, &mut server, at(1), noon()));
    assert_eq!(b.vacated(noon()), None);
    server.take(a.vacated(noon()).unwrap()).unwrap();
    assert!(go(&mut b, &mut server, at(2), noon()));
    assert_eq!(spec(&server).holder_identity.as_deref(), Some("b"));
    assert_eq!(spec(&server).lease_transitions, Some(1));
}

#[test]
fn one_that_somebody_has_deleted_is_not_made_again_while_its_holder_may_write() {
    let (mut server, mut a, mut b) = (Server::default(), candidate("a"), candidate("b"));
    go(&mut a, &mut server, at(0), noon());
    b.saw(server.lease.clone(), at(1));
    server.lease = None;
    for second in 2..16 {
        assert!(!go(&mut b, &mut server, at(second), noon()), "second {second}");
    }
    // Its holder makes it again as soon as it notices.
    assert!(go(&mut a.clone(), &mut Server::default(), at(3), noon()));
    assert!(go(&mut b, &mut server, at(16), noon()));
}

#[test]
fn a_holder_with_a_longer_patience_is_given_it() {
    let long = Timing { duration: at(60), deadline: at(50), retry: at(2) };
    let (mut server, mut a, mut b) = (Server::default(), Election::new("a", "lease", long), candidate("b"));
    go(&mut a, &mut server, at(0), noon());
    b.saw(server.lease.clone(), at(0));
    assert!(!go(&mut b, &mut server, at(59), noon()));
    assert!(go(&mut b, &mut server, at(60), noon()));
    // And one with a shorter is waited for as long as we are told to.
    let short = Timing { duration: at(3), deadline: at(2), retry: at(1) };
    let (mut server, mut a, mut b) = (Server::default(), Election::new("a", "lease", short), candidate("b"));
    go(&mut a, &mut server, at(0), noon());
    b.saw(server.lease.clone(), at(0));
    assert!(!go(&mut b, &mut server, at(14), noon()));
    assert!(go(&mut b, &mut server, at(15), noon()));
}

#[test]
fn what_others_have_written_into_it_stays() {
    let (mut server, mut a) = (Server::default(), candidate("a"));
    go(&mut a, &mut server, at(0), noon());
    let mut labelled = server.lease.clone().unwrap();
    labelled.metadata.labels = Some([("team".to_owned(), "contact-centre".to_owned())].into());
    server.take(labelled).unwrap();
    assert!(go(&mut a, &mut server, at(2), noon()));
    assert_eq!(server.lease.unwrap().metadata.labels.unwrap()["team"], "contact-centre");
}

#[test]
fn times_that_would_let_two_write_are_refused() {
    assert_eq!(TIMING.checked(), Ok(TIMING));
    assert!(Timing { deadline: at(15), ..TIMING }.checked().is_err());
    assert!(Timing { retry: at(6), ..TIMING }.checked().is_err());
}

#[test]
fn a_duration_is_told_in_whole_seconds_and_never_as_less() {
    let timing = Timing { duration: Duration::from_millis(2500), ..TIMING };
    let (mut server, mut a) = (Server::default(), Election::new("a", "lease", timing));
    go(&mut a, &mut server, at(0), noon());
    assert_eq!(spec(&server).lease_duration_seconds, Some(3));
}
