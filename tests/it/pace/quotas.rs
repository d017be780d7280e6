//! Rates read from Service Quotas, over HTTP from a stand-in for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use connect_simulator::fixtures;
use connect_user_operator::connect::aws::AwsClients;
use connect_user_operator::connect::aws::quotas::RateQuota;
use connect_user_operator::connect::{Clients, Credentials, Kind};
use connect_user_operator::pace::limits::operation_of;
use connect_user_operator::user::ids::Instance;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Pages by the token that asks for them; none means that asking is not allowed.
type Pages = Option<Vec<Value>>;

fn quota(code: &str, name: &str, value: f64, unit: &str) -> Value {
    json!({
        "ServiceCode": "connect", "QuotaCode": code, "QuotaName": name, "Value": value,
        "QuotaArn": format!("arn:aws:servicequotas:eu-west-1:111122223333:connect/{code}"),
        "Period": { "PeriodValue": 1, "PeriodUnit": unit },
    })
}

async fn answer(State(pages): State<Arc<Pages>>, headers: HeaderMap, body: String) -> Response {
    if headers.get("x-amz-target").is_none() {
        // Connect itself, which is not what this is about.
        return (StatusCode::NOT_FOUND, [("x-amzn-errortype", "ResourceNotFoundException")], "{}").into_response();
    }
    let Some(pages) = pages.as_ref() else {
        return (StatusCode::BAD_REQUEST, r#"{"__type":"AccessDeniedException","Message":"no"}"#).into_response();
    };
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["ServiceCode"], "connect");
    let at: usize = body["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
    let mut page = json!({ "Quotas": pages[at] });
    if at + 1 < pages.len() {
        page["NextToken"] = json!((at + 1).to_string());
    }
    page.to_string().into_response()
}

/// What is found when the first call in a Region is made.
async fn found(pages: Pages) -> Vec<RateQuota> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(answer).with_state(Arc::new(pages));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let credentials = aws_sdk_connect::config::Credentials::new("AKIAEXAMPLE", "example", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .credentials_provider(aws_sdk_connect::config::SharedCredentialsProvider::new(credentials))
        .endpoint_url(endpoint)
        .build();
    let all: Arc<Mutex<Vec<RateQuota>>> = Arc::default();
    let into = Arc::clone(&all);
    let clients = AwsClients::new(config, Box::new(|client| Arc::new(client)))
        .discovering(Arc::new(move |quota| into.lock().unwrap().push(quota)));
    let instance = Instance::parse(fixtures::managed::ARN).unwrap();
    for _ in 0..3 {
        // Whatever becomes of the quotas, calls are made.
        let error = clients.client(&Credentials::Own).describe_instance(&instance).await.unwrap_err();
        assert_eq!(error.kind, Kind::NotFound);
    }
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if all.lock().unwrap().len() >= 3 {
            break;
        }
    }
    all.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_are_read_once_from_all_pages_and_known_by_code_or_name() {
    let found = found(Some(vec![
        json!([
            quota("L-CBDEE3E4", "Rate of CreateUser API requests", 8.0, "SECOND"),
            quota("L-9A46857E", "Users per instance", 500.0, "SECOND"),
            quota("L-30488271", "Rate of DeleteUser API requests", 100.0, "HOUR"),
        ]),
        json!([
            quota("L-00000000", "Rate of UpdateUserConfig API requests", 4.0, "SECOND"),
            quota("L-00000001", "Rate of StartChatContact API requests", 5.0, "SECOND"),
        ]),
    ]))
    .await;
    let known: Vec<_> =
        found.iter().filter_map(|quota| Some((operation_of(&quota.code, &quota.name)?, quota.per_second))).collect();
    assert_eq!(known, [("CreateUser", 8.0), ("UpdateUserConfig", 4.0)]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|quota| quota.account == "111122223333" && quota.region == "eu-west-1"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_ask_nothing_is_found_and_nothing_fails() {
    assert!(found(None).await.is_empty());
}
