//! Amazon Connect through the AWS SDK.
//!
//! Retries of the SDK are off: it would count a quota (LimitExceededException) as a throttle, and turn a
//! CreateUser whose answer was lost into DuplicateResourceException for the user it has just made. So
//! every method is one request, and everything here that is not plain translation is in `failure`
//! (what went wrong) and `body` (what the SDK cannot say).

mod assume_role;
mod body;
pub mod caller;
mod failure;
pub mod permissions;
pub mod quotas;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_sdk_connect::Client;
use aws_sdk_connect::config::{SharedCredentialsProvider, StalledStreamProtectionConfig};
use aws_sdk_connect::operation::search_users::builders::SearchUsersFluentBuilder;
use aws_sdk_connect::types::{
    ControlPlaneTagFilter, StringComparisonType, StringCondition, TagCondition, UserSearchCriteria, UserSearchFilter,
};

use self::assume_role::AssumedRole;
use self::failure::{OrFailed, malformed};
use self::quotas::Found;
use super::convert::answer::{self, said};
use super::{
    Answer, Clients, Connect, Credentials, Group, InstanceInfo, ListedUser, Named, Page, QuickConnect, Written,
};
use crate::plan::call::Call;
use crate::resource::status::ProficiencyKey;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// Amazon Connect behind the AWS SDK, with a client for each Region.
pub struct AwsConnect {
    config: SdkConfig,
    credentials: Credentials,
    clients: Mutex<HashMap<String, Client>>,
    found: Option<Found>,
}

/// Credentials, endpoint and the like from where every AWS tool takes them: environment, profile, and
/// the role of the pod or machine. `identity` tells this process from others in the User-Agent.
pub async fn load(identity: Option<&str>) -> SdkConfig {
    // Pinned: what `latest` means moves with `cargo update`.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts());
    if let Ok(name) = AppName::new(app_name(identity)) {
        loader = loader.app_name(name);
    }
    loader.load().await
}

/// The users that a search finds, of which hardly more than one can be.
fn found<'a>(request: SearchUsersFluentBuilder) -> Answer<'a, Vec<ListedUser>> {
    const OPERATION: &str = "SearchUsers";
    Box::pin(async move {
        let users = request.max_results(100).send().await.or_failed(OPERATION)?.users.into_iter().flatten();
        let users = users.map(|user| answer::listed(user.id, user.username, None).ok_or_else(|| malformed(OPERATION)));
        users.collect()
    })
}

/// The name in the User-Agent, which CloudTrail shows. AWS asks for at most 50 characters, and of a Pod's name it is
/// the end that no other has.
fn app_name(identity: Option<&str>) -> String {
    const NAME: &str = "connect-user-operator";
    const LONGEST: usize = 50;
    let Some(identity) = identity else { return NAME.to_owned() };
    let known = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    let identity: Vec<char> = identity.chars().map(known).collect();
    let room = LONGEST - NAME.len() - 1;
    let end: String = identity.iter().skip(identity.len().saturating_sub(room)).collect();
    format!("{NAME}.{end}")
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(10))
        .operation_timeout(Duration::from_secs(15))
        .build()
}

impl AwsConnect {
    /// Connect as the configuration says; its Region is of no account, since instances name theirs.
    pub fn new(config: &SdkConfig) -> Self {
        Self { config: config.clone(), credentials: Credentials::Own, clients: Mutex::default(), found: None }
    }

    fn client(&self, instance: &Instance) -> Client {
        // Nothing can be left half done under this lock, so that a panic elsewhere poisoned it means nothing.
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(instance.region().to_owned()).or_insert_with(|| self.new_client(instance.region())).clone()
    }

    fn new_client(&self, region: &str) -> Client {
        // Reads AWS_ENDPOINT_URL_CONNECT and `endpoint_url` of the profile, too.
        let mut config = aws_sdk_connect::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            // The time limits cover the body, too; a second watch over it would only fail in another way.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if self.config.timeout_config().is_none_or(|limits| limits.operation_timeout().is_none()) {
            config = config.timeout_config(timeouts());
        }
        let mut assumed = None;
        if let Credentials::Role { arn, external_id } = &self.credentials {
            let role = AssumedRole::new(&self.config, region, arn, external_id.as_deref());
            let role = SharedCredentialsProvider::new(role);
            config = config.credentials_provider(role.clone());
            assumed = Some(role);
        }
        if let Some(found) = &self.found {
            // Beside the first call of a Region, which does not wait for it.
            let found = Arc::clone(found);
            tokio::spawn(quotas::discover(self.config.clone(), region.to_owned(), assumed, found));
        }
        Client::from_conf(config.build())
    }
}

