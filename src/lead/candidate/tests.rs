//! A candidate, an API server that keeps one Lease, and a time that this file makes.

use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use k8s_openapi::api::coordination::v1::LeaseSpec;
use kube::client::Body;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tower::BoxError;

use super::*;

const TIMING: Timing =
    Timing { duration: Duration::from_secs(15), deadline: Duration::from_secs(10), retry: Duration::from_secs(2) };
const MOMENT: Duration = Duration::from_millis(100);

/// What the API server has, and how it answers.
#[derive(Default)]
struct State {
    lease: Option<Lease>,
    version: u64,
    /// Requests that would write.
    asked: usize,
    /// Between the effect of a request and its answer.
    delay: Duration,
    /// After so many writes requests have neither effect nor answer.
    cut_off_after: Option<usize>,
}

#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

impl Server {
    fn client(&self) -> Client {
        let server = self.clone();
        let answer = move |request: Request<Body>| {
            let server = server.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect_bytes().await?;
                if server.is_cut_off() {
                    return std::future::pending().await;
                }
                let (answer, delay) = server.take(&parts.method, &body);
                sleep(delay).await;
                Ok::<_, BoxError>(answer)
            }
        };
        Client::new(tower::service_fn(answer), "connect")
    }

    fn take(&self, method: &Method, body: &[u8]) -> (Response<Body>, Duration) {
        let mut state = self.0.lock().unwrap();
        let refused = |code: StatusCode, reason: &str| {
            let status = serde_json::json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": reason, "reason": reason, "code": code.as_u16(),
            });
            (code, status.to_string())
        };
        if method != Method::GET {
            state.asked += 1;
        }
        let (code, text) = match (method, &state.lease) {
            (&Method::GET, None) => refused(StatusCode::NOT_FOUND, "NotFound"),
            (&Method::GET, Some(lease)) => (StatusCode::OK, serde_json::to_string(lease).unwrap()),
            (&Method::POST, Some(_)) => refused(StatusCode::CONFLICT, "AlreadyExists"),
            (_, known) => {
                let lease: Lease = serde_json::from_slice(body).unwrap();
                let version = known.as_ref().and_then(|known| known.metadata.resource_version.clone());
                if lease.metadata.resource_version == version {
                    (StatusCode::OK, serde_json::to_string(&state.store(lease)).unwrap())
                } else {
                    refused(StatusCode::CONFLICT, "Conflict")
                }
            }
        };
        (Response::builder().status(code).body(Body::from(text.into_bytes())).unwrap(), state.delay)
    }

    /// Somebody else writes the Lease: a holder, or nobody.
    fn write(&self, holder: Option<&str>) {
        let mut state = self.0.lock().unwrap();
        let mut lease = state.lease.clone().unwrap_or_default();
        lease.metadata.name = Some("lease".to_owned());
        let spec = lease.spec.get_or_insert_with(LeaseSpec::default);
        (spec.holder_identity, spec.lease_duration_seconds) = (holder.map(str::to_owned), Some(15));
        state.store(lease);
    }

    fn is_cut_off(&self) -> bool {
        let state = self.0.lock().unwrap();
        state.cut_off_after.is_some_and(|writes| state.asked >= writes)
    }

    fn holder(&self) -> Option<String> {
        self.0.lock().unwrap().lease.clone()?.spec?.holder_identity
    }

    fn set(&self, set: impl FnOnce(&mut State)) {
        set(&mut self.0.lock().unwrap());
    }
}

impl State {
    fn store(&mut self, mut lease: Lease) -> Lease {
        self.version += 1;
        lease.metadata.resource_version = Some(self.version.to_string());
        self.lease = Some(lease.clone());
        lease
    }
}

/// One that contends, until it is told that it is done.
struct Contender {
    lead: Lead,
    done: CancellationToken,
    ended: JoinHandle<Result<(), Loss>>,
}

impl Contender {
    fn begin(server: &Server) -> Self {
        let (lead, done) = (Lead::standby(), CancellationToken::new());
        let candidate = Candidate::new(server.client(), "connect", "lease", "a", TIMING, &lead);
        let ended = tokio::spawn(candidate.run(done.clone()));
        Self { lead, done, ended }
    }

