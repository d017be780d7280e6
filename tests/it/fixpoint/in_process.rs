//! The real adapter over the simulator without a socket: the SDK signs and writes its requests as ever, and
//! the simulator answers them on the spot, each a second after the last.

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
    let keys = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let connector = SharedHttpConnector::new(Wire { simulator: simulator.clone(), calls: Arc::default() });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    AwsConnect::new(&config)
}

#[derive(Clone, Debug)]
struct Wire {
    simulator: Simulator,
    calls: Arc<AtomicU64>,
}

impl Wire {
    fn now(&self) -> SystemTime {
        fixtures::EPOCH.to_system_time() + Duration::from_secs(self.calls.fetch_add(1, Ordering::Relaxed))
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = Bytes::copy_from_slice(request.body().bytes().expect("a body in memory"));
        let headers = request.headers().iter();
        let asked = http::Request::builder().method(request.method()).uri(request.uri());
        let asked =
            headers.fold(asked, |asked, (name, value)| asked.header(name, value)).body(body).expect("a request");
        let reply = self.simulator.handle(asked, self.now());
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