/// How each client is dressed before it is used: counted, timed, paced.
pub type Dress = Box<dyn Fn(AwsConnect) -> Arc<dyn Connect> + Send + Sync>;

/// A client for each identity.
pub struct AwsClients {
    config: SdkConfig,
    dress: Dress,
    clients: Mutex<HashMap<Credentials, Arc<dyn Connect>>>,
    found: Option<Found>,
}

impl AwsClients {
    /// Clients that begin with the identity of the configuration.
    pub fn new(config: SdkConfig, dress: Dress) -> Self {
        Self { config, dress, clients: Mutex::default(), found: None }
    }

    /// The same clients; each asks Service Quotas for the rates of a Region when it is first used there.
    #[must_use]
    pub fn discovering(self, found: Found) -> Self {
        Self { found: Some(found), ..self }
    }
}

impl Clients for AwsClients {
    fn client(&self, credentials: &Credentials) -> Arc<dyn Connect> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let client = clients.entry(credentials.clone()).or_insert_with(|| {
            (self.dress)(AwsConnect {
                credentials: credentials.clone(),
                found: self.found.clone(),
                ..AwsConnect::new(&self.config)
            })
        });
        Arc::clone(client)
    }
}

impl fmt::Debug for AwsConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsConnect")
    }
}

impl Connect for AwsConnect {
    fn write<'a>(&'a self, instance: &'a Instance, user: Option<&'a UserId>, call: &'a Call) -> Answer<'a, Written> {
        let client = self.client(instance);
        Box::pin(async move { write::write(&client, instance, user, call).await })
    }

