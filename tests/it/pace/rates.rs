//! Budgets against a bucket as Connect has one, in virtual time: what is granted, what is throttled.

use std::collections::BinaryHeap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connect_simulator::{Options, Quotas, Simulator, fixtures};
use connect_user_operator::pace::budget::{Budget, Ready, Verdict};
use connect_user_operator::pace::limits::Rate;
use proptest::prelude::*;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

const TWO: Rate = Rate { per_second: 2.0, burst: 5.0 };
const TEN: Rate = Rate { per_second: 10.0, burst: 15.0 };

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Amazon Connect, as far as one operation's quota is concerned: the simulator itself, told what time it is.
struct Server(Simulator);

impl Server {
    fn new(rate: Rate, options: Options) -> Self {
        let simulator = Simulator::new(options);
        simulator.set_quotas(Some(Quotas::uniform(rate.per_second, rate.burst)));
        Self(simulator)
    }

    /// DescribeInstance at this time; whether it was let through.
    fn call(&self, now: Duration) -> bool {
        let request = http::Request::builder()
            .method("GET")
            .uri(format!("http://localhost/instance/{}", fixtures::managed::ID))
            .header("authorization", "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/eu-west-1/connect/aws4_request, SignedHeaders=host, Signature=0000000000000000000000000000000000000000000000000000000000000000")
            .header("x-amz-date", "20260101T000000Z")
            .body(bytes::Bytes::new())
            .unwrap();
        let now: SystemTime = UNIX_EPOCH + seconds(1_700_000_000.0) + now;
        let status = self.0.handle(request, now).response.status().as_u16();
        self.0.clear_calls();
        assert!(status == 200 || status == 429, "{status}");
        status == 200
    }
}

/// Something that happens, the earliest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival { sent: Duration, answer: Duration },
    Answer { sent: Duration, verdict: Option<bool> },
    Other,
}

#[derive(Debug, Default)]
struct Course {
    done: usize,
    throttled: usize,
    others: usize,
    end: Duration,
    grants: Vec<Duration>,
}

/// Makes `count` calls as fast as the budget permits, while another tool takes its own part of the quota.
fn run(rate: Rate, count: usize, begin: f64, latency: std::ops::Range<f64>, other: Option<f64>, seed: u64) -> Course {
    let server = Server::new(rate, Options::default());
    let mut chance = SmallRng::seed_from_u64(seed);
    let mut budget = Budget::new(rate, Duration::ZERO);
    let mut events: BinaryHeap<std::cmp::Reverse<(Duration, Event)>> = BinaryHeap::new();
    let (mut now, mut course, mut under_way) = (seconds(begin), Course::default(), 0);
    if other.is_some() {
        events.push(std::cmp::Reverse((now, Event::Other)));
    }
    while course.done < count {
        while course.done + under_way < count && budget.take(now) {
            under_way += 1;
            course.grants.push(now);
            let travel = chance.random_range(latency.clone());
            let (there, back) = (now + seconds(travel * chance.random::<f64>()), now + seconds(travel));
            events.push(std::cmp::Reverse((there, Event::Arrival { sent: now, answer: back })));
        }
        let due = if course.done + under_way < count { budget.ready(now) } else { Ready::AfterAnAnswer };
        let next = events.peek().map(|event| event.0.0);
        now = match (due, next) {
            (Ready::At(time), Some(next)) if time < next => time,
            (Ready::At(time), None) => time,
            (_, Some(next)) => next,
            (due, None) => panic!("nothing happens any more: {due:?} {course:?}"),
        };
        while events.peek().is_some_and(|event| event.0.0 <= now) {
            let std::cmp::Reverse((at, event)) = events.pop().unwrap();
            match event {
                Event::Arrival { sent, answer } => {
                    let verdict = Some(server.call(at));
                    events.push(std::cmp::Reverse((answer.max(at), Event::Answer { sent, verdict })));
                }
                Event::Answer { sent, verdict } => {
                    under_way -= 1;
                    let fine = verdict.unwrap();
                    course.done += usize::from(fine);
                    course.throttled += usize::from(!fine);
                    let verdict = if fine { Verdict::Counted } else { Verdict::Throttled { retry_after: None } };
                    budget.answered(sent, verdict, now);
                }
                Event::Other => {
                    course.others += usize::from(server.call(at));
                    let pause = seconds(1.0 / other.unwrap());
                    events.push(std::cmp::Reverse((at + pause, Event::Other)));
                }
            }
        }
    }
    course.end = now - seconds(begin);
    course
}

/// The part of the limit (N - burst) / rate that was reached.
fn ratio(rate: Rate, count: usize, course: &Course) -> f64 {
    (count as f64 - rate.burst) / rate.per_second / course.end.as_secs_f64()
}

