//! Which instance an object speaks of, which rules hold for it, and as whom to talk to it.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::api::ListParams;
use kube::{Api, ResourceExt};

use super::Context;
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
}

/// Resolves and judges an object's instance.
///
/// # Errors
/// The outcome for an object that has no instance or may not use it.
pub(super) fn govern(cx: &Context, object: &ConnectUser, work: &Work) -> Result<Governed, Box<Outcome>> {
    let namespace = object.namespace().unwrap_or_default();
    let governed = governing::govern(&cx.connect_instances.state(), &namespace, &object.spec, cx.tenancy, cx.brake);
    let Governing { instance, rules, is_closing } = governed.map_err(|Refusal { reason, message }| {
        // What is not there may come by itself.
        let next = if reason == Reason::ReferenceNotFound { Next::Backoff } else { Next::Slow };
        Box::new(Outcome::new(reason, message, next))
    })?;
    let rules = cx.as_permitted(rules);
    let connect = connect(cx, &rules, work, &namespace);
    Ok(Governed { instance, rules, connect, is_closing })
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

/// Whether the rules of an instance are still those of the cache, by the API server itself. ConnectInstances come by a
/// watch of their own, which may be behind that of ConnectUsers: what cannot be undone does not go by it.
///
/// # Errors
/// If the API server cannot be asked.
pub(super) async fn are_rules_current(cx: &Context, instance: &Instance, object: String) -> Result<bool, PublishError> {
    let api: Api<ConnectInstance> = Api::all(cx.client.clone());
    let live = api.list(&ListParams::default()).await.map_err(|error| PublishError::Api {
        what: "reading the ConnectInstances",
        object,
        source: Box::new(error),
    })?;
    let marks = |governor: &ConnectInstance| {
        (governor.uid(), governor.metadata.generation, governor.metadata.deletion_timestamp.is_some())
    };
    let known = cx.connect_instances.state();
    let known = known.iter().filter(|other| speaks_of(other, instance)).map(|other| marks(other));
    let live = live.items.iter().filter(|other| speaks_of(other, instance)).map(marks);
    Ok(known.collect::<BTreeSet<_>>() == live.collect())
}

/// The instance that a spec names by ARN or by reference.
pub(super) fn instance_of(cx: &Context, spec: &ConnectUserSpec) -> Result<Instance, Refusal> {
    // Asked of every object in turn, and most name their instance themselves.
    let all = if spec.instance_ref.is_some() { cx.connect_instances.state() } else { Vec::new() };
    governing::instance_of(&all, spec)
}
