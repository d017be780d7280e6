//! The port to Amazon Connect: one method for all writes and one for each kind of read.
//!
//! What stands behind it is the AWS SDK ([`aws`]), and decorators of it. Every method makes exactly one
//! request, never retries, and ends within the adapter's timeouts; whoever calls decides what comes next.

pub mod aws;
pub mod circuit;
mod convert;
pub mod error;
pub mod guarded;
pub mod metered;

use std::collections::BTreeMap;

use futures::future::BoxFuture;

use crate::plan::call::Call;
use crate::resource::status::ProficiencyKey;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;
pub use error::{ConnectError, Kind};

/// Answer of a port method.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, ConnectError>>;

/// Amazon Connect.
pub trait Connect: Send + Sync {
    /// Waits until a call of this operation may be made; the next one is then made at once. For whoever has
    /// to look at something, or write it down, right before a call rather than before the wait for it.
    fn turn<'a>(&'a self, instance: &'a Instance, operation: &'static str) -> BoxFuture<'a, ()> {
        let _ = (instance, operation);
        Box::pin(std::future::ready(()))
    }

    /// Carries out a write. `user` names the user for every call but CreateUser.
    fn write<'a>(&'a self, instance: &'a Instance, user: Option<&'a UserId>, call: &'a Call) -> Answer<'a, Written>;

    /// DescribeUser: everything but password and proficiencies.
    fn describe_user<'a>(&'a self, instance: &'a Instance, user: &'a UserId) -> Answer<'a, ObservedUser>;

    /// ListUserProficiencies, one page of at most 100: levels by proficiency.
    fn list_user_proficiencies<'a>(
        &'a self,
        instance: &'a Instance,
        user: &'a UserId,
        token: Option<String>,
    ) -> Answer<'a, Page<(ProficiencyKey, i32)>>;

    /// SearchUsers for one name, exactly as spelt. An index: what was just made may be missing.
    fn search_username<'a>(&'a self, instance: &'a Instance, username: &'a Username) -> Answer<'a, Vec<ListedUser>>;

    /// SearchUsers for one tag. An index: what was just made may be missing.
    fn search_tag<'a>(&'a self, instance: &'a Instance, key: &'a str, value: &'a str) -> Answer<'a, Vec<ListedUser>>;

    /// ListUsers, one page of at most 1000.
    fn list_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ListedUser>>;

    /// SearchUsers without a criterion, one page of at most 500: users with everything but e-mail addresses,
    /// mobile number, proficiencies and time of change. An index: it may lag.
    fn search_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ObservedUser>>;

    /// DescribeInstance.
    fn describe_instance<'a>(&'a self, instance: &'a Instance) -> Answer<'a, InstanceInfo>;

    /// ListRoutingProfiles, one page of at most 1000.
    fn list_routing_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>>;

    /// ListSecurityProfiles, one page of at most 1000.
    fn list_security_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>>;

    /// SearchUserHierarchyGroups, one page of at most 100, without the root group of level 0.
    fn search_hierarchy_groups<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Group>>;

    /// SearchQuickConnects, one page of at most 100, of every type: no criterion knows the user.
    fn search_quick_connects<'a>(
        &'a self,
        instance: &'a Instance,
        token: Option<String>,
    ) -> Answer<'a, Page<QuickConnect>>;
}

/// What a write answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// CreateUser: the new user.
    Created {
        /// Id.
        id: UserId,
        /// ARN.
        arn: String,
    },
    /// Any other call: acknowledged.
    Done,
}

/// One page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What it holds; may be fewer than asked for, or none, and still have a successor.
    pub items: Vec<T>,
    /// Opaque token of the next page.
    pub next: Option<String>,
}

/// A user in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// Id.
    pub id: UserId,
    /// Login name.
    pub username: Username,
    /// Connect's own time of the last change in RFC 3339, where the listing tells it.
    pub last_modified_time: Option<String>,
}

/// A routing or security profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
}

/// A hierarchy group. Its name is not unique in an instance, its path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Id.
    pub id: String,
    /// Names from the top level down to the group itself.
    pub path: Vec<String>,
}

/// A quick connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuickConnect {
    /// Id.
    pub id: String,
    /// The user that it points to, if it is of type USER.
    pub user: Option<UserId>,
}

/// Who keeps the passwords of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityManagement {
    /// Connect itself: users are made with a password.
    ConnectManaged,
    /// A SAML provider.
    Saml,
    /// An existing directory.
    ExistingDirectory,
}

/// What is known of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceInfo {
    /// Who keeps its passwords; `None` for a kind that this version does not know.
    pub identity_management: Option<IdentityManagement>,
}

/// All pages of a listing.
///
/// # Errors
/// That of the first page that fails.
pub async fn all_pages<'a, T>(
    mut page: impl FnMut(Option<String>) -> Answer<'a, Page<T>>,
) -> Result<Vec<T>, ConnectError> {
    let (mut items, mut token) = (Vec::new(), None);
    loop {
        let Page { items: more, next } = page(token).await?;
        items.extend(more);
        match next {
            Some(next) => token = Some(next),
            None => return Ok(items),
        }
    }
}

/// All proficiencies of a user.
///
/// # Errors
/// Those of ListUserProficiencies.
pub async fn proficiencies(
    connect: &dyn Connect,
    instance: &Instance,
    user: &UserId,
) -> Result<BTreeMap<ProficiencyKey, i32>, ConnectError> {
    Ok(all_pages(|token| connect.list_user_proficiencies(instance, user, token)).await?.into_iter().collect())
}

/// A user, with its proficiencies where they matter; `None` where Connect does not show it.
///
/// # Errors
/// Those of DescribeUser and ListUserProficiencies.
pub async fn observe(
    connect: &dyn Connect,
    instance: &Instance,
    user: &UserId,
    with_proficiencies: bool,
) -> Result<Option<ObservedUser>, ConnectError> {
    let mut observed = match connect.describe_user(instance, user).await {
        Ok(observed) => observed,
        Err(error) if error.kind == Kind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if with_proficiencies {
        observed.proficiencies = Some(proficiencies(connect, instance, user).await?);
    }
    Ok(Some(observed))
}

/// The one operation that is not of Connect: what stands before every call where a role is assumed.
pub const ASSUME_ROLE: &str = "AssumeRole";

/// As whom to talk to Connect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// The operator's own identity.
    #[default]
    Own,
    /// A role that the operator assumes.
    Role {
        /// ARN of the role.
        arn: String,
        /// External id that its trust policy asks for.
        external_id: Option<String>,
    },
}

/// Connect for each identity. The same credentials get the same client, so that connections and
/// temporary credentials are shared.
pub trait Clients: Send + Sync {
    /// The client for these credentials.
    fn client(&self, credentials: &Credentials) -> std::sync::Arc<dyn Connect>;
}
