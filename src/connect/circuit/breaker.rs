//! When an instance is not asked any more, as a pure state machine.
//!
//! Failures in a row only raise a suspicion, and a probe of the instance itself decides. So a tenant whose
//! objects always fail costs the others one probe now and then, never their access.

use std::time::Duration;

use crate::connect::{ConnectError, Kind};

/// Failures in a row, by whatever objects, that raise a suspicion; and creations in a row that met a quota,
/// before it is taken for one of the instance rather than of a single user.
const SUSPICIOUS: u32 = 5;
/// A probe that was answered is believed for this long.
const BELIEVED: Duration = Duration::from_secs(30);
/// The first delay until a failed probe is repeated; it doubles.
const FIRST_PROBE: Duration = Duration::from_secs(1);
/// The longest delay until a failed probe is repeated.
const SLOWEST_PROBE: Duration = Duration::from_secs(30);
/// A probe that has not ended by then was abandoned.
const ABANDONED: Duration = Duration::from_secs(40);
/// The first time for which creations wait after a quota was met; it doubles up to the slowest retry.
const FIRST_CREATION: Duration = Duration::from_secs(5);

/// What may be done with a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may be made.
    Pass,
    /// The instance is to be asked first whether it answers at all.
    Probe,
    /// It would fail like the calls before it.
    Refuse(ConnectError),
}

/// What a call's end changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// The instance is not asked any more.
    Opened,
    /// What was refused is worth trying again.
    Recovered,
}

/// The circuit of one instance. Times are since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Until when no suspicion is raised.
    believed: Duration,
    probing: Option<Duration>,
    outage: Option<Outage>,
    full: Option<Full>,
}

/// The instance does not answer, or not to us.
#[derive(Debug)]
struct Outage {
    error: ConnectError,
    probes: u32,
    next_probe: Duration,
}

/// The instance takes no more users.
#[derive(Debug)]
struct Full {
    error: ConnectError,
    met: u32,
    until: Duration,
}

impl Breaker {
    /// Why the instance is not asked, if it is not.
    pub(super) fn outage(&self) -> Option<&ConnectError> {
        self.outage.as_ref().map(|outage| &outage.error)
    }

    /// Before a call.
    pub(super) fn before(&mut self, operation: &'static str, now: Duration) -> Admission {
        let is_probed = self.probing.is_some_and(|since| now < since + ABANDONED);
        match &self.outage {
            Some(outage) if is_probed || now < outage.next_probe => {
                return Admission::Refuse(not_tried(Kind::Unavailable, operation, &outage.error));
            }
            Some(_) => {}
            None if self.failures < SUSPICIOUS || is_probed || now < self.believed => {
                return self.before_creation(operation, now);
            }
            None => {}
        }
        self.probing = Some(now);
        Admission::Probe
    }

    /// Whether a call would be refused, without beginning anything.
    pub(super) fn refuses(&self, operation: &'static str, now: Duration) -> bool {
        let is_full = |full: &Full| operation == "CreateUser" && full.met >= SUSPICIOUS && now < full.until;
        self.outage.as_ref().is_some_and(|outage| now < outage.next_probe) || self.full.as_ref().is_some_and(is_full)
    }

    /// Of many creations that wait for a quota one at a time finds out whether there is room again.
    fn before_creation(&mut self, operation: &'static str, now: Duration) -> Admission {
        match &mut self.full {
            Some(full) if operation == "CreateUser" && full.met >= SUSPICIOUS => {
                if now < full.until {
                    return Admission::Refuse(not_tried(Kind::QuotaExceeded, operation, &full.error));
                }
                full.until = now + ABANDONED;
                Admission::Pass
            }
            _ => Admission::Pass,
        }
    }

