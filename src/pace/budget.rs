//! How many calls of one operation may be under way and when the next may begin.
//!
//! Connect counts a call when it arrives, and when that is, nobody here knows: some time between sending
//! it and having its answer. So a token is set aside when a call is sent and spent only when its answer is
//! in. For any moment, what is left here is then at most what is left there, however unevenly calls
//! travel, and nothing is throttled because of us. It costs nothing while answers come within
//! burst / rate seconds, because the bucket is never full while anybody waits.

use std::time::Duration;

use super::limits::Rate;

/// Tokens that are never used: calls are stamped in milliseconds there, and timers differ.
const MARGIN: f64 = 0.25;
/// Two clocks differ; over an import of hours, so would two buckets at the same rate.
const CLOCKS: f64 = 0.999;
/// What a throttled call leaves of the rate.
const DECREASE: f64 = 0.7;
/// What a second without a throttle adds, as a part of the limit. Somebody else's use is found again and
/// again by being throttled once; at this slope that is a call in twenty or fewer.
const RECOVERY: f64 = 0.01;
/// Least part of the limit that is tried.
const FLOOR: f64 = 0.05;

/// What came of a call, as far as the budget is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Anything but a throttle: acknowledged, refused, failed on the way, or a used-up quota of users.
    Counted,
    /// Too many calls a second.
    Throttled {
        /// How long Connect asks to wait.
        retry_after: Option<Duration>,
    },
}

/// When the next call may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Now.
    Now,
    /// Not before this time.
    At(Duration),
    /// When an answer is in: as many calls are under way as may be at once.
    AfterAnAnswer,
}

/// The budget of one operation in one account and Region. Times count from any fixed moment.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: Rate,
    /// Learnt rate: at most the limit.
    rate: f64,
    tokens: f64,
    /// Calls without an answer; each holds one of `tokens`.
    under_way: u32,
    at: Duration,
    not_before: Duration,
    /// When the rate was last lowered: calls that were sent before it tell nothing new.
    lowered: Option<Duration>,
    throttled: u64,
}

impl Budget {
    /// A budget that had one token at `begun`. A process that was killed a moment before may have used the
    /// rest.
    pub fn new(limit: Rate, begun: Duration) -> Self {
        let mut budget = Self {
            limit,
            rate: 0.0,
            tokens: 1.0,
            under_way: 0,
            at: begun,
            not_before: Duration::ZERO,
            lowered: None,
            throttled: 0,
        };
        budget.rate = budget.cap();
        budget
    }

    fn cap(&self) -> f64 {
        self.limit.per_second * CLOCKS
    }

    fn capacity(&self) -> f64 {
        (self.limit.burst - MARGIN).max(1.0)
    }

    /// Another limit from now on.
    pub fn limit(&mut self, limit: Rate, now: Duration) {
        self.advance(now);
        let part = self.rate / self.cap();
        self.limit = limit;
        self.rate = part * self.cap();
        self.tokens = self.tokens.min(self.capacity().max(f64::from(self.under_way)));
    }

    fn advance(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        // Calls that were under way when the capacity shrank may hold more than fits.
        let most = self.capacity().max(self.tokens);
        self.tokens = (self.tokens + passed * self.rate).min(most);
        self.rate = (self.rate + passed * RECOVERY * self.cap()).min(self.cap());
    }

    /// When the next call may begin.
    pub fn ready(&mut self, now: Duration) -> Ready {
        self.advance(now);
        let needed = f64::from(self.under_way) + 1.0;
        if self.tokens >= needed && now >= self.not_before {
            return Ready::Now;
        }
        if needed > self.capacity() {
            return Ready::AfterAnAnswer;
        }
        let wait = Duration::from_secs_f64(((needed - self.tokens) / self.rate).clamp(0.0, 3600.0));
        // A timer that rounds down must not come back to the same moment for ever.
        Ready::At((now + wait + Duration::from_micros(1)).max(self.not_before))
    }

    /// Sets a token aside for a call that is sent now.
    pub fn take(&mut self, now: Duration) -> bool {
        let may = self.ready(now) == Ready::Now;
        if may {
            self.under_way += 1;
        }
        may
    }

