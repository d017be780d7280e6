//! What an instance allows: tenants, names, security profiles, adoption, and the brakes. Pure.
//!
//! Rules are checked in every reconcile, not only at admission: admission sees a request, not what has
//! become of it.

pub mod governing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use regex::Regex;

use crate::resource::instance::{Adoption, AllowedSecurityProfiles, AssumeRole, ConnectInstanceSpec, DeletionBrake};
use crate::user::ids::{SecurityProfileId, Username};
use crate::user::observed::ObservedUser;

/// Tag that an instance's administrator puts on a user to consent to its adoption: `<namespace>/<name>` of the object.
pub const CONSENT_TAG: &str = "contactops.dev/adoptable";

/// Who may use instances that no ConnectInstance speaks of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenancy {
    /// Everybody, with the operator's own credentials.
    #[default]
    Open,
    /// Nobody: only what a ConnectInstance allows.
    Restricted,
}

/// How many users may go, or be made again, in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Most deletions.
    pub most: u32,
    /// In this long.
    pub window: Duration,
}

/// The rules for one instance.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Name of the ConnectInstance they come from; `None` where there is none.
    pub source: Option<String>,
    namespaces: Option<Vec<String>>,
    security_profiles: Option<Vec<AllowedSecurityProfiles>>,
    usernames: Option<Regex>,
    adoption: Adoption,
    adopt_admins: bool,
    /// The brake.
    pub brake: Brake,
    /// Why nothing may be written, if nothing may: the beginning of a sentence.
    pub freeze: Option<String>,
    /// Whether quick connects to a deleted user are removed.
    pub quick_connect_cleanup: bool,
    /// The role to assume.
    pub assume_role: Option<AssumeRole>,
}

/// A rule that forbids something, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Denied(String);

impl Rules {
    /// The rules where there is no ConnectInstance and none is needed.
    pub fn open(brake: Brake) -> Self {
        Self {
            source: None,
            namespaces: None,
            security_profiles: None,
            usernames: None,
            adoption: Adoption::Allowed,
            adopt_admins: false,
            brake,
            freeze: None,
            quick_connect_cleanup: false,
            assume_role: None,
        }
    }

    /// The rules of a ConnectInstance. `brake` holds where it has none of its own.
    ///
    /// # Errors
    /// If they cannot be read; then nothing is allowed.
    pub fn of(name: &str, spec: &ConnectInstanceSpec, brake: Brake) -> Result<Self, Denied> {
        let ConnectInstanceSpec {
            instance_arn: _,
            assume_role,
            allowed_namespaces,
            allowed_security_profiles,
            allowed_usernames,
            adoption,
            adopt_admins,
            deletion_brake,
            freeze,
            quick_connect_cleanup,
        } = spec;
        let usernames = match allowed_usernames {
            // The whole name must match, also where the pattern forgets its anchors.
            Some(pattern) => Some(Regex::new(&format!("^(?:{pattern})$")).map_err(|_| {
                Denied(format!(
                    "ConnectInstance {name}: spec.allowedUsernames is no regular expression (RE2 syntax): correct it"
                ))
            })?),
            None => None,
        };
        Ok(Self {
            source: Some(name.to_owned()),
            namespaces: Some(allowed_namespaces.clone()),
            security_profiles: allowed_security_profiles.clone(),
            usernames,
            adoption: *adoption,
            adopt_admins: *adopt_admins,
            brake: deletion_brake.map_or(brake, |DeletionBrake { max_deletions, window_seconds }| Brake {
                // Both are bounded at admission; what is below the bounds all the same means none.
                most: u32::try_from(max_deletions).unwrap_or_default(),
                window: Duration::from_secs(u64::try_from(window_seconds).unwrap_or_default()),
            }),
            freeze: freeze.then(|| format!("ConnectInstance {name} is frozen (spec.freeze)")),
            quick_connect_cleanup: *quick_connect_cleanup,
            assume_role: assume_role.clone(),
        })
    }

    /// The same, in a process that writes nothing to Amazon Connect.
    #[must_use]
    pub fn read_only(self) -> Self {
        Self { freeze: Some("the operator runs with --read-only".to_owned()), ..self }
    }

    /// May objects of this namespace use the instance?
    pub fn admits(&self, namespace: &str) -> bool {
        self.namespaces.as_ref().is_none_or(|globs| any_matches(globs, namespace))
    }

