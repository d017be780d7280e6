//! The way of an in-process operator to the API server: a layer around kube's own service, which passes
//! the gate and may go wrong.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http::request::Parts;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, BodyStream, Full, StreamBody};
use kube::client::{Body, DynBody};
use serde_json::{Value, json};
use tower::{BoxError, Layer, Service};

use super::gate::Gate;
use super::in_process::Confidences;

/// What goes wrong with a request to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaneFault {
    /// No effect, and a Status of this code and reason.
    Refuse(u16, &'static str),
    /// No effect and no answer.
    LoseRequest,
    /// Its effect, and no answer.
    LoseAnswer,
    /// Everything later than usual.
    Delay(Duration),
    /// A watch that ends at once without a word.
    EndWatch,
    /// A watch that tells everything so much later.
    SlowWatch(Duration),
    /// A watch whose resourceVersion is too old.
    ExpireWatch,
}

/// Requests to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Everything that changes something.
    Writes,
    /// Writes of a ConnectUser's status.
    Status,
    /// Patches of a ConnectUser itself: its finalizers.
    Finalizers,
    /// The memory of deletions.
    ConfigMaps,
    /// Reads of one object or of a list, but no watch.
    Reads,
    /// Watches.
    Watches,
    /// Watches of ConnectInstances.
    RulesWatches,
    /// All.
    All,
}

impl Target {
    fn matches(self, request: &Parts) -> bool {
        let path = request.uri.path();
        let is_watch = request.uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "watch=true"));
        let is_write = request.method != Method::GET;
        match self {
            Self::Writes => is_write,
            Self::Status => is_write && path.contains("/connectusers/") && path.ends_with("/status"),
            Self::Finalizers => is_write && path.contains("/connectusers/") && !path.ends_with("/status"),
            Self::ConfigMaps => is_write && path.contains("/configmaps"),
            Self::Reads => !is_write && !is_watch,
            Self::Watches => is_watch,
            Self::RulesWatches => is_watch && path.contains("/connectinstances"),
            Self::All => true,
        }
    }
}

/// A fault that strikes so many times.
#[derive(Clone, Debug)]
pub struct OnPlane {
    pub target: Target,
    pub fault: PlaneFault,
    pub times: u32,
    /// How often it has struck.
    pub struck: u32,
}

/// Called with namespaced name and body of every status that is written.
pub type OnStatus = Arc<dyn Fn(&str, &Value) + Send + Sync>;

/// The layer; clones share it.
#[derive(Clone)]
pub struct Plane {
    pub gate: Arc<Gate>,
    pub faults: Arc<Mutex<Vec<OnPlane>>>,
    pub confidences: Confidences,
    pub on_status: OnStatus,
}

impl Plane {
    fn strike(&self, request: &Parts) -> Option<PlaneFault> {
        let mut faults = self.faults.lock().unwrap();
        let hit = faults.iter_mut().find(|fault| fault.times > 0 && fault.target.matches(request))?;
        hit.times -= 1;
        hit.struck += 1;
        Some(hit.fault.clone())
    }

    /// What the request counts as: every write but those of events, which nothing depends on.
    fn step(request: &Parts) -> Option<String> {
        let path = request.uri.path();
        let counts = request.method != Method::GET && !path.contains("/events");
        counts.then(|| {
            let kind = path.rsplit('/').next().unwrap_or_default();
            format!("{} {}", request.method, if kind == "status" { "status" } else { path })
        })
    }
}

impl<S> Layer<S> for Plane {
    type Service = OverPlane<S>;

    fn layer(&self, inner: S) -> OverPlane<S> {
        OverPlane { plane: self.clone(), inner }
    }
}

/// kube's service behind the layer.
pub struct OverPlane<S> {
    plane: Plane,
    inner: S,
}

type Answer = Response<Box<DynBody>>;

impl<S> Service<Request<Body>> for OverPlane<S>
where
    S: Service<Request<Body>, Response = Answer, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let plane = self.plane.clone();
        let Some(entry) = plane.gate.enter(Plane::step(&parts)) else { return std::future::pending().boxed() };
        if Target::Status.matches(&parts)
            && let Some(Some(Ok(body))) = body.try_clone().map(|body| body.collect_bytes().now_or_never())
        {
            let name = parts.uri.path().rsplit('/').nth(1).unwrap_or_default();
            (plane.on_status)(name, &serde_json::from_slice(&body).unwrap());
        }
        let fault = plane.strike(&parts);
        let secret = (parts.method != Method::GET && parts.uri.path().contains("/secrets"))
            .then(|| format!("{} {}", parts.method, parts.uri.path()));
        let send = match &fault {
            None | Some(PlaneFault::Delay(_) | PlaneFault::SlowWatch(_) | PlaneFault::LoseAnswer) => {
                Some(self.inner.call(Request::from_parts(parts, body)))
            }
            _ => None,
        };
        async move {
            if let Some(PlaneFault::Delay(delay)) = &fault {
                tokio::time::sleep(*delay).await;
            }
            let answer = match send {
                Some(send) => Some(send.await?),
                None => None,
            };
            if let (Some(write), Some(answer)) = (secret, &answer)
                && answer.status().is_success()
            {
                plane.confidences.written.lock().unwrap().push(write);
            }
            plane.gate.leave(entry).await;
            match (fault, answer) {
                (None | Some(PlaneFault::Delay(_)), Some(answer)) => Ok(answer),
                (Some(PlaneFault::SlowWatch(delay)), Some(answer)) => Ok(answer.map(|body| slow(body, delay))),
                (Some(PlaneFault::Refuse(code, reason)), _) => Ok(refusal(code, reason)),
                (Some(PlaneFault::EndWatch), _) => Ok(answer_of(200, Bytes::new())),
                (Some(PlaneFault::ExpireWatch), _) => {
                    let event = json!({ "type": "ERROR", "object": status(410, "Expired") });
                    Ok(answer_of(200, Bytes::from(format!("{event}\n"))))
                }
                _ => Err("the connection to the API server broke, for the test".into()),
            }
        }
        .boxed()
    }
}

/// Each frame so long after it came, however many come: a watch of what is the whole cluster's sees other tests, too.
fn slow(body: Box<DynBody>, delay: Duration) -> Box<DynBody> {
    const ON_THE_WAY: usize = 10_000;
    let late = BodyStream::new(body).map(move |frame| {
        let due = tokio::time::Instant::now() + delay;
        async move {
            tokio::time::sleep_until(due).await;
            frame
        }
    });
    Box::new(StreamBody::new(late.buffered(ON_THE_WAY).boxed()))
}

fn status(code: u16, reason: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Status", "metadata": {}, "status": "Failure",
        "message": "refused, for the test", "reason": reason, "code": code,
    })
}

fn refusal(code: u16, reason: &str) -> Answer {
    answer_of(code, Bytes::from(status(code, reason).to_string()))
}

fn answer_of(code: u16, body: Bytes) -> Answer {
    let body = Full::new(body).map_err(BoxError::from);
    let body: Box<DynBody> = Box::new(body);
    Response::builder().status(code).header("content-type", "application/json").body(body).unwrap()
}
