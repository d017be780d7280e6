//! The status of a ConnectInstance that several operators share, each of which watches some namespaces: each
//! tells what it sees, and whoever writes puts the sum beside it, so that all of them write the same.

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::resource::instance::{OperatorReport, UserCounts};

/// An operator is heard of this often, even if nothing is new.
const HEARD: SignedDuration = SignedDuration::from_mins(5);
/// One that was not heard of for so long does not speak any more.
const SILENT: SignedDuration = SignedDuration::from_mins(15);
/// In the place of the names of namespaces.
const ALL: &str = "*";
/// Before a label selector. Names of namespaces have no blanks.
const BY_LABEL: &str = " ";

/// What all operators have told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reports {
    all: Vec<OperatorReport>,
    own: String,
    now: Timestamp,
}

/// How an operator that watches these objects of these namespaces is called in reports.
pub(super) fn name(namespaces: &[String], selector: Option<&str>) -> String {
    let mut namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let namespaces = if namespaces.is_empty() { ALL.to_owned() } else { namespaces.join(",") };
    match selector {
        Some(selector) => format!("{namespaces}{BY_LABEL}{selector}"),
        None => namespaces,
    }
}

impl Reports {
    /// What was told before, with our own report in it or without.
    pub(super) fn new(
        before: &[OperatorReport],
        own: &str,
        report: impl FnOnce(String) -> Option<OperatorReport>,
        now: Timestamp,
    ) -> Self {
        let previous = before.iter().find(|report| report.namespaces == own);
        // A status is not written for the time alone, but now and then.
        let time = previous
            .filter(|report| age(report, now).is_some_and(|age| age >= SignedDuration::ZERO && age < HEARD))
            .map_or_else(|| now.to_string(), |report| report.time.clone());
        let kept = |report: &&OperatorReport| {
            // What an operator that is gone has counted is still there, unless we count it now.
            report.namespaces != own
                && (is_heard(report, now) || (report.objects > 0 && !covers(own, &report.namespaces)))
        };
        let mut all: Vec<OperatorReport> = before.iter().filter(kept).cloned().collect();
        all.extend(report(time));
        all.sort_by(|a, b| a.namespaces.cmp(&b.namespaces));
        Self { all, own: own.to_owned(), now }
    }

    /// Whether the conditions are ours to write.
    pub(super) fn are_ours_to_tell(&self) -> bool {
        let first = self.all.iter().find(|report| is_heard(report, self.now));
        first.is_none_or(|report| report.namespaces == self.own)
    }

    /// Whether any objects of any operator use the instance.
    pub(super) fn are_of_use(&self) -> bool {
        self.all.iter().any(|report| report.objects > 0)
    }

    /// The sum.
    pub(super) fn users(&self) -> UserCounts {
        let mut sum = UserCounts::default();
        for UserCounts { declared, ready, waiting, held, unmanaged: _ } in self.all.iter().map(|report| report.users) {
            sum.declared = sum.declared.saturating_add(declared);
            sum.ready = sum.ready.saturating_add(ready);
            sum.waiting = sum.waiting.saturating_add(waiting);
            sum.held = sum.held.saturating_add(held);
        }
        let managed = self.all.iter().filter_map(|report| Some(report.listed?.saturating_sub(report.users.unmanaged?)));
        let listed = self.all.iter().filter_map(|report| report.listed).max();
        sum.unmanaged = listed.map(|listed| listed.saturating_sub(managed.fold(0, i32::saturating_add)).max(0));
        sum
    }

    /// The latest listing of all users.
    pub(super) fn last_sweep(&self) -> Option<String> {
        let times = self.all.iter().filter_map(|report| report.last_sweep_time.as_ref());
        times.max_by_key(|time| time.parse::<Timestamp>().ok()).cloned()
    }

    /// All of them, in their order.
    pub(super) fn into_all(self) -> Vec<OperatorReport> {
        self.all
    }
}

fn age(report: &OperatorReport, now: Timestamp) -> Option<SignedDuration> {
    Some(now.duration_since(report.time.parse().ok()?))
}

fn is_heard(report: &OperatorReport, now: Timestamp) -> bool {
    age(report, now).is_some_and(|age| age < SILENT)
}

