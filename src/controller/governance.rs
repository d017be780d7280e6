//! Which instance an object speaks of, which rules hold for it, and as whom to talk to it.

use std::sync::Arc;

use kube::ResourceExt;

use super::Context;
use crate::connect::circuit::Fused;
use crate::connect::{Connect, Credentials};
use crate::pace::paced::{Paced, Work};
use crate::plan::report::{Next, Outcome};
use crate::policy::{Rules, Tenancy};
use crate::resource::condition::Reason;
use crate::resource::instance::ConnectInstance;
use crate::resource::user::{ConnectUser, ConnectUserSpec};
use crate::user::ids::{Instance, Username};

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
    let refuse = |reason, message: String, next| Err(Box::new(Outcome::new(reason, message, next)));
    let instance = match instance_of(cx, &object.spec) {
        Ok(instance) => instance,
        Err(Unresolved::Invalid(message)) => return refuse(Reason::InvalidSpec, message, Next::Slow),
        Err(Unresolved::Missing(message)) => return refuse(Reason::ReferenceNotFound, message, Next::Backoff),
    };
    let governors = governors(cx, &instance);
    if governors.is_empty()
        && let Some(governor) = cx.connect_instances.state().into_iter().find(|other| speaks_of(other, &instance))
    {
        let message = format!(
            "instance {instance} is written as {} in ConnectInstance {}, and is the same one by its id: \
             write the ARN as it is there, or use spec.instanceRef",
            governor.spec.instance_arn,
            governor.name_any()
        );
        return refuse(Reason::NotAllowed, message, Next::Slow);
    }
    let (rules, is_closing) = match governors.as_slice() {
        [] if cx.tenancy == Tenancy::Restricted => {
            let message = format!(
                "no ConnectInstance speaks of instance {instance} and the operator runs with --tenancy=restricted: have a ConnectInstance made that allows namespace {}",
                object.namespace().unwrap_or_default()
            );
            return refuse(Reason::NotAllowed, message, Next::Slow);
        }
        [] => (Rules::open(cx.brake), false),
        [governor] => match Rules::of(&governor.name_any(), &governor.spec, cx.brake) {
            Ok(rules) => (rules, governor.metadata.deletion_timestamp.is_some()),
            Err(denied) => return refuse(Reason::NotAllowed, denied.to_string(), Next::Slow),
        },
        [first, second, ..] => {
            let message = format!(
                "instance {instance} has several ConnectInstances, {} and {} among them: nothing is written until only one is left",
                first.name_any(),
                second.name_any()
            );
            return refuse(Reason::NotAllowed, message, Next::Slow);
        }
    };
    let rules = cx.as_permitted(rules);
    let namespace = object.namespace().unwrap_or_default();
    if let Err(denied) = rules.permit(&namespace, &Username::new(&object.spec.username)) {
        return refuse(Reason::NotAllowed, denied.to_string(), Next::Slow);
    }
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
    let mut governors: Vec<_> = cx
        .connect_instances
        .state()
        .into_iter()
        .filter(|governor| Instance::parse(&governor.spec.instance_arn).is_ok_and(|other| other == *instance))
        .collect();
    governors.sort_by_key(|governor| (governor.creation_timestamp().map(|time| time.0), governor.name_any()));
    governors
}

/// Whether a ConnectInstance speaks of this instance, or of one that is the same for Connect.
pub(super) fn speaks_of(governor: &ConnectInstance, instance: &Instance) -> bool {
    Instance::parse(&governor.spec.instance_arn).is_ok_and(|other| other.is_same_for_connect(instance))
}

/// Why an object has no instance.
pub(super) enum Unresolved {
    /// The spec is wrong.
    Invalid(String),
    /// The ConnectInstance is not there.
    Missing(String),
}

/// The instance that a spec names by ARN or by reference.
pub(super) fn instance_of(cx: &Context, spec: &ConnectUserSpec) -> Result<Instance, Unresolved> {
    let (arn, field) = match (&spec.instance_arn, &spec.instance_ref) {
        (Some(arn), None) => (arn.clone(), "spec.instanceArn"),
        (None, Some(reference)) => {
            let name = &reference.name;
            match cx.connect_instances.state().into_iter().find(|governor| governor.name_any() == *name) {
                Some(governor) => (governor.spec.instance_arn.clone(), "spec.instanceArn of the ConnectInstance"),
                None => {
                    return Err(Unresolved::Missing(format!(
                        "spec.instanceRef: there is no ConnectInstance `{name}`: create it or correct the name; looked for again every few minutes"
                    )));
                }
            }
        }
        (Some(_), Some(_)) => {
            return Err(Unresolved::Invalid(
                "spec has both instanceArn and instanceRef: keep one of the two".to_owned(),
            ));
        }
        (None, None) => {
            return Err(Unresolved::Invalid("spec needs instanceArn or instanceRef: set one of the two".to_owned()));
        }
    };
    Instance::parse(&arn).map_err(|error| Unresolved::Invalid(format!("{field}: {error}")))
}
