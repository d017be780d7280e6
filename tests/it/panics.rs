//! A panic is a bug; it must not take the other objects with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use connect_user_operator::connect::aws::AwsClients;
use connect_user_operator::connect::{Clients, Connect, Credentials};
use connect_user_operator::controller::{self, Clock, Intervals, Settings};
use connect_user_operator::lead::Lead;
use connect_user_operator::metrics::Metrics;
use connect_user_operator::pace::Pace;
use connect_user_operator::policy::{Brake, Tenancy};
use tokio_util::sync::CancellationToken;

use crate::support::{Options, Stage, managed};

/// Clients of which the first that is asked for panics.
struct Faulty {
    inner: AwsClients,
    has_panicked: AtomicBool,
}

impl Clients for Faulty {
    fn client(&self, credentials: &Credentials) -> Arc<dyn Connect> {
        assert!(self.has_panicked.swap(true, Ordering::SeqCst), "a bug, for the test");
        self.inner.client(credentials)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_one_reconcile_is_counted_and_every_object_becomes_ready() {
    let stage = Stage::with("panic", Options { operator: false, ..Options::default() }).await;
    let credentials = aws_sdk_connect::config::Credentials::new("AKIAEXAMPLE", "example", None, None, "test");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .credentials_provider(aws_sdk_connect::config::SharedCredentialsProvider::new(credentials))
        .endpoint_url(stage.endpoint())
        .build();
    let metrics = Metrics::new();
    let settings = Settings {
        client: stage.client.clone(),
        clients: Arc::new(Faulty {
            inner: AwsClients::new(config, Box::new(|client| Arc::new(client))),
            has_panicked: AtomicBool::new(false),
        }),
        pace: Pace::unlimited(),
        cluster: "test".to_owned(),
        intervals: Intervals { slowest_retry: Duration::from_secs(1), ..Intervals::default() },
        namespaces: vec![stage.namespace.clone()],
        selector: None,
        read_only: false,
        lead: Lead::alone(),
        own_namespace: stage.namespace.clone(),
        tenancy: Tenancy::Open,
        brake: Brake { most: 100, window: Duration::from_secs(3600) },
        clock: Clock::default(),
        metrics: metrics.clone(),
    };
    let stop = CancellationToken::new();
    let running = tokio::spawn(controller::run(settings, stop.clone(), || {}));
    for name in ["jane", "john"] {
        stage.create(&managed(name, name)).await;
    }
    for name in ["jane", "john"] {
        stage.ready(name).await;
    }
    assert!(
        metrics.text().contains("controller_runtime_reconcile_panics_total{controller=\"connectuser\"} 1\n"),
        "{}",
        metrics.text()
    );
    stop.cancel();
    running.await.unwrap();
}
