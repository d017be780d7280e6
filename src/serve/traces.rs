//! Traces for an OpenTelemetry collector: one span for each reconcile, sweep and call to Amazon Connect.
//!
//! Only spans of this crate are exported, and of those only their fields: no event, so no message of
//! anybody's, and no span of a library, some of which have whole requests in them. They go over plain HTTP
//! to a collector in the cluster; there is no second TLS stack for them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{info, warn};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

/// Name of the program in traces, and of its crate in the targets of its spans.
const NAME: &str = "connect-user-operator";
const CRATE: &str = "connect_user_operator";

/// Where traces go, and as whose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The whole address, path included.
    pub endpoint: String,
    /// The service's name; `None` leaves it to OTEL_RESOURCE_ATTRIBUTES.
    pub service: Option<String>,
}

/// Why there can be no traces.
#[derive(Debug, thiserror::Error)]
#[error("setting up traces failed: check the variables OTEL_*")]
pub struct Error(#[from] ExporterBuildError);

/// Where the spans of this process go. They are sent in batches, beside everything else.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send. Must be called inside of a runtime.
    ///
    /// # Errors
    /// If a variable of OpenTelemetry cannot be read.
    pub fn new(wanted: &Wanted) -> Result<Self, Error> {
        let mut exporter = SpanExporter::builder().with_http().with_http_client(Sender::new());
        exporter = exporter.with_endpoint(&wanted.endpoint);
        let mut resource = Resource::builder();
        if let Some(service) = &wanted.service {
            resource = resource.with_service_name(service.clone());
        }
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter.build()?).with_resource(resource.build()).build();
        Ok(Self(provider))
    }

    /// The layer that makes spans of the log spans of traces.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(NAME))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| {
                let target = metadata.target();
                metadata.is_span() && (target == CRATE || target.starts_with(&format!("{CRATE}::")))
            }))
    }

    /// Sends what is left. Takes seconds at most, and fails silently: the process ends.
    pub async fn end(self) {
        // It blocks its thread, and the sender needs one.
        tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(Duration::from_secs(3)).ok()).await.ok();
    }
}

/// Sends batches from a thread that is not the runtime's.
#[derive(Clone)]
struct Sender {
    client: Client<HttpConnector, Full<Bytes>>,
    runtime: Handle,
    is_failing: Arc<AtomicBool>,
}

impl Sender {
    const PATIENCE: Duration = Duration::from_secs(10);
    const LONGEST_ANSWER: usize = 64 * 1024;

    fn new() -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { client, runtime: Handle::current(), is_failing: Arc::default() }
    }

    /// Sends, and tells when that begins to fail and when it goes again: not each time.
    async fn send_and_tell(self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let endpoint = request.uri().clone();
        let (is_failing, sent) =
            (Arc::clone(&self.is_failing), tokio::time::timeout(Self::PATIENCE, self.send(request)));
        let sent = sent.await.unwrap_or_else(|elapsed| Err(elapsed.into()));
        let failure = match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answers {}", answer.status())),
            Err(error) => Some(error.to_string()),
        };
        match (failure, is_failing.load(Ordering::Relaxed)) {
            (Some(failure), false) => {
                warn!(%endpoint, "the collector does not take traces, which are lost until it does: {failure}");
                is_failing.store(true, Ordering::Relaxed);
            }
            (None, true) => {
                info!(%endpoint, "the collector takes traces again");
                is_failing.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
        sent
    }

    async fn send(self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = self.client.request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, Self::LONGEST_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sender")
    }
}

type Sent<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for Sender {
    fn send_bytes<'this, 'sent>(&'this self, request: Request<Bytes>) -> Sent<'sent>
    where
        'this: 'sent,
        Self: 'sent,
    {
        let sender = self.clone();
        let sent = self.runtime.spawn(sender.send_and_tell(request));
        Box::pin(async move { sent.await? })
    }
}
