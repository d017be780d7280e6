//! The adapter against an HTTP client in this process that keeps what it is sent and answers as it is told.

mod failures;
mod reads;
mod settings;
mod writes;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_sdk_connect::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_connect::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use serde_json::Value as Json;

use super::*;
use crate::connect::guarded::{Guard, Guarded, Refused};
use crate::connect::{ConnectError, Kind};

const ARN: &str = "arn:aws:connect:eu-west-1:111122223333:instance/i-1";
const USER_ARN: &str = "arn:aws:connect:eu-west-1:111122223333:instance/i-1/agent/u-1";

/// A request as it was sent.
#[derive(Clone, Debug)]
struct Seen {
    method: String,
    /// Scheme, host, path and query.
    uri: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Seen {
    fn path(&self) -> &str {
        self.uri.strip_prefix("https://connect.eu-west-1.amazonaws.com").unwrap()
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// What to answer.
#[derive(Clone, Debug)]
enum Canned {
    Answer { status: u16, headers: Vec<(&'static str, &'static str)>, body: String },
    Broken(fn() -> ConnectorError),
    Silence,
}

impl Canned {
    fn ok(body: &str) -> Self {
        Self::Answer { status: 200, headers: vec![], body: body.to_owned() }
    }

    fn error(status: u16, code: &'static str, body: &str) -> Self {
        let headers = vec![("x-amzn-errortype", code), ("x-amzn-requestid", "r-1")];
        Self::Answer { status, headers, body: body.to_owned() }
    }
}

#[derive(Clone, Debug, Default)]
struct Recorder {
    seen: Arc<Mutex<Vec<Seen>>>,
    answers: Arc<Mutex<VecDeque<Canned>>>,
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.seen.lock().unwrap().push(Seen {
            method: request.method().to_owned(),
            uri: request.uri().to_owned(),
            headers: request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            body: String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap(),
        });
        // The last answer stands for all that follow, so that a retry would be seen.
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        match answer.unwrap_or_else(|| Canned::ok("{}")) {
            Canned::Answer { status, headers, body } => {
                let mut response = HttpResponse::new(status.try_into().unwrap(), body.into());
                for (name, value) in headers {
                    response.headers_mut().insert(name, value);
                }
                HttpConnectorFuture::ready(Ok(response))
            }
            Canned::Broken(error) => HttpConnectorFuture::ready(Err(error())),
            Canned::Silence => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

impl Recorder {
    fn answering(answers: impl IntoIterator<Item = Canned>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Self::default() }
    }

    fn config(&self) -> SdkConfig {
        let keys = Credentials::new("AKIDEXAMPLE", "secret", None, None, "tests");
        self.config_without_credentials()
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(keys))
            .build()
    }

    fn config_without_credentials(&self) -> SdkConfig {
        let connector = SharedHttpConnector::new(self.clone());
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .build()
    }

    fn connect(&self) -> AwsConnect {
        AwsConnect::new(&self.config())
    }

    fn all(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The request, of which there must be exactly one.
    fn only(&self) -> Seen {
        let seen = self.all();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen[0].clone()
    }
}

fn instance() -> Instance {
    Instance::parse(ARN).unwrap()
}

fn user() -> UserId {
    UserId::new("u-1")
}

#[tokio::test]
async fn every_request_is_signed_for_the_region_of_its_instance() {
    let recorder = Recorder::default();
    let connect = recorder.connect();
    for region in ["eu-west-1", "us-west-2"] {
        let instance = Instance::parse(&ARN.replace("eu-west-1", region)).unwrap();
        connect.write(&instance, Some(&user()), &Call::DeleteUser).await.unwrap();
    }
    for (seen, region) in recorder.all().iter().zip(["eu-west-1", "us-west-2"]) {
        assert!(seen.uri.starts_with(&format!("https://connect.{region}.amazonaws.com/users/i-1/u-1")), "{seen:?}");
        let authorization = &seen.headers["authorization"];
        assert!(authorization.contains(&format!("/{region}/connect/aws4_request")), "{authorization}");
        assert!(authorization.contains("Signature="), "{authorization}");
    }
}

#[tokio::test]
async fn an_endpoint_in_the_configuration_is_used() {
    let recorder = Recorder::default();
    let config = recorder.config().into_builder().endpoint_url("http://127.0.0.1:9").build();
    AwsConnect::new(&config).write(&instance(), Some(&user()), &Call::DeleteUser).await.unwrap();
    assert_eq!(recorder.only().uri, "http://127.0.0.1:9/users/i-1/u-1");
}

#[test]
fn the_name_in_the_user_agent_tells_processes_apart() {
    assert_eq!(app_name(None), "connect-user-operator");
    for (identity, name) in [
        ("replica-a", "connect-user-operator.replica-a"),
        ("connect-user-operator-7f9c4d5b6f-x2x4z", "connect-user-operator.er-operator-7f9c4d5b6f-x2x4z"),
        ("a b/c", "connect-user-operator.a-b-c"),
    ] {
        let told = app_name(Some(identity));
        assert_eq!(told, name);
        assert!(told.len() <= 50 && AppName::new(told).is_ok());
    }
}

#[tokio::test]
async fn a_call_that_the_guard_refuses_is_not_sent() {
    let recorder = Recorder::default();
    let guard: Guard = Arc::new(|is_write| {
        let refused = Refused { kind: Kind::AccessDenied, code: "No", message: "for the test".to_owned() };
        if is_write { Err(refused) } else { Ok(()) }
    });
    let connect = Guarded::new(recorder.connect(), guard);
    let error = connect.write(&instance(), Some(&user()), &Call::DeleteUser).await.unwrap_err();
    assert_eq!((error.kind, error.operation, error.code.as_str()), (Kind::AccessDenied, "DeleteUser", "No"));
    // The answer does not matter here.
    connect.describe_user(&instance(), &user()).await.ok();
    assert!(recorder.only().uri.contains("/users/i-1/u-1"));
}