    /// A call for which a token was set aside was not sent after all.
    pub fn give_back(&mut self, now: Duration) {
        self.advance(now);
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// The answer to a call that was sent at `sent`.
    pub fn answered(&mut self, sent: Duration, verdict: Verdict, now: Duration) {
        self.advance(now);
        self.under_way = self.under_way.saturating_sub(1);
        self.tokens = (self.tokens - 1.0).max(f64::from(self.under_way));
        let Verdict::Throttled { retry_after } = verdict else { return };
        self.throttled += 1;
        // The bucket there is empty.
        self.tokens = f64::from(self.under_way);
        if let Some(asked) = retry_after {
            self.not_before = self.not_before.max(now + asked.min(Duration::from_secs(60)));
        }
        if self.lowered.is_none_or(|lowered| sent > lowered) {
            self.lowered = Some(now);
            self.rate = (self.rate * DECREASE).max(self.cap() * FLOOR);
        }
    }

    /// Calls a second at present.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Calls a second while nobody throttles.
    pub fn most(&self) -> f64 {
        self.limit.per_second
    }

    /// Calls that were throttled.
    pub fn throttled(&self) -> u64 {
        self.throttled
    }

    /// Whether no call is under way.
    pub fn is_idle(&self) -> bool {
        self.under_way == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Rate = Rate { per_second: 2.0, burst: 5.0 };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn full() -> (Budget, Duration) {
        (Budget::new(TWO, Duration::ZERO), seconds(100.0))
    }

    fn take_all(budget: &mut Budget, now: Duration) -> usize {
        (0..100).take_while(|_| budget.take(now)).count()
    }

    #[test]
    fn calls_without_an_answer_hold_their_tokens() {
        let (mut budget, now) = full();
        assert_eq!(take_all(&mut budget, now), 4);
        // However long they travel: they may arrive only now.
        assert_eq!(take_all(&mut budget, now + seconds(60.0)), 0);
        assert_eq!(budget.ready(now + seconds(60.0)), Ready::AfterAnAnswer);
        budget.answered(now, Verdict::Counted, now + seconds(60.0));
        assert_eq!(take_all(&mut budget, now + seconds(60.6)), 1);
    }

    #[test]
    fn a_process_begins_with_one_call() {
        let mut budget = Budget::new(TWO, seconds(1.0));
        assert_eq!(take_all(&mut budget, seconds(1.0)), 1);
        let mut later = Budget::new(TWO, seconds(1.0));
        assert_eq!(take_all(&mut later, seconds(2.1)), 3);
    }

    #[test]
    fn a_call_that_was_not_sent_costs_nothing() {
        let (mut budget, now) = full();
        assert!(budget.take(now));
        budget.give_back(now);
        assert_eq!(take_all(&mut budget, now), 4);
    }

    #[test]
    fn a_throttle_lowers_the_rate_once_per_round_trip_and_time_raises_it_to_the_limit() {
        let (mut budget, now) = full();
        assert_eq!(take_all(&mut budget, now), 4);
        let throttled = Verdict::Throttled { retry_after: None };
        for _ in 0..4 {
            budget.answered(now, throttled, now + seconds(0.1));
        }
        assert_eq!(budget.throttled(), 4);
        assert!((budget.rate() / (2.0 * CLOCKS) - DECREASE).abs() < 1e-9, "{}", budget.rate());
        assert!(!budget.take(now + seconds(0.2)), "the bucket there is empty");
        let later = now + seconds(15.0);
        budget.ready(later);
        assert!((0.84..0.86).contains(&(budget.rate() / 2.0)), "{}", budget.rate());
        budget.ready(now + seconds(100.0));
        assert_eq!(budget.rate(), 2.0 * CLOCKS);
        assert!(budget.take(later + seconds(100.0)));
        budget.answered(later + seconds(100.0), throttled, later + seconds(100.1));
        assert!((budget.rate() / (2.0 * CLOCKS) - DECREASE).abs() < 1e-9, "a later call tells something new");
    }

    #[test]
    fn other_failures_do_not_lower_the_rate() {
        let (mut budget, now) = full();
        assert!(budget.take(now));
        budget.answered(now, Verdict::Counted, now + seconds(0.1));
        assert_eq!((budget.rate(), budget.throttled()), (2.0 * CLOCKS, 0));
    }

    #[test]
    fn nothing_is_sent_before_connect_permits() {
        let (mut budget, now) = full();
        assert!(budget.take(now));
        budget.answered(now, Verdict::Throttled { retry_after: Some(seconds(20.0)) }, now);
        assert_eq!(budget.ready(now + seconds(19.0)), Ready::At(now + seconds(20.0)));
        assert!(budget.take(now + seconds(20.0)));
        let (mut budget, now) = full();
        assert!(budget.take(now));
        budget.answered(now, Verdict::Throttled { retry_after: Some(seconds(86_400.0)) }, now);
        assert!(budget.take(now + seconds(61.0)), "an absurd wait is not obeyed");
    }

    #[test]
    fn the_rate_never_falls_to_nothing() {
        let (mut budget, mut now) = full();
        for _ in 0..200 {
            now += seconds(0.01);
            budget.under_way += 1;
            budget.answered(now, Verdict::Throttled { retry_after: None }, now);
        }
        assert!(budget.rate() >= 2.0 * CLOCKS * FLOOR);
    }
}
