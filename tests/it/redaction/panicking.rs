//! A bug that panics with all that it holds: types that hold something personal do not print it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_user_operator::connect::{Clients, Connect, Credentials};
use connect_user_operator::controller::{self, Clock, Intervals, Settings};
use connect_user_operator::lead::Lead;
use connect_user_operator::metrics::Metrics;
use connect_user_operator::pace::Pace;
use connect_user_operator::policy::{Brake, Tenancy};
use connect_user_operator::resource::user::ConnectUser;
use connect_user_operator::serve::telemetry::{Format, levels, subscriber};
use connect_user_operator::user::identity::Identity;
use connect_user_operator::user::password::Password;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::search::find;
use super::{ALL, DESK, PASSWORD, TRACE, sentinel};
use crate::support::{Options, Stage};

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a careless line of code would print.
fn careless(object: &ConnectUser) -> String {
    let identity = object.spec.identity_info.as_ref().map(Identity::from);
    format!("a bug with {object:?}, {object:#?}, {identity:?} and {:?}", Password::new(PASSWORD.to_owned()))
}

struct Panicking(ConnectUser);

impl Clients for Panicking {
    fn client(&self, _: &Credentials) -> Arc<dyn Connect> {
        panic!("{}", careless(&self.0))
    }
}

#[tokio::test]
async fn a_panic_that_prints_the_object_says_nothing_personal() {
    let stage = Stage::with("redaction-panic", Options { operator: false, ..Options::default() }).await;
    let mut object = sentinel("jane", "jane.doe");
    object["spec"]["phoneNumberConfigs"] =
        json!([{ "channel": "VOICE", "phoneType": "DESK_PHONE", "phoneNumber": DESK }]);
    let careful: ConnectUser = serde_json::from_value(object).unwrap();
    assert!(careless(&careful).contains("jane.doe"), "usernames are shown");

    let (log, metrics) = (Buffer::default(), Metrics::new());
    let writer = log.clone();
    let guard =
        tracing::subscriber::set_default(subscriber(levels(Some(TRACE), false).unwrap(), Format::Json, move || {
            writer.clone()
        }));
    let settings = Settings {
        pace: Pace::unlimited(),
        client: stage.client.clone(),
        clients: Arc::new(Panicking(careful)),
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
    stage.create(&sentinel("jane", "jane.doe")).await;
    let text = || String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    let panicked = stage.eventually(|| async { text().contains("a reconcile panicked").then_some(()) }).await;
    assert!(panicked.is_some(), "{}", metrics.text());
    stop.cancel();
    running.await.unwrap();
    drop(guard);
    assert!(text().contains("a bug with"), "the panic's message is in the log");
    assert_eq!(find(&text(), &ALL), None);
}
