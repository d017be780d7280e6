//! Tells objects that wait long for their turn how long it will be.
//!
//! Most of an import waits before it begins, and each object may do so for an hour. Its condition says so
//! once, by the time of day at which it is expected to begin, which does not have to be written again as time
//! passes; and again only where the wait turns out to be twice as long. Few are told at a time, so that an
//! import is not a storm of writes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Resource;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::subject::{OnStale, PublishError, Subject};
use super::{Context, is_suspended, turn};
use crate::pace::gate::Wait;
use crate::pace::queue::Class;
use crate::plan::report::{Next, Outcome};
use crate::resource::condition::{Reason, is_ready};
use crate::resource::user::ConnectUser;

/// Between two writes: ten a second.
const PAUSE: Duration = Duration::from_millis(100);
/// Over this time it is seen how fast the queue moves.
const WINDOW: Duration = Duration::from_secs(300);
/// Whoever is next soon is not told: its reconcile would meet the write.
const SOON: usize = 10;

/// What an object was told, and when.
struct Told {
    at: Timestamp,
    /// When it was expected to begin.
    expected: Option<Timestamp>,
}

/// Tells until `stop`.
pub(super) async fn run(cx: Arc<Context>, stop: CancellationToken) {
    let mut told = HashMap::new();
    let mut pasts = [Class::Edit, Class::Bulk].map(|class| (class, VecDeque::new()));
    loop {
        let patience = cx.intervals.patience;
        for (class, past) in &mut pasts {
            let speed = speed(past, cx.pace.gate().admitted(*class), Instant::now());
            let waits = cx.pace.gate().waits(*class, patience);
            let round = tell_all(&cx, &mut told, &waits, speed);
            tokio::select! {
                () = stop.cancelled() => return,
                () = round => {}
            }
        }
        told.retain(|object: &Arc<str>, _| cx.pace.gate().is_waiting(object));
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(patience / 4) => {}
        }
    }
}

/// How many go in a second, of late.
fn speed(past: &mut VecDeque<(Instant, u64)>, admitted: u64, now: Instant) -> f64 {
    past.push_back((now, admitted));
    while past.len() > 2 && past.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW) {
        past.pop_front();
    }
    let Some((since, before)) = past.front() else { return 0.0 };
    let seconds = now.duration_since(*since).as_secs_f64();
    if seconds > 0.0 { admitted.saturating_sub(*before) as f64 / seconds } else { 0.0 }
}

/// One round, of half a minute at most by default: those who wait on come with the next.
async fn tell_all(cx: &Context, told: &mut HashMap<Arc<str>, Told>, waits: &[Wait], speed: f64) {
    let most = (cx.intervals.patience.as_millis() / 4 / PAUSE.as_millis()).max(1);
    let mut count = 0;
    for wait in waits.iter().filter(|wait| wait.ahead >= SOON) {
        let now = cx.clock.now();
        let seconds = (speed > 0.0).then(|| wait.ahead as f64 / speed);
        let expected =
            seconds.and_then(|seconds| now.checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?).ok());
        if told.get(&wait.object).is_some_and(|told| !is_news(told, expected))
            || !cx.pace.gate().is_waiting(&wait.object)
        {
            continue;
        }
        let Some(object) = cx.named(&wait.object) else { continue };
        let Ok(object) = &object.0 else { continue };
        told.insert(Arc::clone(&wait.object), Told { at: now, expected });
        if let Err(error) = tell(cx, object, &message(wait.ahead, now, expected)).await {
            debug!(%error, "not told how long it waits");
        }
        count += 1;
        if count >= most {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Whether it takes twice as long as was said, or a time can be given at last.
fn is_news(told: &Told, expected: Option<Timestamp>) -> bool {
    match (told.expected, expected) {
        (Some(before), Some(expected)) => expected.duration_since(told.at) > 2 * before.duration_since(told.at),
        (None, Some(_)) => true,
        (_, None) => false,
    }
}

async fn tell(cx: &Context, object: &ConnectUser, message: &str) -> Result<(), PublishError> {
    let is_terminating = object.meta().deletion_timestamp.is_some();
    let conditions = object.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let work = turn::work(Class::Edit, &cx.stop);
    let mut subject = Subject::new(cx, object, work);
    let rests = is_suspended(object) || is_ready(conditions, subject.generation);
    if rests || (is_terminating && !subject.is_held()) {
        return Ok(());
    }
    let reason = match &subject.status.user_id {
        _ if is_terminating => Reason::Deleting,
        Some(_) => Reason::Updating,
        None => Reason::Creating,
    };
    // A failure of this generation stays, as it does before every try.
    let result = subject.publish(Outcome::new(reason, message, Next::Soon).ahead(), OnStale::GiveUp).await;
    cx.backoff.wrote(&subject.uid, subject.resource_version());
    result.map(|_| ())
}

/// Coarse, since it is an estimate.
fn message(ahead: usize, now: Timestamp, expected: Option<Timestamp>) -> String {
    let digits = ahead.checked_ilog10().unwrap_or_default();
    let coarse = 10_usize.pow(digits);
    let ahead = ahead.div_ceil(coarse) * coarse;
    let told = format!("waits for its turn, since calls to Amazon Connect are bounded: about {ahead} are before it");
    let Some(expected) = expected else { return told };
    let step = if expected.duration_since(now) > SignedDuration::from_hours(1) { 900 } else { 300 };
    let rounded = Timestamp::from_second(expected.as_second().div_euclid(step).saturating_add(1).saturating_mul(step));
    let Ok(rounded) = rounded else { return told };
    format!("{told}, it begins by about {}", rounded.strftime("%H:%M UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_message_is_coarse() {
        let told = message(2345, at(0), Some(at(1172)));
        assert!(told.ends_with("about 3000 are before it, it begins by about 00:20 UTC"), "{told}");
        let told = message(11, at(0), Some(at(4000)));
        assert!(told.ends_with("about 20 are before it, it begins by about 01:15 UTC"), "{told}");
        assert!(message(10, at(0), None).ends_with("about 10 are before it"));
    }

    #[test]
    fn what_was_told_stands_until_it_takes_twice_as_long() {
        let told = Told { at: at(0), expected: Some(at(100)) };
        assert!(!is_news(&told, Some(at(10))));
        assert!(!is_news(&told, Some(at(200))));
        assert!(is_news(&told, Some(at(201))));
        assert!(!is_news(&told, None));
        assert!(is_news(&Told { at: at(0), expected: None }, Some(at(1))));
    }

    #[tokio::test(start_paused = true)]
    async fn the_speed_is_that_of_the_last_minutes() {
        let (mut past, begun) = (VecDeque::new(), Instant::now());
        assert!(speed(&mut past, 0, begun) < 0.1);
        assert!((speed(&mut past, 60, begun + Duration::from_secs(30)) - 2.0).abs() < 1e-9);
        for minute in 1..30 {
            speed(&mut past, 60, begun + Duration::from_secs(30 + 60 * minute));
        }
        assert!(speed(&mut past, 60, begun + Duration::from_secs(1830)) < 1e-9);
    }
}