    fn describe_user<'a>(&'a self, instance: &'a Instance, user: &'a UserId) -> Answer<'a, ObservedUser> {
        const OPERATION: &str = "DescribeUser";
        let request = self.client(instance).describe_user().instance_id(instance.id().as_str()).user_id(user.as_str());
        Box::pin(async move {
            let user = request.send().await.or_failed(OPERATION)?.user;
            user.and_then(|user| answer::observed(instance, user)).ok_or_else(|| malformed(OPERATION))
        })
    }

    fn list_user_proficiencies<'a>(
        &'a self,
        instance: &'a Instance,
        user: &'a UserId,
        token: Option<String>,
    ) -> Answer<'a, Page<(ProficiencyKey, i32)>> {
        const OPERATION: &str = "ListUserProficiencies";
        let request = self.client(instance).list_user_proficiencies();
        let request =
            request.instance_id(instance.id().as_str()).user_id(user.as_str()).max_results(100).set_next_token(token);
        Box::pin(async move {
            let page = request.send().await.or_failed(OPERATION)?;
            // An answer that says nothing at all does not say that there are none: what is to go would stay.
            if page.user_proficiency_list.is_none() && page.last_modified_time.is_none() && page.next_token.is_none() {
                return Err(malformed(OPERATION));
            }
            let items = page.user_proficiency_list.into_iter().flatten().map(answer::level).collect();
            Ok(Page { items, next: said(page.next_token) })
        })
    }

    fn search_username<'a>(&'a self, instance: &'a Instance, username: &'a Username) -> Answer<'a, Vec<ListedUser>> {
        let exactly = StringCondition::builder()
            .field_name("Username")
            .value(username.as_str())
            .comparison_type(StringComparisonType::Exact)
            .build();
        let criteria = UserSearchCriteria::builder().string_condition(exactly).build();
        let request = self.client(instance).search_users().instance_id(instance.id().as_str());
        found(request.search_criteria(criteria))
    }

    fn search_tag<'a>(&'a self, instance: &'a Instance, key: &'a str, value: &'a str) -> Answer<'a, Vec<ListedUser>> {
        let tag = TagCondition::builder().tag_key(key).tag_value(value).build();
        let filter = ControlPlaneTagFilter::builder().tag_condition(tag).build();
        let request = self.client(instance).search_users().instance_id(instance.id().as_str());
        found(request.search_filter(UserSearchFilter::builder().tag_filter(filter).build()))
    }

    fn list_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ListedUser>> {
        const OPERATION: &str = "ListUsers";
        let request = self.client(instance).list_users().instance_id(instance.id().as_str());
        let request = request.max_results(1000).set_next_token(token);
        Box::pin(async move {
            let page = request.send().await.or_failed(OPERATION)?;
            // To pass over a user that cannot be read would be to say that it does not exist.
            // An answer without the list is no list of nobody: users would be let go or made again because of it.
            let users = page.user_summary_list.ok_or_else(|| malformed(OPERATION))?.into_iter().map(|user| {
                let changed = user.last_modified_time;
                answer::listed(user.id, user.username, changed.as_ref()).ok_or_else(|| malformed(OPERATION))
            });
            Ok(Page { items: users.collect::<Result<_, _>>()?, next: said(page.next_token) })
        })
    }

    fn search_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ObservedUser>> {
        const OPERATION: &str = "SearchUsers";
        let request = self.client(instance).search_users().instance_id(instance.id().as_str());
        let request = request.max_results(500).set_next_token(token);
        Box::pin(async move {
            let page = request.send().await.or_failed(OPERATION)?;
            let users = page.users.ok_or_else(|| malformed(OPERATION))?.into_iter();
            let users = users.map(|user| answer::found(instance, user).ok_or_else(|| malformed(OPERATION)));
            Ok(Page { items: users.collect::<Result<_, _>>()?, next: said(page.next_token) })
        })
    }

    fn describe_instance<'a>(&'a self, instance: &'a Instance) -> Answer<'a, InstanceInfo> {
        const OPERATION: &str = "DescribeInstance";
        let request = self.client(instance).describe_instance().instance_id(instance.id().as_str());
        Box::pin(async move {
            let found = request.send().await.or_failed(OPERATION)?.instance.ok_or_else(|| malformed(OPERATION))?;
            Ok(InstanceInfo {
                identity_management: found.identity_management_type.as_ref().and_then(answer::identity_management),
            })
        })
    }

    fn list_routing_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        let request = self.client(instance).list_routing_profiles().instance_id(instance.id().as_str());
        let request = request.max_results(1000).set_next_token(token);
        Box::pin(async move {
            let page = request.send().await.or_failed("ListRoutingProfiles")?;
            let profiles = page.routing_profile_summary_list.into_iter().flatten();
            Ok(Page {
                items: profiles.filter_map(|profile| answer::named(profile.id, profile.name)).collect(),
                next: said(page.next_token),
            })
        })
    }

    fn list_security_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        let request = self.client(instance).list_security_profiles().instance_id(instance.id().as_str());
        let request = request.max_results(1000).set_next_token(token);
        Box::pin(async move {
            let page = request.send().await.or_failed("ListSecurityProfiles")?;
            let profiles = page.security_profile_summary_list.into_iter().flatten();
            Ok(Page {
                items: profiles.filter_map(|profile| answer::named(profile.id, profile.name)).collect(),
                next: said(page.next_token),
            })
        })
    }

    fn search_hierarchy_groups<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Group>> {
        let request = self.client(instance).search_user_hierarchy_groups().instance_id(instance.id().as_str());
        let request = request.max_results(100).set_next_token(token);
        Box::pin(async move {
            let page = request.send().await.or_failed("SearchUserHierarchyGroups")?;
            let groups = page.user_hierarchy_groups.into_iter().flatten().filter_map(answer::group).collect();
            Ok(Page { items: groups, next: said(page.next_token) })
        })
    }

    fn search_quick_connects<'a>(
        &'a self,
        instance: &'a Instance,
        token: Option<String>,
    ) -> Answer<'a, Page<QuickConnect>> {
        const OPERATION: &str = "SearchQuickConnects";
        let request = self.client(instance).search_quick_connects().instance_id(instance.id().as_str());
        // No criterion knows the type or the user, so all are read.
        let request = request.max_results(100).set_next_token(token);
        Box::pin(async move {
            let page = request.send().await.or_failed(OPERATION)?;
            // An answer that says nothing at all does not say that there are none: what is to go would stay.
            if page.quick_connects.is_none() && page.approximate_total_count.is_none() {
                return Err(malformed(OPERATION));
            }
            let all = page.quick_connects.into_iter().flatten();
            Ok(Page { items: all.filter_map(answer::quick_connect).collect(), next: said(page.next_token) })
        })
    }
}
