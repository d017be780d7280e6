//! The port for reading: what is throttled or does not answer is tried again, and nothing can be written.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use crate::connect::{
    Answer, Connect, ConnectError, Group, InstanceInfo, Kind, ListedUser, Named, Page, QuickConnect, Written,
};
use crate::plan::call::Call;
use crate::resource::status::ProficiencyKey;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// Tries in a row that may be throttled. The pace slows down with each, so this many means that another tool
/// takes the whole quota for minutes.
const THROTTLED: u32 = 30;
/// Tries in a row that may remain without an answer.
const UNAVAILABLE: u32 = 6;
/// Longest wait before another try.
const LONGEST: Duration = Duration::from_secs(10);

/// A port that tries again and does not write.
pub(super) struct Patient {
    inner: Arc<dyn Connect>,
}

impl Patient {
    pub(super) fn new(inner: Arc<dyn Connect>) -> Self {
        Self { inner }
    }
}

async fn patiently<T, F>(mut call: impl FnMut() -> F + Send) -> Result<T, ConnectError>
where
    F: Future<Output = Result<T, ConnectError>> + Send,
{
    let mut tries = 0;
    loop {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        tries += 1;
        let (most, first) = match error.kind {
            Kind::Throttled => (THROTTLED, Duration::from_millis(100)),
            Kind::Unavailable => (UNAVAILABLE, Duration::from_millis(250)),
            _ => return Err(error),
        };
        if tries >= most {
            return Err(error);
        }
        let growing = first.saturating_mul(1 << tries.min(10)).min(LONGEST);
        tokio::time::sleep(error.retry_after.unwrap_or_default().max(growing)).await;
    }
}

impl Connect for Patient {
    fn write<'a>(&'a self, _: &'a Instance, _: Option<&'a UserId>, call: &'a Call) -> Answer<'a, Written> {
        let error = ConnectError {
            kind: Kind::Invalid,
            operation: call.operation(),
            code: ConnectError::NOT_TRIED.to_owned(),
            message: "this command does not write to Amazon Connect".to_owned(),
            request_id: None,
            retry_after: None,
        };
        std::future::ready(Err(error)).boxed()
    }

    fn describe_user<'a>(&'a self, instance: &'a Instance, user: &'a UserId) -> Answer<'a, ObservedUser> {
        patiently(move || self.inner.describe_user(instance, user)).boxed()
    }

    fn list_user_proficiencies<'a>(
        &'a self,
        instance: &'a Instance,
        user: &'a UserId,
        token: Option<String>,
    ) -> Answer<'a, Page<(ProficiencyKey, i32)>> {
        patiently(move || self.inner.list_user_proficiencies(instance, user, token.clone())).boxed()
    }

    fn search_tag<'a>(&'a self, instance: &'a Instance, key: &'a str, value: &'a str) -> Answer<'a, Vec<ListedUser>> {
        patiently(move || self.inner.search_tag(instance, key, value)).boxed()
    }

    fn search_username<'a>(&'a self, instance: &'a Instance, username: &'a Username) -> Answer<'a, Vec<ListedUser>> {
        patiently(move || self.inner.search_username(instance, username)).boxed()
    }

    fn list_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ListedUser>> {
        patiently(move || self.inner.list_users(instance, token.clone())).boxed()
    }

    fn search_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ObservedUser>> {
        patiently(move || self.inner.search_users(instance, token.clone())).boxed()
    }

    fn describe_instance<'a>(&'a self, instance: &'a Instance) -> Answer<'a, InstanceInfo> {
        patiently(move || self.inner.describe_instance(instance)).boxed()
    }

    fn list_routing_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        patiently(move || self.inner.list_routing_profiles(instance, token.clone())).boxed()
    }

    fn list_security_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        patiently(move || self.inner.list_security_profiles(instance, token.clone())).boxed()
    }

    fn search_hierarchy_groups<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Group>> {
        patiently(move || self.inner.search_hierarchy_groups(instance, token.clone())).boxed()
    }

    fn search_quick_connects<'a>(
        &'a self,
        instance: &'a Instance,
        token: Option<String>,
    ) -> Answer<'a, Page<QuickConnect>> {
        patiently(move || self.inner.search_quick_connects(instance, token.clone())).boxed()
    }
}
