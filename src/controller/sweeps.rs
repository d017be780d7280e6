//! Keeps an eye on all users of each instance by a few listings, and has looked at what they make suspect.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::{Resource, ResourceExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::JoinMap;
use tracing::{Instrument, debug, info, info_span, warn};

use super::governance::{self, governors, instance_named, instance_of, speaks_of};
use super::{Context, turn};
use crate::connect::{Connect, ConnectError};
use crate::inventory::sweep::Swept;
use crate::pace::queue::Class;
use crate::plan::diff;
use crate::policy::{Rules, Tenancy};
use crate::user::desired::DesiredUser;
use crate::user::ids::{Instance, UserId};
use crate::user::ownership::Owned;

/// In the place of a namespace: what is looked at concerns all of them.
const EVERYBODY: &str = "";

/// How often it is seen what has come due.
pub(super) const PACE: Duration = Duration::from_secs(5);

/// Looks after every instance that has objects, until `stop`.
pub(super) async fn run(cx: Arc<Context>, stop: CancellationToken) {
    let pace = (cx.intervals.sweep / 4).min(PACE);
    let mut rounds: JoinMap<Instance, ()> = JoinMap::new();
    tokio::select! {
        () = stop.cancelled() => return,
        () = cx.lead.begun() => {}
    }
    let mut comparison_due = Instant::now() + jittered(cx.intervals.sweep);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pace) => {}
        }
        let is_there = |uid: &str| cx.indices.iter().any(|index| index.by_uid(uid).is_some());
        for uid in cx.backoff.come_due(Instant::now(), is_there) {
            for object in cx.found(|index| index.by_uid(&uid).into_iter().collect()) {
                if let Ok(object) = &object.0 {
                    cx.wake(object);
                }
            }
        }
        if Instant::now() >= comparison_due {
            wake_written(&cx);
            comparison_due = Instant::now() + jittered(cx.intervals.sweep);
        }
        let used = used(&cx);
        rounds.abort_matching(|instance| !used.contains(instance));
        while rounds.try_join_next().is_some() {}
        for instance in used {
            if !rounds.contains_key(&instance) {
                rounds.spawn(instance.clone(), look_after(Arc::clone(&cx), instance));
            }
        }
    }
}

/// Has looked at what somebody else has written to since our last look. The watch tells of changes that ask for
/// something, at once; the rest is most often nothing, and a look at what is in order costs no call. But a status that
/// was restored, edited or written by an operator that is gone would stand as it is until the next resync. At once
/// would be too soon: two that see things differently would answer each other without end.
fn wake_written(cx: &Context) {
    cx.each_object(|object| {
        let meta = object.meta();
        if let (Some(uid), Some(version)) = (&meta.uid, &meta.resource_version)
            && cx.backoff.is_ahead(uid, version)
        {
            cx.wake(object);
        }
    });
}

fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(0.9 + 0.2 * rand::random::<f64>())
}

/// The instances of all objects.
fn used(cx: &Context) -> BTreeSet<Instance> {
    let named = cx.indices.iter().flat_map(|index| index.instances());
    named.filter_map(|named| instance_named(cx, &named)).collect()
}

async fn look_after(cx: Arc<Context>, instance: Instance) {
    let mut search_due = Instant::now() + jittered(cx.intervals.search);
    loop {
        tokio::time::sleep(jittered(cx.intervals.sweep)).await;
        let Some(connect) = connect(&cx, &instance) else { continue };
        let span = info_span!("sweep", instance = %instance.id());
        if let Err(error) = sweep(&cx, connect.as_ref(), &instance).instrument(span).await {
            warn!(%instance, %error, "listing the users failed: changes in Connect are noticed later");
            continue;
        }
        if Instant::now() >= search_due {
            let span = info_span!("search", instance = %instance.id());
            match search(&cx, connect.as_ref(), &instance).instrument(span).await {
                Ok(()) => search_due = Instant::now() + jittered(cx.intervals.search),
                Err(error) => {
                    warn!(%instance, %error, "comparing the users failed: changes in Connect are noticed later");
                }
            }
        }
    }
}

