//! Watches `ConnectInstance` objects: tells in each how its instance is doing, keeps it while users depend
//! on it, and wakes the users that waited for a change of its rules.

use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::UnboundedReceiver;
use futures::{StreamExt, TryStreamExt};
use kube::api::{Patch, PatchParams};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::runtime::reflector::store::Writer;
use kube::runtime::{Controller, PredicateConfig, WatchStreamExt, reflector::Store, watcher};
use kube::{Api, Resource, ResourceExt};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, debug, info_span, warn};

use super::governance::{connect, credentials, governors, instance_of};
use super::reports::{self, Reports};
use super::siblings::each_of_instance;
use super::{Context, Filled, turn, verdict};
use crate::causes::Causes;
use crate::connect::{IdentityManagement, InstanceInfo};
use crate::metrics::End;
use crate::pace::paced::Work;
use crate::pace::queue::Class;
use crate::plan::report::{Next, Outcome};
use crate::policy::Rules;
use crate::resource::condition::{Reason, conditions, is_ready, ready};
use crate::resource::instance::{ConnectInstance, ConnectInstanceStatus, OperatorReport, UserCounts};
use crate::resource::user::ConnectUser;
use crate::resource::{INSTANCE_FINALIZER, MANAGER, RELEASE_ANNOTATION};
use crate::user::ids::{Instance, UserId};

/// In the place of a namespace, which these objects do not have.
const INSTANCES: &str = "";

/// Runs until `stop`.
pub(super) async fn run<F: FnOnce() + Send + 'static>(
    cx: Arc<Context>,
    store: Store<ConnectInstance>,
    writer: Writer<ConnectInstance>,
    filled: Arc<Filled<F>>,
    known: CancellationToken,
    stop: CancellationToken,
) {
    let mut is_filled = false;
    let woken = Arc::clone(&cx);
    let changes = watcher(Api::<ConnectInstance>::all(cx.client.clone()), watcher::Config::default().any_semantic())
        .default_backoff()
        .modify(|object| object.managed_fields_mut().clear())
        .reflect(writer)
        .inspect_ok(move |event| match event {
            watcher::Event::InitDone if !std::mem::replace(&mut is_filled, true) => {
                known.cancel();
                filled.one_more();
            }
            watcher::Event::Delete(object) => wake(&woken, object),
            _ => {}
        })
        .applied_objects()
        .predicate_filter(
            |object: &ConnectInstance| {
                use std::hash::{Hash, Hasher};
                let mut hasher = std::hash::DefaultHasher::new();
                let deletion = object.metadata.deletion_timestamp.as_ref().map(|time| time.0);
                (object.metadata.generation, deletion, object.annotations().get(RELEASE_ANNOTATION)).hash(&mut hasher);
                Some(hasher.finish())
            },
            PredicateConfig::default(),
        );
    let woken = Arc::clone(&cx);
    let changes = changes.inspect_ok(move |object| wake(&woken, object));
    Controller::for_stream(changes, store)
        .graceful_shutdown_on(stop.cancelled_owned())
        .run(reconcile, |_, error, _| match *error {}, cx)
        .for_each(|result| async move {
            if let Err(error) = result {
                debug!(error = %Causes(&error), "watching ConnectInstances");
            }
        })
        .await;
}

/// Wakes all users of an instance: a rule may have been what they waited for, or may forbid what it allowed.
/// Looking at one that is in order costs no call.
fn wake(cx: &Context, object: &ConnectInstance) {
    let Ok(instance) = Instance::parse(&object.spec.instance_arn) else { return };
    let by_reference = object.name_any();
    cx.each_object(|user| {
        let refers = user.spec.instance_ref.as_ref().is_some_and(|reference| reference.name == by_reference);
        let arn = user.spec.instance_arn.as_deref();
        if refers || arn.is_some_and(|arn| Instance::parse(arn).is_ok_and(|arn| arn == instance)) {
            cx.wake(user);
        }
    });
}

