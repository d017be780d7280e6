//! The port with a guard that is asked before each step of every call: a process that may not call any more
//! does not go on with what it had begun.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use futures::FutureExt;

use super::{Answer, Connect, ConnectError, Group, InstanceInfo, Kind, ListedUser, Named, Page, QuickConnect, Written};
use crate::plan::call::Call;
use crate::resource::status::ProficiencyKey;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// Says why a call may not be made, if it may not. Told whether it is a write.
pub type Guard = Arc<dyn Fn(bool) -> Result<(), Refused> + Send + Sync>;

/// Why a call may not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What kind of failure that is for whoever asked for the call.
    pub kind: Kind,
    /// A word for it.
    pub code: &'static str,
    /// The reason.
    pub message: String,
}

/// A port behind a guard.
pub struct Guarded<C> {
    inner: C,
    guard: Guard,
}

impl<C> Guarded<C> {
    /// Wraps a port.
    pub fn new(inner: C, guard: Guard) -> Self {
        Self { inner, guard }
    }

    fn read<'a, T: Send + 'a>(&'a self, operation: &'static str, answer: Answer<'a, T>) -> Answer<'a, T> {
        self.guarded(operation, false, answer)
    }

    /// `answer` has done nothing before it is polled.
    fn guarded<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        is_write: bool,
        mut answer: Answer<'a, T>,
    ) -> Answer<'a, T> {
        let guard = &self.guard;
        poll_fn(move |cx| match guard(is_write) {
            Ok(()) => answer.poll_unpin(cx),
            Err(Refused { kind, code, message }) => {
                let code = code.to_owned();
                Poll::Ready(Err(ConnectError { kind, operation, code, message, request_id: None, retry_after: None }))
            }
        })
        .boxed()
    }
}

impl<C: Connect> Connect for Guarded<C> {
    fn write<'a>(&'a self, instance: &'a Instance, user: Option<&'a UserId>, call: &'a Call) -> Answer<'a, Written> {
        self.guarded(call.operation(), true, self.inner.write(instance, user, call))
    }

    fn describe_user<'a>(&'a self, instance: &'a Instance, user: &'a UserId) -> Answer<'a, ObservedUser> {
        self.read("DescribeUser", self.inner.describe_user(instance, user))
    }

    fn list_user_proficiencies<'a>(
        &'a self,
        instance: &'a Instance,
        user: &'a UserId,
        token: Option<String>,
    ) -> Answer<'a, Page<(ProficiencyKey, i32)>> {
        self.read("ListUserProficiencies", self.inner.list_user_proficiencies(instance, user, token))
    }

    fn search_tag<'a>(&'a self, instance: &'a Instance, key: &'a str, value: &'a str) -> Answer<'a, Vec<ListedUser>> {
        self.read("SearchUsers", self.inner.search_tag(instance, key, value))
    }

    fn search_username<'a>(&'a self, instance: &'a Instance, username: &'a Username) -> Answer<'a, Vec<ListedUser>> {
        self.read("SearchUsers", self.inner.search_username(instance, username))
    }

    fn list_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ListedUser>> {
        self.read("ListUsers", self.inner.list_users(instance, token))
    }

    fn search_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ObservedUser>> {
        self.read("SearchUsers", self.inner.search_users(instance, token))
    }

    fn describe_instance<'a>(&'a self, instance: &'a Instance) -> Answer<'a, InstanceInfo> {
        self.read("DescribeInstance", self.inner.describe_instance(instance))
    }

    fn list_routing_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.read("ListRoutingProfiles", self.inner.list_routing_profiles(instance, token))
    }

    fn list_security_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.read("ListSecurityProfiles", self.inner.list_security_profiles(instance, token))
    }

    fn search_hierarchy_groups<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Group>> {
        self.read("SearchUserHierarchyGroups", self.inner.search_hierarchy_groups(instance, token))
    }

    fn search_quick_connects<'a>(
        &'a self,
        instance: &'a Instance,
        token: Option<String>,
    ) -> Answer<'a, Page<QuickConnect>> {
        self.read("SearchQuickConnects", self.inner.search_quick_connects(instance, token))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_call_that_has_begun_is_not_carried_on_with_once_it_is_refused() {
        static MAY: AtomicBool = AtomicBool::new(true);
        static STEPS: AtomicUsize = AtomicUsize::new(0);
        let guard: Guard = Arc::new(|is_write| {
            let message = "not now".to_owned();
            let refused = Refused { kind: Kind::Unavailable, code: "NotLeading", message };
            if MAY.load(Ordering::Relaxed) && is_write { Ok(()) } else { Err(refused) }
        });
        let guarded = Guarded::new((), guard);
        let call = || {
            let steps = async {
                for _ in 0..4 {
                    STEPS.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_secs(4)).await;
                }
                Ok(())
            };
            steps.boxed()
        };
        assert!(guarded.guarded("CreateUser", true, call()).await.is_ok());
        assert_eq!(STEPS.swap(0, Ordering::Relaxed), 4);
        let later = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            MAY.store(false, Ordering::Relaxed);
        };
        let (refused, ()) = tokio::join!(guarded.guarded("CreateUser", true, call()), later);
        let refused = refused.unwrap_err();
        assert_eq!((refused.operation, refused.code.as_str()), ("CreateUser", "NotLeading"));
        assert_eq!(STEPS.load(Ordering::Relaxed), 3, "begun at 0, 4 and 8 seconds, and not at 12");
        // It is told of a read that it is one.
        MAY.store(true, Ordering::Relaxed);
        assert!(guarded.read("ListUsers", call()).await.is_err());
        assert_eq!(STEPS.load(Ordering::Relaxed), 3);
    }
}
