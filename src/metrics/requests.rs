//! Requests to the API server, counted by a layer of the client under the name that client-go uses.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tower::{Layer, Service};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByAnswer {
    code: String,
    method: &'static str,
}

/// The layer. Cheap to clone.
#[derive(Clone)]
pub struct CountRequests {
    requests: Family<ByAnswer, Counter>,
}

impl CountRequests {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register(
            "rest_client_requests",
            "Requests to the API server by status and method",
            Family::clone(&requests),
        );
        Self { requests }
    }

    fn answered(&self, method: &'static str, status: Option<u16>) {
        // As client-go has it where there was no answer.
        let code = status.map_or_else(|| "<error>".to_owned(), |status| status.to_string());
        self.requests.get_or_create(&ByAnswer { code, method }).inc();
    }
}

impl<S> Layer<S> for CountRequests {
    type Service = Counted<S>;

    fn layer(&self, inner: S) -> Counted<S> {
        Counted { inner, count: self.clone() }
    }
}

/// A client whose requests are counted.
#[derive(Clone)]
pub struct Counted<S> {
    inner: S,
    count: CountRequests,
}

impl<S, B, R> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: 'static,
    R: 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (count, method) = (self.count.clone(), name(request.method()));
        let answer = self.inner.call(request);
        answer
            .inspect(move |answer| count.answered(method, answer.as_ref().ok().map(|answer| answer.status().as_u16())))
            .boxed()
    }
}

fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}
