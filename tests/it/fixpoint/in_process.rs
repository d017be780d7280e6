//! The real adapter over the simulator without a socket: the SDK signs and writes its requests as ever, and
//! the simulator answers them on the spot, each a second after the last.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_connect::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_connect::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use bytes::Bytes;
use connect_simulator::{Simulator, fixtures};
use connect_user_operator::connect::aws::AwsConnect;

/// Amazon Connect as the simulator plays it.
pub fn connect(simulator: &Simulator) -> AwsConnect {
    let calls = AtomicU64::new(0);
    let now = move || fixtures::EPOCH.to_system_time() + Duration::from_secs(calls.fetch_add(1, Ordering::Relaxed));
    connect_through(Wire { simulator: simulator.clone(), now: Arc::new(now), edit: |uri| uri })
}

/// The same by a clock of one's own, with requests' addresses edited on the way.
pub fn connect_at(
    simulator: &Simulator,
    now: impl Fn() -> SystemTime + Send + Sync + 'static,
    edit: fn(String) -> String,
) -> AwsConnect {
    connect_through(Wire { simulator: simulator.clone(), now: Arc::new(now), edit })
}

fn connect_through(wire: Wire) -> AwsConnect {
    let keys = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let connector = SharedHttpConnector::new(wire);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    AwsConnect::new(&config)
}

#[derive(Clone)]
struct Wire {
    simulator: Simulator,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    edit: fn(String) -> String,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = Bytes::copy_from_slice(request.body().bytes().expect("a body in memory"));
        let headers = request.headers().iter();
        let asked = http::Request::builder().method(request.method()).uri((self.edit)(request.uri().to_owned()));
        let asked =
            headers.fold(asked, |asked, (name, value)| asked.header(name, value)).body(body).expect("a request");
        let reply = self.simulator.handle(asked, (self.now)());
        if reply.lost {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("connection closed".into())));
        }
        let (parts, body) = reply.response.into_parts();
        let mut answer = HttpResponse::new(parts.status.as_u16().try_into().expect("a status"), body.into());
        for (name, value) in &parts.headers {
            let value = value.to_str().expect("a text").to_owned();
            answer.headers_mut().insert(name.as_str().to_owned(), value);
        }
        HttpConnectorFuture::ready(Ok(answer))
    }
}
