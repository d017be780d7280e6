//! Which instance an object speaks of, which rules hold for it, and as whom to talk to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::api::ListParams;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, ResourceExt};

use super::Context;
use super::index::Named;
use super::subject::PublishError;
use crate::connect::circuit::Fused;
use crate::connect::{Connect, Credentials};
use crate::pace::paced::{Paced, Work};
use crate::plan::report::{Next, Outcome};
use crate::policy::Rules;
pub(super) use crate::policy::governing::speaks_of;
use crate::policy::governing::{self, Governing, Refusal};
use crate::resource::condition::Reason;
use crate::resource::instance::ConnectInstance;
use crate::resource::user::{ConnectUser, ConnectUserSpec};
use crate::user::ids::Instance;

/// An instance with its rules and the way to it.
pub(super) struct Governed {
    pub(super) instance: Instance,
    pub(super) rules: Rules,
    pub(super) connect: Arc<dyn Connect>,
    /// Whether its ConnectInstance is being deleted: users may go, none may come or change.
    pub(super) is_closing: bool,
    /// The ConnectInstances that the rules come from, as they were then.
    pub(super) seen: Seen,
}

/// ConnectInstances that speak of an instance: uid, generation, and whether they are being deleted.
pub(super) type Seen = BTreeSet<(Option<String>, Option<i64>, bool)>;

fn seen<'a>(all: impl Iterator<Item = &'a ConnectInstance>, instance: &Instance) -> Seen {
    let speaking = all.filter(|other| speaks_of(other, instance));
    speaking
        .map(|other| (other.uid(), other.metadata.generation, other.metadata.deletion_timestamp.is_some()))
        .collect()
}

/// Resolves and judges an object's instance.
///
/// # Errors
/// The outcome for an object that has no instance or may not use it.
pub(super) fn govern(cx: &Context, object: &ConnectUser, work: &Work) -> Result<Governed, Box<Outcome>> {
    let namespace = object.namespace().unwrap_or_default();
    let all = cx.connect_instances.state();
    let governed = governing::govern(&all, &namespace, &object.spec, cx.tenancy, cx.brake);
    let Governing { instance, rules, is_closing } = governed.map_err(|Refusal { reason, message }| {
        // What is not there may come by itself.
        let next = if reason == Reason::ReferenceNotFound { Next::Backoff } else { Next::Slow };
        Box::new(Outcome::new(reason, message, next))
    })?;
    let rules = cx.as_permitted(rules);
    let connect = connect(cx, &rules, work, &namespace);
    let seen = seen(all.iter().map(AsRef::as_ref), &instance);
    Ok(Governed { instance, rules, connect, is_closing, seen })
}

/// The way to an instance for this work: with the credentials that its rules ask for, and in turn.
pub(super) fn connect(cx: &Context, rules: &Rules, work: &Work, namespace: &str) -> Arc<dyn Connect> {
    let credentials = credentials(rules);
    let paced = Paced::new(cx.clients.client(&credentials), &cx.pace, work, namespace);
    // Outermost: a call that is not made takes no turn.
    Arc::new(Fused::new(Arc::new(paced), Arc::clone(&cx.circuits), credentials))
}

/// The credentials that the rules ask for.
pub(super) fn credentials(rules: &Rules) -> Credentials {
    match &rules.assume_role {
        Some(role) => Credentials::Role { arn: role.role_arn.clone(), external_id: role.external_id.clone() },
        None => Credentials::Own,
    }
}

/// The ConnectInstances that speak of an instance, the oldest first. However a spec names its instance,
/// by ARN or by reference, these are its rules.
pub(super) fn governors(cx: &Context, instance: &Instance) -> Vec<Arc<ConnectInstance>> {
    governing::governors(&cx.connect_instances.state(), instance).into_iter().map(Arc::clone).collect()
}

/// Whether the cache has other rules for an instance by now: whoever was governed may have waited long since.
pub(super) fn have_rules_changed(cx: &Context, instance: &Instance, known: &Seen) -> bool {
    *known != seen(cx.connect_instances.state().iter().map(AsRef::as_ref), instance)
}

/// Whether the rules that were `known` when somebody was governed are still those of an instance, by the API server
/// itself. ConnectInstances come by a watch of their own, which may be behind that of ConnectUsers: what cannot be undone
/// does not go by it. Nor does it do to ask what the cache has by now: a decision was made on what it had then.
///
/// # Errors
/// If the API server cannot be asked.
pub(super) async fn are_rules_current(
    cx: &Context,
    instance: &Instance,
    known: &Seen,
    object: String,
) -> Result<bool, PublishError> {
    let api: Api<ConnectInstance> = Api::all(cx.client.clone());
    let live = api.list(&ListParams::default()).await.map_err(|error| PublishError::Api {
        what: "reading the ConnectInstances",
        object,
        source: Box::new(error),
    })?;
    Ok(*known == seen(live.items.iter(), instance))
}

/// The instance that objects call so, if there is one.
pub(super) fn instance_named(cx: &Context, named: &Named) -> Option<Instance> {
    match named {
        Named::Arn(arn) => Instance::parse(arn).ok(),
        Named::Ref(name) => {
            let governor = cx.connect_instances.get(&ObjectRef::new(name))?;
            Instance::parse(&governor.spec.instance_arn).ok()
        }
    }
}

/// The instance that a spec names by ARN or by reference.
pub(super) fn instance_of(cx: &Context, spec: &ConnectUserSpec) -> Result<Instance, Refusal> {
    // Asked of every object in turn, and most name their instance themselves.
    let all = if spec.instance_ref.is_some() { cx.connect_instances.state() } else { Vec::new() };
    governing::instance_of(&all, spec)
}
