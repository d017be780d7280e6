//! A collector of traces: takes what OTLP over HTTP brings, and keeps it as it came.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;

/// The collector, listening for as long as the test runs.
pub struct Collector {
    pub endpoint: String,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub async fn start() -> Self {
        let received: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&received));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { endpoint, received }
    }

    /// All bytes so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.received.lock().unwrap().concat()
    }

    /// All spans so far.
    pub fn spans(&self) -> Vec<Span> {
        let received = self.received.lock().unwrap();
        let requests = received.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans);
        resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
    }

    /// The names that services gave themselves.
    pub fn services(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let requests = received.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans).filter_map(|spans| spans.resource);
        resources.filter_map(|resource| attributes(&resource.attributes).remove("service.name")).collect()
    }
}

async fn take(State(received): State<Arc<Mutex<Vec<Vec<u8>>>>>, request: Request) -> StatusCode {
    let kind = request.headers().get(header::CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
    assert_eq!(kind, "application/x-protobuf");
    let body = to_bytes(request.into_body(), 16 << 20).await.unwrap();
    received.lock().unwrap().push(body.to_vec());
    StatusCode::OK
}

/// Attributes as text.
pub fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::BoolValue(is)) => is.to_string(),
        other => format!("{other:?}"),
    };
    all.iter().map(|one| (one.key.clone(), text(&one.value))).collect()
}
