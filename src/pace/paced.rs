//! The port with every call waiting for its turn.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, field, info_span};

use super::budget::Verdict;
use super::limits::Place;
use super::queue::{Class, Tenant, Ticket};
use super::{Key, Pace, Turn};
use crate::connect::{
    Answer, Connect, ConnectError, Group, InstanceInfo, Kind, ListedUser, Named, Page, QuickConnect, Written,
};
use crate::plan::call::Call;
use crate::resource::status::ProficiencyKey;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// What calls are made for.
#[derive(Clone, Debug)]
pub struct Work {
    /// How urgent it is.
    pub class: Class,
    /// When to stop waiting for turns.
    pub stop: CancellationToken,
    /// Cancelled when that has happened: the work will not go on and is to be dropped.
    pub abandoned: CancellationToken,
}

/// A port that is paced, for one piece of work.
pub struct Paced {
    inner: Arc<dyn Connect>,
    pace: Pace,
    work: Work,
    namespace: Arc<str>,
    /// A turn that was waited for ahead of its call, and for how long.
    ahead: Mutex<Option<(Turn, Duration)>>,
}

impl Paced {
    /// Wraps a port for work in this namespace.
    pub fn new(inner: Arc<dyn Connect>, pace: &Pace, work: &Work, namespace: &str) -> Self {
        Self { inner, pace: pace.clone(), work: work.clone(), namespace: namespace.into(), ahead: Mutex::default() }
    }

    /// Waits, calls, and tells what came of it. There is no second try: whoever calls decides on that.
    fn call<'a, T: Send + 'a>(
        &'a self,
        instance: &'a Instance,
        operation: &'static str,
        call: impl FnOnce() -> Answer<'a, T> + Send + 'a,
    ) -> Answer<'a, T> {
        let span = span(instance, operation, self.work.class);
        async move {
            let ahead = {
                let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
                // Kept for its own call, whatever is looked at before that.
                ahead.take_if(|(turn, _)| *turn.key() == key(instance, operation))
            };
            let (turn, waited) = match ahead {
                Some(ahead) => ahead,
                None => self.wait(instance, operation).await,
            };
            Span::current().record("waited_ms", millis(waited));
            let permit = turn.begin();
            let answer = call().await;
            permit.told(verdict(&answer));
            tell(&Span::current(), answer.as_ref().err());
            answer
        }
        .instrument(span)
        .boxed()
    }

    /// The turn, and how long it was waited for.
    async fn wait(&self, instance: &Instance, operation: &'static str) -> (Turn, Duration) {
        let came = Instant::now();
        let key = key(instance, operation);
        let tenant = Tenant { instance: instance.id().as_str().into(), namespace: Arc::clone(&self.namespace) };
        let ticket = Ticket { class: self.work.class, tenant };
        tokio::select! {
            biased;
            turn = self.pace.turn(&key, &ticket) => (turn, came.elapsed()),
            () = self.work.stop.cancelled() => {
                // No answer would be true: the call neither failed nor will be made.
                self.work.abandoned.cancel();
                std::future::pending().await
            }
        }
    }
}

/// The budget of an operation.
pub fn key(instance: &Instance, operation: &'static str) -> Key {
    let place = Place { account: instance.account().to_owned(), region: instance.region().to_owned() };
    Key { place, operation }
}

/// What traces tell of a call: nothing of what is sent or answered.
fn span(instance: &Instance, operation: &'static str, class: Class) -> Span {
    info_span!(
        "call",
        otel.name = operation,
        otel.kind = "client",
        otel.status_code = field::Empty,
        operation,
        region = instance.region(),
        class = class.name(),
        waited_ms = field::Empty,
        code = field::Empty,
        request_id = field::Empty,
    )
}

fn tell(span: &Span, failure: Option<&ConnectError>) {
    span.record("code", failure.map_or("OK", |error| error.code.as_str()));
    if let Some(error) = failure {
        span.record("otel.status_code", "ERROR");
        span.record("request_id", error.request_id.as_deref());
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn verdict<T>(answer: &Result<T, ConnectError>) -> Verdict {
    match answer {
        Err(error) if error.kind == Kind::Throttled => Verdict::Throttled { retry_after: error.retry_after },
        _ => Verdict::Counted,
    }
}

impl Connect for Paced {
    fn turn<'a>(&'a self, instance: &'a Instance, operation: &'static str) -> BoxFuture<'a, ()> {
        async move {
            let ahead = self.wait(instance, operation).await;
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
        .boxed()
    }

    fn write<'a>(&'a self, instance: &'a Instance, user: Option<&'a UserId>, call: &'a Call) -> Answer<'a, Written> {
        self.call(instance, call.operation(), move || self.inner.write(instance, user, call))
    }

    fn describe_user<'a>(&'a self, instance: &'a Instance, user: &'a UserId) -> Answer<'a, ObservedUser> {
        self.call(instance, "DescribeUser", move || self.inner.describe_user(instance, user))
    }

    fn list_user_proficiencies<'a>(
        &'a self,
        instance: &'a Instance,
        user: &'a UserId,
        token: Option<String>,
    ) -> Answer<'a, Page<(ProficiencyKey, i32)>> {
        self.call(instance, "ListUserProficiencies", move || self.inner.list_user_proficiencies(instance, user, token))
    }

    fn search_tag<'a>(&'a self, instance: &'a Instance, key: &'a str, value: &'a str) -> Answer<'a, Vec<ListedUser>> {
        self.call(instance, "SearchUsers", move || self.inner.search_tag(instance, key, value))
    }

    fn search_username<'a>(&'a self, instance: &'a Instance, username: &'a Username) -> Answer<'a, Vec<ListedUser>> {
        self.call(instance, "SearchUsers", move || self.inner.search_username(instance, username))
    }

    fn list_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ListedUser>> {
        self.call(instance, "ListUsers", move || self.inner.list_users(instance, token))
    }

    fn search_users<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<ObservedUser>> {
        self.call(instance, "SearchUsers", move || self.inner.search_users(instance, token))
    }

    fn describe_instance<'a>(&'a self, instance: &'a Instance) -> Answer<'a, InstanceInfo> {
        self.call(instance, "DescribeInstance", move || self.inner.describe_instance(instance))
    }

    fn list_routing_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.call(instance, "ListRoutingProfiles", move || self.inner.list_routing_profiles(instance, token))
    }

    fn list_security_profiles<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Named>> {
        self.call(instance, "ListSecurityProfiles", move || self.inner.list_security_profiles(instance, token))
    }

    fn search_hierarchy_groups<'a>(&'a self, instance: &'a Instance, token: Option<String>) -> Answer<'a, Page<Group>> {
        self.call(instance, "SearchUserHierarchyGroups", move || self.inner.search_hierarchy_groups(instance, token))
    }

    fn search_quick_connects<'a>(
        &'a self,
        instance: &'a Instance,
        token: Option<String>,
    ) -> Answer<'a, Page<QuickConnect>> {
        self.call(instance, "SearchQuickConnects", move || self.inner.search_quick_connects(instance, token))
    }
}