/// Wakes the users of an instance that takes calls again, without waiting for their next try.
pub(super) async fn wake_recovered(cx: &Context, mut recovered: UnboundedReceiver<Instance>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            instance = recovered.next() => {
                let Some(instance) = instance else { return };
                wake_unready(cx, |user| instance_of(cx, &user.spec).is_ok_and(|other| other == instance));
            }
        }
    }
}

fn wake_unready(cx: &Context, predicate: impl Fn(&ConnectUser) -> bool) {
    cx.each_object(|user| {
        let conditions = user.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        let is_terminating = user.meta().deletion_timestamp.is_some();
        let is_ready = is_ready(conditions, user.metadata.generation.unwrap_or_default());
        if (is_terminating || !is_ready) && predicate(user) {
            cx.wake(user);
        }
    });
}

async fn reconcile(object: Arc<ConnectInstance>, cx: Arc<Context>) -> Result<Action, std::convert::Infallible> {
    /// Counts of users are brought up to date this often at most.
    const PACE: Duration = Duration::from_secs(10);
    /// Time for the cache to catch up.
    const AGAIN: Duration = Duration::from_secs(1);
    let pace = PACE.min(cx.intervals.resync);
    // A user that is not known yet would not be counted, and the finalizer would go for want of users.
    tokio::select! {
        biased;
        () = cx.stop.cancelled() => return Ok(Action::await_change()),
        ((), ()) = futures::future::join(cx.filled.cancelled(), cx.lead.begun()) => {}
    }
    // It may have waited for days until this process led.
    let Some(object) = cx.connect_instances.get(&ObjectRef::from_obj(object.as_ref())) else {
        return Ok(Action::await_change());
    };
    // There are few of them, they ask once, and creations wait for what they learn.
    let work = turn::work(Class::Edit, &cx.stop);
    let span = info_span!("reconcile_instance", object = %object.name_any(), generation = object.metadata.generation);
    let at_work = cx.metrics.begin_instance();
    let Some(told) = turn::unless_abandoned(&work, tell(&object, &cx, &work)).instrument(span).await else {
        return Ok(Action::await_change());
    };
    let end = match &told {
        Ok(_) => End::Carried,
        Err(kube::Error::Api(status)) if status.is_not_found() => End::Carried,
        Err(kube::Error::Api(status)) if status.is_conflict() => End::Again,
        Err(_) => End::Failed,
    };
    at_work.ended(end, end == End::Failed);
    let uid = object.uid().unwrap_or_default();
    let next = match told {
        Ok(next) => next,
        Err(kube::Error::Api(status)) if status.is_conflict() => {
            debug!(instance = %object.name_any(), "decided on a stale ConnectInstance; looking again");
            return Ok(Action::requeue(AGAIN.min(pace)));
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => {
            cx.backoff.forget(&uid);
            return Ok(Action::await_change());
        }
        Err(error) => {
            warn!(instance = %object.name_any(), error = %Causes(&error), "telling how the instance is doing failed");
            Next::Resync
        }
    };
    // What may have passed a moment later is not told for longer than that.
    if matches!(next, Next::Soon | Next::Backoff | Next::BackoffAtLeast(_)) {
        let (generation, now) = (object.metadata.generation.unwrap_or_default(), tokio::time::Instant::now());
        let delay = cx.backoff.delay(&uid, generation, next, &cx.intervals, now, rand::random());
        return Ok(Action::requeue(delay.unwrap_or(pace).min(pace)));
    }
    cx.backoff.forget(&uid);
    Ok(Action::requeue(pace))
}

/// Writes into the status how the instance is doing, and says when to look again.
async fn tell(object: &ConnectInstance, cx: &Context, work: &Work) -> kube::Result<Next> {
    let api: Api<ConnectInstance> = Api::all(cx.client.clone());
    let name = object.name_any();
    let tally = tally(object, cx);
    // Operators that watch different namespaces share the cluster's ConnectInstances: each tends those that
    // its namespaces may use, or uses.
    let rules = Rules::of(&name, &object.spec, cx.brake);
    let admits = |namespace: &String| rules.as_ref().is_ok_and(|rules| rules.admits(namespace));
    let takes_part = cx.namespaces.is_empty() || tally.objects > 0 || cx.namespaces.iter().any(admits);
    let previous = object.status.clone().unwrap_or_default();
    let own = reports::name(&cx.namespaces, cx.selector.as_deref());
    if !takes_part && !previous.operators.iter().any(|report| report.namespaces == own) {
        return Ok(Next::Resync);
    }
    let now = cx.clock.now();
    let report = |time| takes_part.then(|| report(object, cx, &tally, &own, time));
    let reports = Reports::new(&previous.operators, &own, report, now);
    let version = hold(object, &api, reports.are_of_use()).await?;
    if object.metadata.deletion_timestamp.is_some() && !reports.are_of_use() {
        return Ok(Next::Resync);
    }

    let (counts, swept) = (reports.users(), reports.last_sweep());
    let mut status = ConnectInstanceStatus {
        users: Some(counts),
        last_sweep_time: swept.or_else(|| previous.last_sweep_time.clone()),
        ..previous.clone()
    };
    let mut next = Next::Resync;
    if reports.are_ours_to_tell() {
        let generation = object.metadata.generation.unwrap_or_default();
        let (outcome, info) = judge(object, cx, work, &counts).await;
        let Outcome { reason, message, next: soon, .. } = outcome;
        next = soon;
        status.observed_generation = Some(generation);
        status.identity_management_type = info.as_ref().and_then(identity).or(status.identity_management_type);
        status.conditions = conditions(&previous.conditions, reason, &message, generation, now);
    }
    status.operators = reports.into_all();
    if status == previous {
        return Ok(next);
    }
    let patch = json!({
        "apiVersion": ConnectInstance::api_version(&()),
        "kind": ConnectInstance::kind(&()),
        // An apply does not heed the uid alone, and another object may have the name by now.
        "metadata": { "uid": object.metadata.uid, "resourceVersion": version },
        "status": status,
    });
    // A conflict is looked at again: another operator may have added its report.
    api.patch_status(&name, &PatchParams::apply(MANAGER).force(), &Patch::Apply(patch)).await?;
    Ok(next)
}

/// What this operator sees of the instance.
/// How the objects of an instance are doing.
#[derive(Default)]
struct Tally {
    objects: i32,
    users: UserCounts,
}

fn tally(object: &ConnectInstance, cx: &Context) -> Tally {
    let mut tally = Tally::default();
    let Ok(instance) = Instance::parse(&object.spec.instance_arn) else { return tally };
    each_of_instance(cx, &instance, |user| {
        let Tally { objects, users } = &mut tally;
        let status = user.status.as_ref();
        let conditions = status.map(|status| status.conditions.as_slice()).unwrap_or_default();
        let is_terminating = user.meta().deletion_timestamp.is_some();
        let held = ready(conditions).is_some_and(|ready| ready.reason == Reason::DeletionHeld.as_str());
        let is_ready = is_ready(conditions, user.metadata.generation.unwrap_or_default());
        *objects = objects.saturating_add(1);
        users.declared += i32::from(!is_terminating);
        users.held += i32::from(is_terminating && held);
        users.ready += i32::from(!is_terminating && is_ready);
        users.waiting += i32::from(!is_terminating && !is_ready);
    });
    tally
}

fn report(object: &ConnectInstance, cx: &Context, tally: &Tally, own: &str, time: String) -> OperatorReport {
    let swept = Instance::parse(&object.spec.instance_arn).ok().and_then(|instance| {
        let is_ours = |id: &UserId| cx.indices.iter().any(|index| index.has_user(id.as_str()));
        cx.inventory.count(&instance, is_ours)
    });
    let unmanaged = swept.map(|count| i32::try_from(count.unmanaged).unwrap_or(i32::MAX));
    OperatorReport {
        namespaces: own.to_owned(),
        time,
        objects: tally.objects,
        users: UserCounts { unmanaged, ..tally.users },
        listed: swept.map(|count| i32::try_from(count.users).unwrap_or(i32::MAX)),
        last_sweep_time: swept.map(|count| count.swept.to_string()),
    }
}

/// Keeps the object while users depend on it, or deleting it would open the instance to everybody. Returns its
/// resourceVersion.
async fn hold(object: &ConnectInstance, api: &Api<ConnectInstance>, is_used: bool) -> kube::Result<Option<String>> {
    let mut finalizers = object.finalizers().to_vec();
    let is_held = finalizers.iter().any(|finalizer| finalizer == INSTANCE_FINALIZER);
    let is_terminating = object.metadata.deletion_timestamp.is_some();
    match (is_used, is_held) {
        (true, false) if !is_terminating => finalizers.push(INSTANCE_FINALIZER.to_owned()),
        (false, true) => finalizers.retain(|finalizer| finalizer != INSTANCE_FINALIZER),
        _ => return Ok(object.resource_version()),
    }
    let patch = json!({ "metadata": {
        "uid": object.metadata.uid,
        "resourceVersion": object.metadata.resource_version,
        "finalizers": finalizers,
    }});
    let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
    Ok(api.patch_metadata(&object.name_any(), &params, &Patch::Merge(patch)).await?.resource_version())
}

async fn judge(
    object: &ConnectInstance,
    cx: &Context,
    work: &Work,
    counts: &UserCounts,
) -> (Outcome, Option<InstanceInfo>) {
    let unasked = |reason, message: String| (Outcome::new(reason, message, Next::Resync), None);
    let name = object.name_any();
    let instance = match Instance::parse(&object.spec.instance_arn) {
        Ok(instance) => instance,
        Err(error) => return unasked(Reason::InvalidSpec, format!("spec.instanceArn: {error}")),
    };
    if let Some(other) = governors(cx, &instance).iter().find(|other| other.name_any() != name) {
        let message = format!(
            "ConnectInstance {} speaks of the same instance: nothing is written to its users until one of the two is deleted",
            other.name_any()
        );
        return unasked(Reason::NotAllowed, message);
    }
    let rules = match Rules::of(&name, &object.spec, cx.brake) {
        Ok(rules) => cx.as_permitted(rules),
        Err(denied) => return unasked(Reason::InvalidSpec, denied.to_string()),
    };
    let credentials = credentials(&rules);
    if let Some(error) = cx.circuits.outage(&credentials, &instance) {
        let outcome = verdict::failed_call(&error, &instance);
        let message = format!("{}; its users are left alone until it answers", outcome.message);
        return (Outcome { message, ..outcome }, None);
    }
    let connect = connect(cx, &rules, work, INSTANCES);
    let info = match cx.instances.info(connect.as_ref(), &instance).await {
        Ok(info) => info,
        Err(error) => return (verdict::failed_call(&error, &instance), None),
    };
    let (reason, message) = if object.metadata.deletion_timestamp.is_some() {
        let users = counts.declared + counts.held;
        (Reason::Deleting, format!("waits until no ConnectUser uses it any more; {users} still do"))
    } else if counts.held > 0 {
        let held = counts.held;
        (
            Reason::DeletionHeld,
            format!(
                "{held} deletions are held back by the brake: see one of the objects for how many and how to go on"
            ),
        )
    } else if let Some(why) = &rules.freeze {
        (Reason::Frozen, format!("{why}: differences are reported, nothing is written"))
    } else {
        (Reason::InSync, format!("instance {} answers", instance.id()))
    };
    (Outcome::new(reason, message, Next::Resync), Some(info))
}

fn identity(info: &InstanceInfo) -> Option<String> {
    let name = match info.identity_management? {
        IdentityManagement::ConnectManaged => "CONNECT_MANAGED",
        IdentityManagement::Saml => "SAML",
        IdentityManagement::ExistingDirectory => "EXISTING_DIRECTORY",
    };
    Some(name.to_owned())
}