    /// After a probe.
    pub(super) fn probed(&mut self, answer: Result<(), ConnectError>, now: Duration) -> Change {
        self.probing = None;
        self.failures = 0;
        match answer {
            Err(error) if is_outage(error.kind) => {
                let probes = self.outage.as_ref().map_or(0, |outage| outage.probes + 1);
                let is_news = self.outage.is_none();
                let next_probe = now + doubled(FIRST_PROBE, probes, SLOWEST_PROBE);
                // The words stay those of the beginning unless the cause changes: they are in thousands of conditions.
                let error = match self.outage.take() {
                    Some(outage) if outage.error.kind == error.kind && outage.error.code == error.code => outage.error,
                    _ => ConnectError { request_id: None, ..error },
                };
                self.outage = Some(Outage { error, probes, next_probe });
                if is_news { Change::Opened } else { Change::None }
            }
            // An answer that refuses is an answer.
            Ok(()) | Err(_) => {
                self.believed = now + BELIEVED;
                if self.outage.take().is_some() { Change::Recovered } else { Change::None }
            }
        }
    }

    /// After a call that was let pass. `slowest` bounds how long creations wait for a quota.
    pub(super) fn after(
        &mut self,
        operation: &'static str,
        error: Option<&ConnectError>,
        now: Duration,
        slowest: Duration,
    ) -> Change {
        match error {
            Some(error) if is_outage(error.kind) => {
                self.failures = self.failures.saturating_add(1);
                return Change::None;
            }
            Some(error) if error.kind == Kind::QuotaExceeded && operation == "CreateUser" => {
                self.failures = 0;
                let met = self.full.as_ref().map_or(1, |full| full.met.saturating_add(1));
                let until = now + doubled(FIRST_CREATION.min(slowest), met.saturating_sub(SUSPICIOUS), slowest);
                self.full = Some(Full { error: without_words(error), met, until });
                return Change::None;
            }
            Some(_) | None => self.failures = 0,
        }
        let makes_room = error.is_none() && matches!(operation, "CreateUser" | "DeleteUser");
        if makes_room && self.full.take().is_some_and(|full| full.met >= SUSPICIOUS) {
            Change::Recovered
        } else {
            Change::None
        }
    }
}

/// Failures that may concern the instance as a whole. A 404 may be the instance's own.
fn is_outage(kind: Kind) -> bool {
    matches!(kind, Kind::Unavailable | Kind::AccessDenied | Kind::NotFound)
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(most)
}

/// What one object met is shown in the conditions of others, who must not read its values: AWS repeats them.
fn without_words(error: &ConnectError) -> ConnectError {
    ConnectError { message: String::new(), request_id: None, ..error.clone() }
}

