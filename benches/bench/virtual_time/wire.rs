//! Amazon Connect as the SDK reaches it here: the simulator, without a socket, 60 ms away.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_connect::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use bytes::Bytes;
use connect_simulator::Simulator;
use connect_user_operator::connect::Clients;
use connect_user_operator::connect::aws::AwsClients;

/// One way.
const HOP: Duration = Duration::from_millis(30);
/// The access key of the operator.
pub const OPERATOR: &str = "AKIAEXAMPLE";
/// That of another tool.
pub const OTHER: &str = "AKIAOTHER";

/// The real adapter over the simulator.
pub fn clients(simulator: &Simulator, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Arc<dyn Clients> {
    let keys = Credentials::new(OPERATOR, "secret", None, None, "bench");
    let connector = SharedHttpConnector::new(Wire { simulator: simulator.clone(), now: Arc::new(now) });
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Arc::new(AwsClients::new(config, Box::new(|client| Arc::new(client))))
}

/// Another tool tries to create a user and does it wrongly, which counts all the same.
pub fn somebody_else_creates(simulator: &Simulator, instance: &str, now: SystemTime) {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={OTHER}/20260101/eu-west-1/connect/aws4_request, SignedHeaders=host, Signature={:064}",
        0
    );
    let request = http::Request::builder()
        .method("PUT")
        .uri(format!("http://localhost/users/{instance}"))
        .header("authorization", authorization)
        .header("x-amz-date", "20260101T000000Z")
        .body(Bytes::from_static(b"{}"))
        .unwrap();
    simulator.handle(request, now);
}

#[derive(Clone)]
struct Wire {
    simulator: Simulator,
    now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            let body = Bytes::copy_from_slice(request.body().bytes().unwrap());
            let asked = http::Request::builder().method(request.method()).uri(request.uri());
            let asked = request.headers().iter().fold(asked, |asked, (name, value)| asked.header(name, value));
            tokio::time::sleep(HOP).await;
            let reply = wire.simulator.handle(asked.body(body).unwrap(), (wire.now)());
            tokio::time::sleep(HOP).await;
            let (parts, body) = reply.response.into_parts();
            let mut answer = HttpResponse::new(parts.status.as_u16().try_into().unwrap(), body.into());
            for (name, value) in &parts.headers {
                answer.headers_mut().insert(name.as_str().to_owned(), value.to_str().unwrap().to_owned());
            }
            Ok(answer)
        })
    }
}