    async fn leads(&self) {
        timeout(Duration::from_secs(60), self.lead.begun()).await.expect("it leads");
        assert_eq!(self.lead.fence().check(), Ok(()));
    }

    /// How it ended, and how long that took; nothing may be written from then on.
    async fn ends(self) -> (Result<(), Loss>, Duration) {
        let began = Instant::now();
        let ended = timeout(Duration::from_secs(60), self.ended).await.expect("it ends").unwrap();
        assert!(self.lead.fence().check().is_err(), "the fence is open");
        (ended, began.elapsed())
    }
}

#[tokio::test(start_paused = true)]
async fn one_whose_lease_was_taken_ends_with_its_next_renewal_and_takes_nothing_back() {
    let server = Server::default();
    let a = Contender::begin(&server);
    assert!(a.lead.fence().check().is_err());
    a.leads().await;
    assert_eq!(server.holder().as_deref(), Some("a"));
    server.write(Some("b"));
    let (ended, after) = a.ends().await;
    assert_eq!(ended, Err(Loss::Taken { holder: "b".to_owned() }));
    assert!(after <= TIMING.retry + MOMENT, "{after:?}");
    assert_eq!(server.holder().as_deref(), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_cut_off_ends_when_its_time_is_over_whatever_it_waits_for() {
    let server = Server::default();
    let a = Contender::begin(&server);
    a.leads().await;
    server.set(|state| state.cut_off_after = Some(0));
    let (ended, after) = a.ends().await;
    assert_eq!(ended, Err(Loss::Overdue { deadline: TIMING.deadline }));
    assert!(after + MOMENT >= TIMING.deadline && after <= TIMING.deadline + MOMENT, "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_late_counts_from_when_it_was_asked_for() {
    let server = Server::default();
    let slow = Duration::from_secs(3);
    server.set(|state| (state.delay, state.cut_off_after) = (slow, Some(1)));
    let a = Contender::begin(&server);
    a.leads().await;
    let left = TIMING.deadline - slow;
    sleep(left - MOMENT).await;
    assert_eq!(a.lead.fence().check(), Ok(()));
    sleep(MOMENT * 2).await;
    assert!(a.lead.fence().check().is_err(), "open for longer than another waits");
}

#[tokio::test(start_paused = true)]
async fn one_that_stands_by_writes_nothing_and_sees_at_once_that_it_may() {
    let server = Server::default();
    server.write(Some("b"));
    let a = Contender::begin(&server);
    for _ in 0..30 {
        sleep(Duration::from_secs(2)).await;
        server.write(Some("b"));
    }
    assert!(!a.lead.is_leading());
    assert_eq!(server.0.lock().unwrap().asked, 0);
    server.write(None);
    let free = Instant::now();
    a.leads().await;
    assert!(free.elapsed() <= TIMING.retry + MOMENT, "{:?}", free.elapsed());
}

#[tokio::test(start_paused = true)]
async fn it_lets_go_although_its_last_renewal_is_still_under_way() {
    let server = Server::default();
    let a = Contender::begin(&server);
    a.leads().await;
    server.set(|state| state.delay = Duration::from_secs(1));
    let renewed = TIMING.retry + Duration::from_millis(500);
    sleep(renewed).await;
    let version = server.0.lock().unwrap().version;
    assert_eq!(version, 2, "made and renewed, and the answer has not come yet");
    a.done.cancel();
    let (ended, after) = a.ends().await;
    assert_eq!(ended, Ok(()));
    assert!(after <= PARTING, "{after:?}");
    assert_eq!(server.holder(), None);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_lead_lets_go_of_nothing() {
    let server = Server::default();
    server.write(Some("b"));
    let a = Contender::begin(&server);
    sleep(Duration::from_secs(5)).await;
    a.done.cancel();
    assert_eq!(a.ends().await.0, Ok(()));
    assert_eq!((server.holder().as_deref(), server.0.lock().unwrap().asked), (Some("b"), 0));
}