    /// May objects of this namespace use the instance, and have users of this name?
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn permit(&self, namespace: &str, username: &Username) -> Result<(), Denied> {
        let source = self.source();
        if !self.admits(namespace) {
            return Err(Denied(format!(
                "namespace {namespace} is not in spec.allowedNamespaces of {source}: have it added there, or use another instance"
            )));
        }
        if self.usernames.as_ref().is_some_and(|pattern| !pattern.is_match(username.as_str())) {
            return Err(Denied(format!(
                "username {username} does not match spec.allowedUsernames of {source}: choose another name, or have the rule changed"
            )));
        }
        Ok(())
    }

    /// May a user of this namespace hold these security profiles? Compared by id, so that a profile that
    /// was renamed to a permitted name does not pass.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn permit_profiles(&self, namespace: &str, profiles: &BTreeSet<SecurityProfileId>) -> Result<(), Denied> {
        let Some(rules) = &self.security_profiles else { return Ok(()) };
        let allowed: BTreeSet<SecurityProfileId> = rules
            .iter()
            .filter(|rule| any_matches(&rule.namespaces, namespace))
            .flat_map(|rule| rule.arns.iter().map(|arn| SecurityProfileId::new(arn)))
            .collect();
        match profiles.iter().find(|profile| !allowed.contains(*profile)) {
            Some(profile) => Err(Denied(format!(
                "security profile {profile} is not in spec.allowedSecurityProfiles of {} for namespace {namespace}: use a permitted one, or have the rule changed",
                self.source()
            ))),
            None => Ok(()),
        }
    }

    /// May this user, which belongs to nobody, be taken over by the object `namespace/name`? `admin` is the
    /// built-in profile that may do everything.
    ///
    /// # Errors
    /// The rule that forbids it.
    pub fn permit_adoption(
        &self,
        namespace: &str,
        name: &str,
        user: &ObservedUser,
        admin: Option<&SecurityProfileId>,
    ) -> Result<(), Denied> {
        let (source, username) = (self.source(), &user.username);
        match self.adoption {
            Adoption::Allowed => {}
            Adoption::Forbidden => {
                return Err(Denied(format!(
                    "user {username} exists and {source} has spec.adoption Forbidden: have that changed to Allowed or ConsentTag, or choose another username"
                )));
            }
            Adoption::ConsentTag => {
                let consent = format!("{namespace}/{name}");
                if user.tags.get(CONSENT_TAG) != Some(&consent) {
                    return Err(Denied(format!(
                        "user {username} exists and {source} has spec.adoption ConsentTag: somebody with rights in AWS must put the tag {CONSENT_TAG}={consent} on user {}",
                        user.id
                    )));
                }
            }
        }
        if !self.adopt_admins && admin.is_some_and(|admin| user.security_profiles.contains(admin)) {
            return Err(Denied(format!(
                "user {username} ({}) holds the security profile Admin and is not adopted: take the profile from the user in Amazon Connect first, or allow it by spec.adoptAdmins of its ConnectInstance",
                user.id
            )));
        }
        self.permit_profiles(namespace, &user.security_profiles)
    }

    fn source(&self) -> String {
        match &self.source {
            Some(name) => format!("ConnectInstance {name}"),
            None => "the operator".to_owned(),
        }
    }
}

/// What a brake says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Go on.
    Free,
    /// Too many: `count` where `most` are allowed.
    Held {
        /// How many would go, with those that have gone in the window.
        count: u32,
    },
}

impl Brake {
    /// Counts the users that are about to go together with those that have gone in the window.
    pub fn check(&self, about_to_go: u32, gone_in_window: u32) -> Hold {
        let count = about_to_go.saturating_add(gone_in_window);
        if count > self.most { Hold::Held { count } } else { Hold::Free }
    }
}

/// Deletions by minute, the memory of the brake: small, and countable after a restart.
pub type Minutes = BTreeMap<i64, u32>;

/// How many fell into the window that ends now; times are seconds since 1970.
pub fn in_window(minutes: &Minutes, now: i64, window: Duration) -> u32 {
    let window = i64::try_from(window.as_secs()).unwrap_or(i64::MAX);
    // A minute counts as long as any part of it lies in the window: rather one too many.
    let first = now.saturating_sub(window).div_euclid(60);
    minutes.range(first..).map(|(_, count)| *count).fold(0, u32::saturating_add)
}

fn any_matches(globs: &[String], text: &str) -> bool {
    globs.iter().any(|glob| matches(glob, text))
}

/// `*` stands for any text, everything else for itself.
fn matches(glob: &str, text: &str) -> bool {
    let mut parts = glob.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part).and_then(|at| rest.get(at + part.len()..)) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests;