#[test]
fn onboarding_reaches_the_limit_and_is_never_throttled() {
    for (rate, count, least) in [(TWO, 200, 0.97), (TWO, 10_000, 0.995), (TWO, 100_000, 0.995), (TEN, 10_000, 0.995)] {
        let course = run(rate, count, 0.0, 0.02..0.3, None, 1);
        let ratio = ratio(rate, count, &course);
        println!("alone: {count} calls at {}/s: ratio {ratio:.4}, {} throttled", rate.per_second, course.throttled);
        assert_eq!(course.throttled, 0);
        assert!(ratio >= least, "{ratio} {count}");
    }
}

#[test]
fn calls_that_travel_very_unevenly_are_not_throttled_either() {
    for (seed, rate) in [(1, TWO), (2, TEN), (3, Rate { per_second: 1.0, burst: 2.0 }), (4, Rate::of(50.0))] {
        let course = run(rate, 1000, 60.0, 0.001..9.0, None, seed);
        assert_eq!(course.throttled, 0, "{rate:?}");
    }
}

#[test]
fn with_another_tool_on_half_of_the_quota_we_get_nine_tenths_of_the_rest() {
    for (rate, seed) in [(TWO, 1), (TWO, 2), (TEN, 3)] {
        let course = run(rate, 5000, 0.0, 0.02..0.3, Some(rate.per_second / 2.0), seed);
        let took = course.end.as_secs_f64();
        let left = rate.per_second - course.others as f64 / took;
        let (got, throttled) = (5000.0 / took / left, course.throttled as f64 / 5000.0);
        println!(
            "half is taken: {}/s, {:.4} of the rest, {:.4} of half, {throttled:.4} throttled",
            rate.per_second,
            got,
            10_000.0 / took / rate.per_second
        );
        assert!(got >= 0.9, "{got}");
        assert!(5000.0 / took >= 0.9 * rate.per_second / 2.0);
        assert!(throttled < 0.1, "{throttled}");
    }
}

#[test]
fn half_of_a_quota_is_kept_to_by_two_that_share_it() {
    let (rate, half) = (TWO, Rate { per_second: 1.0, burst: 2.5 });
    let server = Server::new(rate, Options::default());
    let mut budgets = [Budget::new(half, Duration::ZERO), Budget::new(half, Duration::ZERO)];
    for tick in 0..20_000_u32 {
        let now = seconds(f64::from(tick) / 10.0);
        for budget in &mut budgets {
            while budget.take(now) {
                assert!(server.call(now), "throttled at {now:?}");
                budget.answered(now, Verdict::Counted, now);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// In any window of time no more calls begin than rate * window + burst, whatever becomes of them.
    #[test]
    fn no_window_holds_more_than_the_quota(
        per_second in 0.5..20.0_f64,
        burst in 1.0..20.0_f64,
        steps in prop::collection::vec((0.0..1.5_f64, 0..4_u8, 0..6_usize), 1..120),
    ) {
        let rate = Rate { per_second, burst };
        let mut budget = Budget::new(rate, Duration::ZERO);
        let (mut now, mut grants, mut under_way) = (Duration::ZERO, Vec::new(), Vec::new());
        for (pause, fate, wanted) in steps {
            now += seconds(pause);
            for _ in 0..wanted {
                if budget.take(now) {
                    under_way.push(now);
                    grants.push(now);
                }
            }
            if let Some(sent) = under_way.pop() {
                match fate {
                    0 => budget.answered(sent, Verdict::Throttled { retry_after: Some(seconds(pause)) }, now),
                    1 => {
                        // Not sent, so it does not count.
                        budget.give_back(now);
                        let at = grants.iter().rposition(|at| *at == sent).unwrap();
                        grants.remove(at);
                    }
                    2 => under_way.push(sent),
                    _ => budget.answered(sent, Verdict::Counted, now),
                }
            }
        }
        for (first, from) in grants.iter().enumerate() {
            for (last, to) in grants.iter().enumerate().skip(first) {
                let window = (*to - *from).as_secs_f64();
                prop_assert!((last - first + 1) as f64 <= per_second * window + burst + 1e-6);
            }
        }
    }

    /// The same seen from Connect, with calls that travel as they like: none is refused.
    #[test]
    fn nothing_is_throttled_when_nobody_else_calls(seed in any::<u64>(), slowest in 0.01..5.0_f64, two in any::<bool>()) {
        let course = run(if two { TWO } else { TEN }, 60, 5.0, 0.0001..slowest, None, seed);
        prop_assert_eq!(course.throttled, 0);
    }
}