fn not_tried(kind: Kind, operation: &'static str, cause: &ConnectError) -> ConnectError {
    ConnectError {
        kind,
        operation,
        code: ConnectError::NOT_TRIED.to_owned(),
        message: cause.to_string(),
        request_id: None,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOWEST: Duration = Duration::from_secs(150);

    fn error(kind: Kind, code: &str) -> ConnectError {
        ConnectError {
            kind,
            operation: "ListUsers",
            code: code.to_owned(),
            message: if kind == Kind::QuotaExceeded { "Jane Doe is one too many".to_owned() } else { String::new() },
            request_id: Some("r".to_owned()),
            retry_after: None,
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(breaker: &mut Breaker, times: u32, now: Duration) {
        for _ in 0..times {
            assert_eq!(breaker.before("DescribeUser", now), Admission::Pass);
            breaker.after("DescribeUser", Some(&error(Kind::Unavailable, "Timeout")), now, SLOWEST);
        }
    }

    fn is_refused(admission: &Admission) -> bool {
        matches!(admission, Admission::Refuse(_))
    }

    #[test]
    fn a_row_of_failures_is_looked_into_and_a_failed_probe_stops_all_calls() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, 5, at(0));
        assert_eq!(breaker.before("CreateUser", at(0)), Admission::Probe);
        assert_eq!(breaker.probed(Err(error(Kind::AccessDenied, "ExpiredToken")), at(0)), Change::Opened);
        let Admission::Refuse(refused) = breaker.before("CreateUser", at(0)) else { panic!("not refused") };
        assert_eq!(refused.kind, Kind::Unavailable);
        assert_eq!(refused.to_string(), "CreateUser was not tried: ListUsers failed with ExpiredToken");
    }

    #[test]
    fn an_outage_is_probed_by_one_call_at_growing_intervals_until_it_ends() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, 5, at(0));
        let mut probes = Vec::new();
        for second in 0..120 {
            if breaker.before("DescribeUser", at(second)) == Admission::Probe {
                assert!(is_refused(&breaker.before("DescribeUser", at(second))) || probes.is_empty());
                breaker.probed(Err(error(Kind::Unavailable, "Timeout")), at(second));
                probes.push(second);
            }
        }
        assert_eq!(probes, [0, 1, 3, 7, 15, 31, 61, 91]);
        assert_eq!(breaker.before("DescribeUser", at(125)), Admission::Probe);
        assert_eq!(breaker.probed(Ok(()), at(125)), Change::Recovered);
        assert_eq!(breaker.before("DescribeUser", at(125)), Admission::Pass);
        assert!(breaker.outage().is_none());
    }

    #[test]
    fn objects_that_always_fail_cost_the_others_a_probe_now_and_then() {
        let mut breaker = Breaker::default();
        let mut probes = 0;
        for second in 0..60 {
            for _ in 0..10 {
                match breaker.before("CreateUser", at(second)) {
                    Admission::Pass => {
                        breaker.after(
                            "CreateUser",
                            Some(&error(Kind::AccessDenied, "AccessDenied")),
                            at(second),
                            SLOWEST,
                        );
                    }
                    Admission::Probe => {
                        probes += 1;
                        assert_eq!(breaker.probed(Ok(()), at(second)), Change::None);
                    }
                    Admission::Refuse(error) => panic!("refused: {error}"),
                }
            }
        }
        assert_eq!(probes, 2);
    }

    #[test]
    fn any_success_ends_the_row() {
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            fail(&mut breaker, 4, at(0));
            breaker.after("DescribeUser", None, at(0), SLOWEST);
        }
    }

    #[test]
    fn a_probe_that_was_abandoned_is_made_again() {
        let mut breaker = Breaker::default();
        fail(&mut breaker, 5, at(0));
        assert_eq!(breaker.before("DescribeUser", at(0)), Admission::Probe);
        assert_eq!(breaker.before("DescribeUser", at(1)), Admission::Pass);
        assert_eq!(breaker.before("DescribeUser", at(41)), Admission::Probe);
    }

    #[test]
    fn creations_wait_for_a_full_instance_one_finds_out_and_all_else_goes_on() {
        let mut breaker = Breaker::default();
        let full = error(Kind::QuotaExceeded, "LimitExceededException");
        for _ in 0..5 {
            assert_eq!(breaker.before("CreateUser", at(0)), Admission::Pass);
            assert_eq!(breaker.after("CreateUser", Some(&full), at(0), SLOWEST), Change::None);
        }
        let Admission::Refuse(refused) = breaker.before("CreateUser", at(4)) else { panic!("not refused") };
        assert_eq!(refused.kind, Kind::QuotaExceeded);
        let told = refused.to_string();
        assert_eq!(
            told, "CreateUser was not tried: ListUsers failed with LimitExceededException",
            "and nobody's values"
        );
        assert_eq!(breaker.before("UpdateUserConfig", at(4)), Admission::Pass);
        assert_eq!(breaker.before("CreateUser", at(5)), Admission::Pass);
        assert!(is_refused(&breaker.before("CreateUser", at(5))));
        breaker.after("CreateUser", Some(&full), at(5), SLOWEST);
        assert!(is_refused(&breaker.before("CreateUser", at(14))));
        assert_eq!(breaker.after("DeleteUser", None, at(14), SLOWEST), Change::Recovered);
        assert_eq!(breaker.before("CreateUser", at(14)), Admission::Pass);
    }
}
