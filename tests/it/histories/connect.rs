//! Amazon Connect for one operator: the real adapter over the simulator, each call with its way there and its
//! way back, and the audit looking on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_connect::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_connect::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use bytes::Bytes;
use connect_simulator::{Simulator, fixtures::managed};
use connect_user_operator::connect::aws::AwsConnect;
use connect_user_operator::connect::{Clients, Connect};

use super::audit::{Audit, Call};
use super::dice::Dice;
use super::time;

/// What all operators of a history share.
#[derive(Clone)]
pub struct Wire {
    pub simulator: Simulator,
    pub audit: Arc<Mutex<Audit>>,
    pub dice: Arc<Mutex<Dice>>,
    /// Which operator.
    pub operator: String,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("operator", &self.operator).finish_non_exhaustive()
    }
}

/// One client, whatever the credentials.
struct One(Arc<AwsConnect>);

impl Clients for One {
    fn client(&self, _: &connect_user_operator::connect::Credentials) -> Arc<dyn Connect> {
        Arc::<AwsConnect>::clone(&self.0)
    }
}

/// Connect as an operator of this history sees it.
pub fn clients(wire: Wire) -> Arc<dyn Clients> {
    let keys = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
    let connector = SharedHttpConnector::new(wire);
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    Arc::new(One(Arc::new(AwsConnect::new(&config))))
}

/// A moment on the way.
pub fn hop(dice: &Mutex<Dice>) -> Duration {
    Duration::from_millis(dice.lock().unwrap().below(40) as u64)
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = Bytes::copy_from_slice(request.body().bytes().expect("a body in memory"));
        let headers = request.headers().iter();
        let asked = http::Request::builder().method(request.method()).uri(request.uri());
        let asked =
            headers.fold(asked, |asked, (name, value)| asked.header(name, value)).body(body).expect("a request");
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            tokio::time::sleep(hop(&wire.dice)).await;
            let (response, lost) = wire.arrive(asked);
            tokio::time::sleep(hop(&wire.dice)).await;
            if lost {
                return Err(ConnectorError::io("connection closed".into()));
            }
            let (parts, body) = response.into_parts();
            let mut answer = HttpResponse::new(parts.status.as_u16().try_into().expect("a status"), body.into());
            for (name, value) in &parts.headers {
                let value = value.to_str().expect("a text").to_owned();
                answer.headers_mut().insert(name.as_str().to_owned(), value);
            }
            Ok(answer)
        })
    }
}

impl Wire {
    fn arrive(&self, request: http::Request<Bytes>) -> (http::Response<Bytes>, bool) {
        let before = self.simulator.users(managed::ID);
        let reply = self.simulator.handle(request, time::now().into());
        let record = self.simulator.calls().pop().expect("a record of the call");
        self.simulator.clear_calls();
        let after = if record.write { self.simulator.users(managed::ID) } else { Vec::new() };
        // Most writes answer nothing.
        let answer = (!reply.lost).then(|| serde_json::from_slice(reply.response.body()).unwrap_or_default());
        let call = Call { operator: &self.operator, record: &record, answer, before: &before, after: &after };
        self.audit.lock().unwrap().check(&call);
        (reply.response, reply.lost)
    }
}