/// Whether one who watches `ours` sees all of `theirs`.
fn covers(ours: &str, theirs: &str) -> bool {
    let parts = |name: &str| name.split_once(BY_LABEL).map(|(a, b)| (a.to_owned(), Some(b.to_owned())));
    let [(ours, our_selector), (theirs, their_selector)] =
        [ours, theirs].map(|name| parts(name).unwrap_or_else(|| (name.to_owned(), None)));
    // What another selector selects is not known here.
    if our_selector.is_some() && our_selector != their_selector {
        return false;
    }
    ours == ALL || theirs.split(',').all(|namespace| ours.split(',').any(|own| own == namespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(60 * minute).unwrap()
    }

    fn report(namespaces: &str, minute: i64, declared: i32, unmanaged: i32) -> OperatorReport {
        let users = UserCounts { declared, ready: declared, unmanaged: Some(unmanaged), ..UserCounts::default() };
        OperatorReport {
            namespaces: namespaces.to_owned(),
            time: at(minute).to_string(),
            objects: declared,
            users,
            listed: Some(10),
            last_sweep_time: Some(at(minute).to_string()),
        }
    }

    fn told(before: &[OperatorReport], own: OperatorReport, minute: i64) -> Reports {
        let name = own.namespaces.clone();
        Reports::new(before, &name, |time| Some(OperatorReport { time, ..own }), at(minute))
    }

    #[test]
    fn two_operators_come_to_the_same_sum_and_one_of_them_speaks() {
        let a = told(&[], report("a", 0, 3, 7), 0);
        let b = told(&a.into_all(), report("b", 0, 2, 8), 0);
        let again = told(&b.clone().into_all(), report("a", 0, 3, 7), 1);
        assert_eq!(again.clone().into_all(), b.clone().into_all(), "nothing is new, nothing is written");
        assert_eq!((b.users(), again.users()), (again.users(), b.users()));
        assert_eq!((b.users().declared, b.users().unmanaged), (5, Some(5)));
        assert!(again.are_ours_to_tell() && !b.are_ours_to_tell());
    }

    #[test]
    fn one_that_falls_silent_speaks_no_more_and_its_objects_still_count() {
        let before = [report("a", 0, 3, 7), report("c", 0, 0, 10)];
        let b = told(&before, report("b", 0, 2, 8), 14);
        assert!(!b.are_ours_to_tell());
        let b = told(&b.into_all(), report("b", 0, 2, 8), 16);
        assert!(b.are_ours_to_tell());
        assert_eq!(b.users().declared, 5);
        let names: Vec<String> = b.clone().into_all().into_iter().map(|report| report.namespaces).collect();
        assert_eq!(names, ["a", "b"], "who counted nothing leaves nothing");
        for heir in ["a,b", ALL] {
            let all = told(&b.clone().into_all(), report(heir, 0, 5, 5), 40).into_all();
            assert_eq!(all.len(), 1, "{heir} counts the same objects: {all:?}");
        }
    }

    #[test]
    fn the_last_to_leave_lets_the_instance_go() {
        let before = [report("a", 0, 3, 7)];
        assert!(told(&before, report("b", 0, 0, 10), 100).are_of_use());
        assert!(!told(&[report("a", 0, 0, 10)], report("b", 0, 0, 10), 1).are_of_use());
        let left = Reports::new(&[report("a", 0, 0, 10), report("b", 0, 1, 9)], "b", |_| None, at(1));
        assert_eq!(left.into_all(), [report("a", 0, 0, 10)]);
    }

    #[test]
    fn a_report_is_renewed_every_five_minutes() {
        let first = told(&[], report("a", 0, 3, 7), 0).into_all();
        assert_eq!(told(&first, report("a", 0, 3, 7), 4).into_all(), first);
        let renewed = told(&first, report("a", 0, 3, 7), 5).into_all();
        assert_eq!(renewed[0].time, at(5).to_string());
        assert_eq!(name(&["b".to_owned(), "a".to_owned(), "b".to_owned()], None), "a,b");
        assert_eq!(name(&[], None), ALL);
    }

    #[test]
    fn a_shard_counts_for_another_only_where_it_is_the_same_or_all() {
        let (one, two) = (name(&[], Some("shard in (a, b)")), name(&["n".to_owned()], Some("shard=c")));
        assert_eq!((one.as_str(), two.as_str()), ("* shard in (a, b)", "n shard=c"));
        for (ours, theirs, expected) in [
            (one.as_str(), one.as_str(), true),
            (one.as_str(), two.as_str(), false),
            (one.as_str(), "n", false),
            ("* shard=c", two.as_str(), true),
            ("m shard=c", two.as_str(), false),
            (ALL, two.as_str(), true),
            ("n", two.as_str(), true),
            ("m", two.as_str(), false),
        ] {
            assert_eq!(covers(ours, theirs), expected, "{ours} of {theirs}");
        }
    }
}
