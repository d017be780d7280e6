//! The port with a circuit for each instance: one that does not answer, or not to these credentials, is
//! asked by one probe at a time instead of by every object, and says so once.

mod breaker;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use futures::future::BoxFuture;
use tokio::time::Instant;
use tracing::{info, warn};

use self::breaker::{Admission, Breaker, Change};
use super::{
    Answer, Connect, ConnectError, Credentials, Group, InstanceInfo, Kind, ListedUser, Named, Page, QuickConnect,
    Written,
};
use crate::plan::call::Call;
use crate::resource::status::ProficiencyKey;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// The circuits of a process.
pub struct Circuits {
    started: Instant,
    slowest: Duration,
    breakers: Mutex<HashMap<(Credentials, Instance), Breaker>>,
    recoveries: UnboundedSender<Instance>,
}

impl Circuits {
    /// Circuits that are all closed, and the instances that recover from now on. `slowest` bounds how long
    /// creations wait once an instance is full.
    pub fn new(slowest: Duration) -> (Arc<Self>, UnboundedReceiver<Instance>) {
        let (recoveries, recovered) = mpsc::unbounded();
        (Arc::new(Self { started: Instant::now(), slowest, breakers: Mutex::default(), recoveries }), recovered)
    }

    /// Why an instance is not asked as these credentials, if it is not.
    pub fn outage(&self, credentials: &Credentials, instance: &Instance) -> Option<ConnectError> {
        self.lock().get(&(credentials.clone(), instance.clone()))?.outage().cloned()
    }

    /// The instances that are not asked as some credentials or other.
    pub fn open(&self) -> BTreeSet<Instance> {
        let breakers = self.lock();
        let open = breakers.iter().filter(|(_, breaker)| breaker.outage().is_some());
        open.map(|((_, instance), _)| instance.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(Credentials, Instance), Breaker>> {
        // Plain values, whole at every moment.
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        credentials: &Credentials,
        instance: &Instance,
        act: impl FnOnce(&mut Breaker, Duration) -> T,
    ) -> T {
        let now = self.started.elapsed();
        act(self.lock().entry((credentials.clone(), instance.clone())).or_default(), now)
    }

    fn tell(&self, instance: &Instance, change: Change, error: Option<&ConnectError>) {
        match (change, error) {
            (Change::Opened, Some(error)) => {
                warn!(%instance, %error, "the instance does not answer: its users are left alone until it does");
            }
            (Change::Recovered, _) => {
                info!(%instance, "the instance takes calls again");
                // Nobody listens while the process ends.
                self.recoveries.unbounded_send(instance.clone()).ok();
            }
            _ => {}
        }
    }
}

/// A port behind the circuits.
pub struct Fused {
    inner: Arc<dyn Connect>,
    circuits: Arc<Circuits>,
    credentials: Credentials,
}

impl Fused {
    /// Wraps the port of these credentials.
    pub fn new(inner: Arc<dyn Connect>, circuits: Arc<Circuits>, credentials: Credentials) -> Self {
        Self { inner, circuits, credentials }
    }

    /// `call` has done nothing before it is polled.
    fn fused<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        instance: &'a Instance,
        call: Answer<'a, T>,
    ) -> Answer<'a, T> {
        let Self { inner: _, circuits, credentials } = self;
        Box::pin(async move {
            loop {
                match circuits.with(credentials, instance, |breaker, now| breaker.before(operation, now)) {
                    Admission::Pass => break,
                    Admission::Refuse(error) => return Err(error),
                    Admission::Probe => {
                        let answer = self.probe(instance).await;
                        let error = answer.as_ref().err().cloned();
                        let change = circuits.with(credentials, instance, |breaker, now| breaker.probed(answer, now));
                        circuits.tell(instance, change, error.as_ref());
                    }
                }
            }
            let answer = call.await;
            let error = answer.as_ref().err();
            let change = circuits
                .with(credentials, instance, |breaker, now| breaker.after(operation, error, now, circuits.slowest));
            circuits.tell(instance, change, None);
            answer
        })
    }

    /// Asks the instance itself. The right to describe it is optional, the one to list its users is not.
    async fn probe(&self, instance: &Instance) -> Result<(), ConnectError> {
        match self.inner.describe_instance(instance).await {
            Err(error) if error.kind == Kind::AccessDenied => self.inner.list_users(instance, None).await.map(|_| ()),
            answer => answer.map(|_| ()),
        }
    }
}

impl Connect for Fused {
    fn turn<'a>(&'a self, instance: &'a Instance, operation: &'static str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let Self { inner, circuits, credentials } = self;
            // What will be refused need not wait.
            if !circuits.with(credentials, instance, |breaker, now| breaker.refuses(operation, now)) {
                inner.turn(instance, operation).await;
            }
        })
    }

    fn write<'a>(&'a self, instance: &'a Instance, user: Option<&'a UserId>, call: &'a Call) -> Answer<'a, Written> {
        self.fused(call.operation(), instance, self.inner.write(instance, user, call))
    }

    fn describe_user<'a>(&'a self, instance: &'a Instance, user: &'a UserId) -> Answer<'a, ObservedUser> {
        self.fused("DescribeUser", instance, self.inner.describe_user(instance, user))
    }

    fn list_user_proficiencies<'a>(
        &'a self,
        instance: &'a Instance,
        user: &'a UserId,
        token: Option<String>,
    ) -> Answer<'a, Page<(ProficiencyKey, i32)>> {
        self.fused("ListUserProficiencies", instance, self.inner.list_user_proficiencies(instance, user, token))
    }

    fn search_tag<'a>(&'a self, instance: &'a Instance, key: &'a str, value: &'a str) -> Answer<'a, Vec<ListedUser>> {
        self.fused("SearchUsers", instance, self.inner.search_tag(instance, key, value))
    }

    fn search_username<'a>(&'a self, instance: &'a Instance, username: &'a Username) -> Answer<'a, Vec<ListedUser>> {
        self.fused("SearchUsers", instance, self.inner.search_username(instance, username))
    }

    fn list_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ListedUser>> {
        self.fused("ListUsers", instance, self.inner.list_users(instance, token))
    }

    fn search_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ObservedUser>> {
        self.fused("SearchUsers", instance, self.inner.search_users(instance, token))
    }

    fn describe_instance<'a>(&'a self, instance: &'a Instance) -> Answer<'a, InstanceInfo> {
        self.fused("DescribeInstance", instance, self.inner.describe_instance(instance))
    }

    fn list_routing_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.fused("ListRoutingProfiles", instance, self.inner.list_routing_profiles(instance, token))
    }

    fn list_security_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.fused("ListSecurityProfiles", instance, self.inner.list_security_profiles(instance, token))
    }

    fn search_hierarchy_groups<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Group>> {
        self.fused("SearchUserHierarchyGroups", instance, self.inner.search_hierarchy_groups(instance, token))
    }

    fn search_quick_connects<'a>(
        &'a self,
        instance: &'a Instance,
        token: Option<String>,
    ) -> Answer<'a, Page<QuickConnect>> {
        self.fused("SearchQuickConnects", instance, self.inner.search_quick_connects(instance, token))
    }
}