/// As whom to look at the instance, if anybody may.
fn connect(cx: &Context, instance: &Instance) -> Option<Arc<dyn Connect>> {
    let rules = match governors(cx, instance).as_slice() {
        // Spelt in another way than its ConnectInstance, nobody may use it.
        [] if cx.connect_instances.state().iter().any(|other| speaks_of(other, instance)) => return None,
        [] if cx.tenancy == Tenancy::Restricted => return None,
        [] => Rules::open(cx.brake),
        [governor] => Rules::of(&governor.name_any(), &governor.spec, cx.brake).ok()?,
        [_, _, ..] => return None,
    };
    let work = turn::work(Class::Background, &cx.stop);
    Some(governance::connect(cx, &rules, &work, EVERYBODY))
}

async fn sweep(cx: &Context, connect: &dyn Connect, instance: &Instance) -> Result<(), ConnectError> {
    let Swept { users, suspects, is_empty } = {
        let ours = |id: &UserId| cx.indices.iter().any(|index| index.has_user(id.as_str()));
        cx.inventory.sweep(connect, instance, cx.clock.now(), ours).await?
    };
    if is_empty {
        warn!(%instance, "Amazon Connect lists no user at all, which is not believed");
        return Ok(());
    }
    debug!(%instance, users, suspects = suspects.len(), "listed the users");
    cx.metrics.suspected(instance.id().as_str(), suspects.len());
    for id in suspects {
        look_at(cx, instance, &id);
    }
    Ok(())
}

/// Compares what the index has of every user with what its object declares. It may lag, so a difference is
/// only a reason to look. The listing tells which users were changed; this tells of changes that do not
/// move a user's time, such as tags, and of names that have come to mean something else.
async fn search(cx: &Context, connect: &dyn Connect, instance: &Instance) -> Result<(), ConnectError> {
    let (mut token, mut users, mut suspects) = (None, 0, 0);
    loop {
        let page = connect.search_users(instance, token).await?;
        users += page.items.len();
        for found in page.items {
            for object in cx.found(|index| index.by_user(found.id.as_str())) {
                let Ok(object) = &object.0 else { continue };
                let Some(status) = &object.status else { continue };
                let Some(applied) = &status.applied else { continue };
                // The index may lag behind a write of ours.
                let written: Option<Timestamp> = status.last_write_time.as_deref().and_then(|time| time.parse().ok());
                let is_settled = applied.generation == object.metadata.generation
                    && written.is_none_or(|at| at < cx.fresh())
                    && instance_of(cx, &object.spec).is_ok_and(|other| other == *instance);
                if !is_settled {
                    continue;
                }
                // A name that means nothing any more is for the object's own look to tell.
                let references = cx.catalog.resolve(connect, instance, &object.spec).await;
                let is_suspect = references.map_or(true, |references| {
                    let desired = DesiredUser::new(&object.spec, references);
                    diff::is_suspect(&desired, &found, &Owned::from_record(applied), &cx.owner(object))
                });
                if is_suspect {
                    suspects += 1;
                    cx.inventory.suspect(instance, &found.id, &found.username);
                    cx.wake(object);
                }
            }
        }
        match page.next {
            Some(next) => token = Some(next),
            None => break,
        }
    }
    cx.metrics.suspected(instance.id().as_str(), suspects);
    debug!(%instance, users, suspects, "compared the users");
    Ok(())
}

fn look_at(cx: &Context, instance: &Instance, id: &UserId) {
    let objects = cx.found(|index| index.by_user(id.as_str()));
    if objects.is_empty() {
        return cx.inventory.forget(instance, id);
    }
    for object in objects.iter().filter_map(|object| object.0.as_ref().ok()) {
        info!(%instance, user = %id, object = %object.name_any(), "changed or gone in Amazon Connect, or made by another operator: looking at it");
        cx.wake(object);
    }
}
