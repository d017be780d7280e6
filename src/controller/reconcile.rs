//! One reconcile of one object: in its turn, whatever happens in it, and with the next look agreed at its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType};
use kube::{Resource, ResourceExt};
use tracing::{Instrument, Span, debug, error, field, info, info_span, warn};

use super::governance::instance_of;
use super::removal::{self, Removal};
use super::subject::{self, OnStale, PublishError, Subject};
use super::{Context, Guarded, sweeps, sync, turn, unreadable};
use crate::causes::Causes;
use crate::metrics::End;
use crate::pace::paced::Work;
use crate::plan::report::{Next, Outcome, Story};
use crate::resource::condition::Reason;
use crate::resource::user::ConnectUser;

pub(super) async fn reconcile(object: Arc<Guarded>, cx: Arc<Context>) -> Result<Action, std::convert::Infallible> {
    let Some(object) = turn::leading(object, &cx).await else { return Ok(Action::await_change()) };
    let Some(entry) = turn::enter(&object, &cx) else { return Ok(Action::await_change()) };
    // On the heap: there are thousands at a start that end above.
    let work = turn::work(entry.class(), &cx.stop);
    let next = Box::pin(turn::unless_abandoned(&work, begin(&object, &cx, &work, entry.waited()))).await;
    Ok(next.unwrap_or_else(Action::await_change))
}

async fn begin(object: &Guarded, cx: &Context, work: &Work, waited: Duration) -> Action {
    let meta = object.meta();
    let (uid, generation) = (meta.uid.clone().unwrap_or_default(), meta.generation.unwrap_or_default());
    let span = info_span!(
        "reconcile",
        object = %format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()),
        generation,
        class = work.class.name(),
        queued_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
        reason = field::Empty,
        result = field::Empty,
        otel.status_code = field::Empty,
    );
    let at_work = cx.metrics.begin(waited);

    let line = AssertUnwindSafe(async {
        match &object.0 {
            Ok(object) => drive(object, cx, work).await,
            Err(invalid) => unreadable::handle(invalid, cx).await,
        }
    });
    // A panic is a bug in here; it must not take the other objects with it.
    let result = line.catch_unwind().instrument(span.clone()).await;
    let span = span.entered();
    let (next, end) = match result {
        Ok(Ok(next)) => (next, End::Carried),
        Ok(Err(PublishError::Gone { .. })) => (Next::Change, End::Carried),
        Ok(Err(error @ PublishError::Stale { .. })) => {
            debug!(%error, "decided on a stale object; looking again");
            (Next::Soon, End::Again)
        }
        Ok(Err(error)) => {
            warn!(error = %Causes(&error), "the api server did not take a write; trying again");
            (Next::Backoff, End::Failed)
        }
        Err(panic) => {
            let message =
                panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            error!(
                message = message.unwrap_or("no message"),
                "a reconcile panicked: this is a bug, please report it; trying again"
            );
            (Next::Backoff, End::Panicked)
        }
    };
    span.record("result", end.name());
    if matches!(end, End::Failed | End::Panicked) {
        span.record("otel.status_code", "ERROR");
    }
    at_work.ended(end, matches!(next, Next::Backoff | Next::BackoffAtLeast(_)));
    let delay = cx.backoff.delay(&uid, generation, next, &cx.intervals, tokio::time::Instant::now(), rand::random());
    // Nobody waits for a look at what is in order, and a timer weighs as much as a third of the object.
    let is_calm = matches!(next, Next::Resync | Next::Unchanged) && delay.is_some_and(|delay| delay > sweeps::PACE);
    delay.filter(|_| !is_calm).map_or_else(Action::await_change, Action::requeue)
}

/// Reconciles the object as cached; or as it is, where the cache does not know yet what we have written
/// ourselves: against an older status the next one may seem to be no news, and would not be written.
async fn drive(object: &ConnectUser, cx: &Context, work: &Work) -> Result<Next, PublishError> {
    let uid = object.uid().unwrap_or_default();
    let live;
    let object = if cx.backoff.is_behind(&uid, &object.resource_version().unwrap_or_default()) {
        match subject::read(&cx.client, object).await? {
            Some(found) => live = found,
            None => return Ok(Next::Change),
        }
        &live
    } else {
        object
    };
    let mut subject = Subject::new(cx, object, work.clone());
    let result = carry_out(&mut subject, cx).await;
    cx.backoff.wrote(&uid, subject.resource_version());
    result
}

async fn carry_out(subject: &mut Subject<'_>, cx: &Context) -> Result<Next, PublishError> {
    let object = subject.object;
    if object.meta().deletion_timestamp.is_none() {
        let outcome = sync::sync(subject, cx).await?;
        return publish(subject, cx, outcome).await;
    }
    if !subject.is_held() {
        cx.backoff.forget(&subject.uid);
        return Ok(Next::Change);
    }
    match removal::remove(subject, cx).await? {
        Removal::Wait(outcome) => publish(subject, cx, *outcome).await,
        Removal::Done(story) => {
            // Told first: an event cannot be attached to an object that is gone.
            if let Some(story) = story {
                tell(cx, object, story).await;
            }
            subject.let_go().await?;
            cx.backoff.forget(&subject.uid);
            info!("released the object");
            Ok(Next::Change)
        }
    }
}

async fn publish(subject: &mut Subject<'_>, cx: &Context, outcome: Outcome) -> Result<Next, PublishError> {
    let (reason, message) = (outcome.reason, outcome.message.clone());
    let report = subject.publish(outcome, OnStale::ReadAgain).await?;
    cx.metrics.came_to(reason);
    Span::current().record("reason", reason.as_str());
    if reason == Reason::InSync {
        debug!(reason = reason.as_str(), "{message}");
    } else {
        info!(reason = reason.as_str(), "{message}");
    }
    for story in report.events {
        tell(cx, subject.object, story).await;
    }
    Ok(report.next)
}

/// Publishes an event. Losing one never fails a reconcile: a terminating namespace, for one, takes none.
async fn tell(cx: &Context, object: &ConnectUser, story: Story) {
    const LONGEST_NOTE: usize = 1000;
    let Story { warning, reason, action, mut note } = story;
    let instance = instance_of(cx, &object.spec).ok();
    cx.metrics.told(instance.as_ref().map(|instance| instance.id().as_str()), reason);
    if note.len() > LONGEST_NOTE {
        let cut = (0..=LONGEST_NOTE).rev().find(|at| note.is_char_boundary(*at)).unwrap_or_default();
        note.truncate(cut);
        note.push('…');
    }
    let type_ = if warning { EventType::Warning } else { EventType::Normal };
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: action.chars().take(128).collect(),
        secondary: None,
    };
    if let Err(error) = cx.recorder.publish(&event, &object.object_ref(&())).await {
        warn!(error = %Causes(&error), reason, "publishing an event failed");
    }
}
