//! Which instance an object speaks of, which rules hold for it, and what they say of its user. Pure: the operator
//! and `kubectl connect plan` decide with the same words.

use std::borrow::Borrow;

use super::{Brake, Rules, Tenancy};
use crate::connect::IdentityManagement;
use crate::resource::condition::Reason;
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUserSpec;
use crate::user::ids::{Instance, Username};

/// Why an object is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The state that it is in.
    pub reason: Reason,
    /// For a person: why, and what to do.
    pub message: String,
}

impl Refusal {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// An instance with the rules for it.
#[derive(Clone, Debug)]
pub struct Governing {
    /// The instance.
    pub instance: Instance,
    /// Its rules.
    pub rules: Rules,
    /// Whether its ConnectInstance is being deleted: users may go, none may come or change.
    pub is_closing: bool,
}

/// Resolves and judges the instance of an object in `namespace`, among all ConnectInstances.
///
/// # Errors
/// If it has no instance or may not use it.
pub fn govern<T: Borrow<ConnectInstance>>(
    all: &[T],
    namespace: &str,
    spec: &ConnectUserSpec,
    tenancy: Tenancy,
    brake: Brake,
) -> Result<Governing, Refusal> {
    let instance = instance_of(all, spec)?;
    let governors = governors(all, &instance);
    if governors.is_empty()
        && let Some(governor) = all.iter().map(Borrow::borrow).find(|other| speaks_of(other, &instance))
    {
        return Err(Refusal::new(
            Reason::NotAllowed,
            format!(
                "instance {instance} is written as {} in ConnectInstance {}, and is the same one by its id: \
                 write the ARN as it is there, or use spec.instanceRef",
                governor.spec.instance_arn,
                name(governor)
            ),
        ));
    }
    let (rules, is_closing) = match governors.as_slice() {
        [] if tenancy == Tenancy::Restricted => {
            return Err(Refusal::new(
                Reason::NotAllowed,
                format!(
                    "no ConnectInstance speaks of instance {instance} and the operator runs with --tenancy=restricted: have a ConnectInstance made that allows namespace {namespace}"
                ),
            ));
        }
        [] => (Rules::open(brake), false),
        [governor] => {
            let governor: &ConnectInstance = (*governor).borrow();
            let rules = Rules::of(&name(governor), &governor.spec, brake)
                .map_err(|denied| Refusal::new(Reason::NotAllowed, denied.to_string()))?;
            (rules, governor.metadata.deletion_timestamp.is_some())
        }
        [first, second, ..] => {
            return Err(Refusal::new(
                Reason::NotAllowed,
                format!(
                    "instance {instance} has several ConnectInstances, {} and {} among them: nothing is written until only one is left",
                    name((*first).borrow()),
                    name((*second).borrow())
                ),
            ));
        }
    };
    rules
        .permit(namespace, &Username::new(&spec.username))
        .map_err(|denied| Refusal::new(Reason::NotAllowed, denied.to_string()))?;
    Ok(Governing { instance, rules, is_closing })
}

/// The ConnectInstances that speak of an instance, the oldest first. However a spec names its instance, by ARN or
/// by reference, these are its rules.
pub fn governors<'a, T: Borrow<ConnectInstance>>(all: &'a [T], instance: &Instance) -> Vec<&'a T> {
    let speaks = |other: &ConnectInstance| Instance::parse(&other.spec.instance_arn).is_ok_and(|arn| arn == *instance);
    let mut governors: Vec<&T> = all.iter().filter(|other| speaks((*other).borrow())).collect();
    governors.sort_by_key(|governor| {
        let governor: &ConnectInstance = (*governor).borrow();
        (governor.metadata.creation_timestamp.as_ref().map(|time| time.0), name(governor))
    });
    governors
}

/// Whether a ConnectInstance speaks of this instance, or of one that is the same for Connect.
pub fn speaks_of(governor: &ConnectInstance, instance: &Instance) -> bool {
    Instance::parse(&governor.spec.instance_arn).is_ok_and(|other| other.is_same_for_connect(instance))
}

/// The instance that a spec names by ARN or by reference.
///
/// # Errors
/// If it names none, or one that is not there.
pub fn instance_of<T: Borrow<ConnectInstance>>(all: &[T], spec: &ConnectUserSpec) -> Result<Instance, Refusal> {
    let invalid = |message: String| Refusal::new(Reason::InvalidSpec, message);
    let (arn, field) = match (&spec.instance_arn, &spec.instance_ref) {
        (Some(arn), None) => (arn, "spec.instanceArn"),
        (None, Some(reference)) => {
            let wanted = &reference.name;
            match all.iter().map(Borrow::borrow).find(|governor| name(governor) == *wanted) {
                Some(governor) => (&governor.spec.instance_arn, "spec.instanceArn of the ConnectInstance"),
                None => {
                    return Err(Refusal::new(
                        Reason::ReferenceNotFound,
                        format!(
                            "spec.instanceRef: there is no ConnectInstance `{wanted}`: create it or correct the name; looked for again every few minutes"
                        ),
                    ));
                }
            }
        }
        (Some(_), Some(_)) => {
            return Err(invalid("spec has both instanceArn and instanceRef: keep one of the two".to_owned()));
        }
        (None, None) => {
            return Err(invalid("spec needs instanceArn or instanceRef: set one of the two".to_owned()));
        }
    };
    Instance::parse(arn).map_err(|error| invalid(format!("{field}: {error}")))
}

/// What Connect allows for usernames where it keeps passwords itself.
const LONGEST_USERNAME_WITHOUT_SAML: usize = 20;

/// Checks what only the kind of instance can tell of a user that is to be created in `namespace`. A kind that is not
/// known is left to CreateUser.
///
/// # Errors
/// What is wrong with the spec.
pub fn permit_creation(
    spec: &ConnectUserSpec,
    management: Option<IdentityManagement>,
    instance: &Instance,
    namespace: &str,
) -> Result<(), Refusal> {
    let invalid = |message: String| Err(Refusal::new(Reason::InvalidSpec, message));
    let id = instance.id();
    match (management, &spec.password_secret_ref) {
        (Some(IdentityManagement::ConnectManaged), None) => {
            return invalid(format!(
                "instance {id} keeps passwords itself (CONNECT_MANAGED), so a new user needs one: set spec.passwordSecretRef to a Secret in namespace {namespace}"
            ));
        }
        (Some(IdentityManagement::Saml | IdentityManagement::ExistingDirectory), Some(_)) => {
            return invalid(format!(
                "instance {id} does not keep passwords (its users sign in through SAML or a directory): remove spec.passwordSecretRef"
            ));
        }
        _ => {}
    }
    let keeps_names_short =
        matches!(management, Some(IdentityManagement::ConnectManaged | IdentityManagement::ExistingDirectory));
    if keeps_names_short && spec.username.chars().count() > LONGEST_USERNAME_WITHOUT_SAML {
        return invalid(format!(
            "spec.username has more than {LONGEST_USERNAME_WITHOUT_SAML} characters, which instance {id} allows only with SAML: usernames cannot change, so delete the object and create it with a shorter one"
        ));
    }
    Ok(())
}

fn name(governor: &ConnectInstance) -> String {
    governor.metadata.name.clone().unwrap_or_default()
}
