//! The port with every call counted and timed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;

use super::{Answer, Connect, ConnectError, Group, InstanceInfo, ListedUser, Named, Page, QuickConnect, Written};
use crate::plan::call::Call;
use crate::resource::status::ProficiencyKey;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// Told of each call: instance, operation, failure if it failed, duration.
pub type Meter = Arc<dyn Fn(&Instance, &'static str, Option<&ConnectError>, Duration) + Send + Sync>;

/// A port that tells a meter.
pub struct Metered<C> {
    inner: C,
    meter: Meter,
}

impl<C> Metered<C> {
    /// Wraps a port.
    pub fn new(inner: C, meter: Meter) -> Self {
        Self { inner, meter }
    }

    fn told<'a, T: 'a>(
        &'a self,
        instance: &'a Instance,
        operation: &'static str,
        answer: Answer<'a, T>,
    ) -> Answer<'a, T> {
        let (started, meter) = (Instant::now(), &self.meter);
        answer.inspect(move |result| meter(instance, operation, result.as_ref().err(), started.elapsed())).boxed()
    }
}

impl<C: Connect> Connect for Metered<C> {
    fn write<'a>(&'a self, instance: &'a Instance, user: Option<&'a UserId>, call: &'a Call) -> Answer<'a, Written> {
        self.told(instance, call.operation(), self.inner.write(instance, user, call))
    }

    fn describe_user<'a>(&'a self, instance: &'a Instance, user: &'a UserId) -> Answer<'a, ObservedUser> {
        self.told(instance, "DescribeUser", self.inner.describe_user(instance, user))
    }

    fn list_user_proficiencies<'a>(
        &'a self,
        instance: &'a Instance,
        user: &'a UserId,
        token: Option<String>,
    ) -> Answer<'a, Page<(ProficiencyKey, i32)>> {
        self.told(instance, "ListUserProficiencies", self.inner.list_user_proficiencies(instance, user, token))
    }

    fn search_tag<'a>(&'a self, instance: &'a Instance, key: &'a str, value: &'a str) -> Answer<'a, Vec<ListedUser>> {
        self.told(instance, "SearchUsers", self.inner.search_tag(instance, key, value))
    }

    fn search_username<'a>(&'a self, instance: &'a Instance, username: &'a Username) -> Answer<'a, Vec<ListedUser>> {
        self.told(instance, "SearchUsers", self.inner.search_username(instance, username))
    }

    fn list_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ListedUser>> {
        self.told(instance, "ListUsers", self.inner.list_users(instance, token))
    }

    fn search_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ObservedUser>> {
        self.told(instance, "SearchUsers", self.inner.search_users(instance, token))
    }

    fn describe_instance<'a>(&'a self, instance: &'a Instance) -> Answer<'a, InstanceInfo> {
        self.told(instance, "DescribeInstance", self.inner.describe_instance(instance))
    }

    fn list_routing_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.told(instance, "ListRoutingProfiles", self.inner.list_routing_profiles(instance, token))
    }

    fn list_security_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.told(instance, "ListSecurityProfiles", self.inner.list_security_profiles(instance, token))
    }

    fn search_hierarchy_groups<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Group>> {
        self.told(instance, "SearchUserHierarchyGroups", self.inner.search_hierarchy_groups(instance, token))
    }

    fn search_quick_connects<'a>(
        &'a self,
        instance: &'a Instance,
        token: Option<String>,
    ) -> Answer<'a, Page<QuickConnect>> {
        self.told(instance, "SearchQuickConnects", self.inner.search_quick_connects(instance, token))
    }
}
