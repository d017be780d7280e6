//! Traces tell of each reconcile and each call what is needed to find it, and nothing of a person.

use std::collections::{BTreeMap, BTreeSet};

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::IdentityInfo;
use connect_simulator::{Fault, FaultKind, UserPatch};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use serde_json::json;

use super::collector::{Collector, attributes};
use crate::redaction::{ALL, PASSWORD, TRACE, sentinel};
use crate::support::{Options, Stage, managed};

/// An operator that sends its traces there, often.
async fn traced(name: &str, collector: &Collector, options: Options) -> Stage {
    let environment = vec![
        ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), collector.endpoint.clone()),
        ("OTEL_BSP_SCHEDULE_DELAY".to_owned(), "200".to_owned()),
    ];
    Stage::with(name, Options { environment, ..options }).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attribute(span: &Span, name: &str) -> Option<String> {
    attributes(&span.attributes).remove(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_is_a_span_and_its_calls_are_its_children() {
    let collector = Collector::start().await;
    let stage = traced("traces", &collector, Options::default()).await;
    stage.simulator.inject(Fault::error_before(500, "InternalServiceException").on("CreateUser").times(1));
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    // What is left is sent when it stops.
    stage.stop_operator().await;
    let spans = collector.spans();
    assert_eq!(collector.services().into_iter().collect::<BTreeSet<_>>(), ["connect-user-operator".to_owned()].into());
    let by_id: BTreeMap<&[u8], &Span> = spans.iter().map(|span| (span.span_id.as_slice(), span)).collect();
    assert_eq!(by_id.len(), spans.len());

    let reconciles: Vec<&Span> = spans.iter().filter(|span| span.name == "reconcile").collect();
    assert!(reconciles.len() >= 2, "{spans:#?}");
    let object = format!("{}/jane", stage.namespace);
    for span in &reconciles {
        assert_eq!(attribute(span, "object").as_deref(), Some(object.as_str()));
        assert_eq!(attribute(span, "generation").as_deref(), Some("1"));
        assert!(span.parent_span_id.is_empty(), "a reconcile has no parent");
        assert!(attribute(span, "class").is_some() && attribute(span, "result").is_some(), "{span:#?}");
    }
    let reasons: BTreeSet<String> = reconciles.iter().filter_map(|span| attribute(span, "reason")).collect();
    assert_eq!(reasons, ["InSync".to_owned(), "Unavailable".to_owned()].into());

    // Every call that Amazon Connect has seen is one span, and no other.
    let calls: Vec<&Span> = spans.iter().filter(|span| span.kind == SpanKind::Client as i32).collect();
    let names = |names: Vec<String>| {
        let mut names = names;
        names.sort();
        names
    };
    let spoken = names(calls.iter().map(|span| span.name.clone()).collect());
    assert_eq!(spoken, names(stage.operations()));
    for span in &calls {
        let parent = by_id.get(span.parent_span_id.as_slice()).unwrap_or_else(|| panic!("no parent: {span:#?}"));
        assert!(["reconcile", "sweep", "search"].contains(&parent.name.as_str()), "{parent:#?}");
        assert_eq!(parent.trace_id, span.trace_id);
        assert!(span.start_time_unix_nano >= parent.start_time_unix_nano);
        assert!(span.end_time_unix_nano <= parent.end_time_unix_nano);
        assert_eq!(attribute(span, "operation").as_deref(), Some(span.name.as_str()));
        assert_eq!(attribute(span, "region").as_deref(), Some(m::REGION));
        assert!(attribute(span, "waited_ms").is_some_and(|millis| millis.parse::<u64>().is_ok()));
        assert!(attribute(span, "request_id").is_some_and(|id| !id.is_empty()), "{span:#?}");
    }
    let creations: Vec<String> =
        calls.iter().filter(|span| span.name == "CreateUser").filter_map(|span| attribute(span, "code")).collect();
    assert_eq!(
        creations.into_iter().collect::<BTreeSet<_>>(),
        ["InternalServiceException", "OK"].map(str::to_owned).into()
    );
    let failed = calls.iter().find(|span| attribute(span, "code").is_some_and(|code| code != "OK")).unwrap();
    assert_eq!(failed.status.as_ref().unwrap().code, StatusCode::Error as i32);
    assert!(failed.status.as_ref().unwrap().message.is_empty(), "AWS's words may repeat what they were given");
    for span in &spans {
        assert!(span.events.is_empty(), "lines of the log are no part of traces: {span:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_log_have_the_id_of_their_trace_while_traces_are_on() {
    let collector = Collector::start().await;
    for (name, format, levels) in [
        ("traces-text", "text", "info,connect_user_operator=debug"),
        // Without spans in the log there is still the trace.
        ("traces-json", "json", "info,connect_user_operator::controller::reconcile=warn"),
    ] {
        let values = json!({ "operator": { "logFormat": format } });
        let stage = traced(name, &collector, Options { values, rust_log: levels, ..Options::default() }).await;
        stage.simulator.inject(Fault::error_before(500, "InternalServiceException").on("CreateUser").times(1));
        stage.create(&managed("jane", "jane.doe")).await;
        stage.ready("jane").await;
        stage.stop_operator().await;
        let log = stage.operator_log();
        let object = format!("{}/jane", stage.namespace);
        let of_jane = |span: &&Span| attribute(span, "object").as_deref() == Some(object.as_str());
        let traces: BTreeSet<String> =
            collector.spans().iter().filter(of_jane).map(|span| hex(&span.trace_id)).collect();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("call to amazon connect failed")).collect();
        assert!(!lines.is_empty(), "{log}");
        for line in lines {
            let id = match format {
                "json" => {
                    let line: serde_json::Value = serde_json::from_str(line).unwrap();
                    assert_eq!(line["message"], "call to amazon connect failed");
                    line["trace_id"].as_str().unwrap().to_owned()
                }
                _ => line.rsplit_once("trace_id=").unwrap_or_else(|| panic!("{line}")).1.to_owned(),
            };
            assert!(traces.contains(&id), "{id} is none of {traces:?}");
        }
        assert!(log.lines().any(|line| line.contains("starting") && !line.contains("trace_id")), "{log}");
    }
    let stage = Stage::new("traces-off").await;
    stage.create(&managed("jane", "jane.doe")).await;
    stage.ready("jane").await;
    assert!(!stage.operator_log().contains("trace_id"), "traces are off by default");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_in_a_trace() {
    let collector = Collector::start().await;
    let stage = traced("traces-redaction", &collector, Options { rust_log: TRACE, ..Options::default() }).await;
    stage.secret("sentinel", "password", PASSWORD).await;
    stage.administrator();
    stage.create(&sentinel("jane", "jane.doe")).await;
    stage.ready("jane").await;
    // Answers that repeat all they were given, a code that is none, and what somebody has typed into the console.
    let message = format!("Value {}", ALL.join(" "));
    let refused = FaultKind::ErrorBeforeEffect { status: 400, code: ALL[0].to_owned(), message: message.clone() };
    stage.simulator.inject(Fault::new(refused).on("CreateUser").times(1));
    stage.create(&sentinel("john", "john.roe")).await;
    stage.ready("john").await;
    for (code, status) in [("InvalidParameterException", 400), (ALL[3], 400), ("AccessDeniedException", 403)] {
        let kind = FaultKind::ErrorBeforeEffect { status, code: code.to_owned(), message: message.clone() };
        stage.simulator.inject(Fault::new(kind).on("UpdateUserIdentityInfo").times(1));
    }
    stage.edit("jane", json!({ "identityInfo": { "mobile": null } })).await;
    stage.ready("jane").await;
    let identity = IdentityInfo { first_name: Some(ALL[2].to_owned()), ..IdentityInfo::default() };
    stage.console("jane.doe", UserPatch { identity_info: Some(identity), ..UserPatch::default() });
    stage.annotate("jane", "contactops.dev/reconcile-requested-at", "now").await;
    stage.event("jane", "DriftCorrected").await;
    stage.delete("jane").await;
    stage.gone("jane").await;
    stage.stop_operator().await;

    let (bytes, spans) = (collector.bytes(), collector.spans());
    let codes: BTreeSet<String> = spans.iter().filter_map(|span| attribute(span, "code")).collect();
    assert!(codes.contains("Unreadable") && codes.contains("InvalidParameterException"), "{codes:?}");
    for name in ["CreateUser", "UpdateUserIdentityInfo", "DescribeUser", "DeleteUser"] {
        assert!(spans.iter().any(|span| span.name == name), "no {name}");
    }
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    for value in ALL {
        assert!(!text.contains(&value.to_lowercase()), "{value} is in a trace");
    }
    // The way that it is looked for does find what is there.
    assert!(text.contains("updateuseridentityinfo") && text.contains(&format!("{}/jane", stage.namespace)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_does_not_answer_is_told_once_and_holds_nobody_up() {
    let environment = vec![
        // Nothing listens there.
        ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), "http://127.0.0.1:9".to_owned()),
        ("OTEL_BSP_SCHEDULE_DELAY".to_owned(), "50".to_owned()),
    ];
    let stage = Stage::with("traces-lost", Options { environment, ..Options::default() }).await;
    for name in ["jane", "john"] {
        stage.create(&managed(name, name)).await;
        stage.ready(name).await;
    }
    let said = || stage.operator_log().matches("the collector does not take traces").count();
    assert!(stage.eventually(|| async { (said() > 0).then_some(()) }).await.is_some(), "{}", stage.operator_log());
    stage.edit("jane", json!({ "tags": { "team": "support" } })).await;
    stage.ready("jane").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(said(), 1, "{}", stage.operator_log());
    let begun = std::time::Instant::now();
    stage.stop_operator().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn a_collector_that_cannot_be_reached_this_way_is_refused_at_the_start() {
    for (name, value, said) in [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4318", "plain http"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_connect-user-operator"))
            .args(["run", "--listen", "127.0.0.1:0"])
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
            .env(name, value)
            .env("KUBECONFIG", "/nonexistent")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(said) && text.contains(name), "{text}");
    }
}

/// Two providers of rustls would make it panic at the first connection, and a second TLS stack has its own certificates.
#[test]
fn what_sends_traces_brings_no_tls_of_its_own() {
    let tree = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--offline", "--locked", "--prefix", "none", "--edges", "normal,build", "--format", "{p}"])
        .args(["--package", "connect-user-operator"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let crates: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("opentelemetry-otlp") && crates.contains("aws-lc-rs"), "{tree}");
    for alien in ["ring", "native-tls", "openssl", "openssl-sys", "reqwest", "tonic"] {
        assert!(!crates.contains(alien), "{alien} is in the program");
    }
}
