//! Every metric is documented, every documented one is exported, and labels stay within bounds under load.

use std::collections::{BTreeMap, BTreeSet};

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, FaultKind, UserPatch};
use serde_json::json;

use super::exposition::{documented, families, sample};
use crate::support::{Options, Stage, managed};

/// The body of an answer.
fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

/// Users come, are changed by people, fail and go; some calls are throttled, one object has no instance.
async fn a_day(stage: &Stage) {
    stage.administrator();
    stage.simulator.inject(Fault::new(FaultKind::Throttle).on("CreateUser").times(1));
    for number in 0..8 {
        stage.create(&managed(&format!("agent-{number}"), &format!("agent-{number}"))).await;
    }
    let mut reported = managed("reported", "reported");
    reported["spec"]["driftPolicy"] = json!("Report");
    stage.create(&reported).await;
    let mut broken = managed("broken", "broken");
    broken["spec"].as_object_mut().unwrap().remove("routingProfileArn");
    broken["spec"]["routingProfileName"] = json!("No Such Profile");
    stage.create(&broken).await;
    let mut lost = managed("lost", "lost");
    lost["spec"].as_object_mut().unwrap().remove("instanceArn");
    for (by_arn, by_name, value) in [
        ("routingProfileArn", "routingProfileName", json!("Basic Routing Profile")),
        ("securityProfileArns", "securityProfileNames", json!(["Agent"])),
    ] {
        if lost["spec"].as_object_mut().unwrap().remove(by_arn).is_some() {
            lost["spec"][by_name] = value;
        }
    }
    lost["spec"]["instanceRef"] = json!({ "name": "no-such-instance" });
    stage.create(&lost).await;
    for number in 0..8 {
        stage.ready(&format!("agent-{number}")).await;
    }
    stage.ready("reported").await;
    stage.reason("broken", "ReferenceNotFound").await;

    // Past what may count as a change of our own.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let night = || UserPatch { routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()), ..UserPatch::default() };
    stage.console("agent-1", night());
    stage.console("reported", night());
    stage.event("agent-1", "DriftCorrected").await;
    stage.reason("reported", "Drifted").await;
    stage.edit("agent-2", json!({ "tags": { "team": "support" } })).await;
    stage.ready("agent-2").await;
    stage.delete("agent-3").await;
    stage.gone("agent-3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_at_work_exports_is_what_is_documented() {
    let options = Options { resync: "2s", sweep: "1s", ..Options::default() };
    let stage = Stage::with("metrics", options).await;
    a_day(&stage).await;
    let answer = stage.get_from_operator("/metrics").await;
    let text = body(&answer);
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(!text.contains("agent-") && !text.contains("broken"), "names of objects are no labels: {text}");
    assert!(!text.contains(&stage.namespace), "namespaces are no labels: {text}");

    let (exported, documented) = (families(text), documented());
    let names = |families: &super::exposition::Families| families.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&exported), names(&documented), "docs/metrics.md is not what is exported");
    for (name, family) in &exported {
        // Each has been seen with all of its labels: no family is empty after such a day.
        assert_eq!(family, &documented[name], "docs/metrics.md has {name} otherwise");
    }

    let values: BTreeMap<String, f64> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series.to_owned(), value.parse().unwrap()))
        .collect();
    let sum = |name: &str, wanted: &[(&str, &str)]| -> f64 {
        let matching = values.iter().filter(|(series, _)| {
            let (found, labels) = sample(&format!("{series} "));
            found == name && wanted.iter().all(|(label, value)| labels.get(*label).is_some_and(|found| found == value))
        });
        matching.map(|(_, value)| value).sum()
    };
    let calls = "connect_user_operator_aws_calls_total";
    let code = "TooManyRequestsException";
    assert_eq!(sum(calls, &[("operation", "CreateUser"), ("result", "throttled"), ("code", code)]), 1.0, "{text}");
    assert_eq!(sum(calls, &[("operation", "CreateUser"), ("code", "OK"), ("region", m::REGION)]), 9.0, "{text}");
    assert_eq!(sum("connect_user_operator_aws_throttles_total", &[("operation", "CreateUser")]), 1.0, "{text}");
    let told = |reason| sum("connect_user_operator_events_total", &[("connect_instance", m::ID), ("reason", reason)]);
    assert_eq!(told("UserCreated"), 9.0, "{text}");
    assert_eq!(told("UserDeleted"), 1.0, "{text}");
    // Told from the beginning, or the first would be no increase.
    let retained =
        format!("connect_user_operator_events_total{{connect_instance=\"{}\",reason=\"UserRetained\"}}", m::ID);
    assert_eq!(values.get(&retained), Some(&0.0), "{text}");
    assert!(told("DriftCorrected") >= 1.0 && told("DriftDetected") == 1.0, "{text}");
    let reason = |reason| [("connect_instance", m::ID), ("reason", reason)];
    assert!(sum("connect_user_operator_oldest_not_ready_seconds", &reason("ReferenceNotFound")) >= 2.0, "{text}");
    assert_eq!(sum("connect_user_operator_oldest_not_ready_seconds", &reason("InSync")), 0.0, "{text}");
    let unknown = [("connect_instance", "unknown")];
    assert_eq!(sum("connect_user_operator_objects", &unknown), 1.0, "{text}");
    assert_eq!(sum("connect_user_operator_leader", &[]), 1.0);
    assert_eq!(sum("connect_user_operator_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    assert_eq!(sum("controller_runtime_reconcile_errors_total", &[]), 0.0, "{text}");
    let reconciles = sum("controller_runtime_reconcile_total", &[("controller", "connectuser")]);
    let timed = sum("controller_runtime_reconcile_time_seconds_count", &[("controller", "connectuser")]);
    assert!(reconciles >= 12.0 && timed == reconciles, "{text}");
    assert!(sum("rest_client_requests_total", &[("code", "200"), ("method", "PATCH")]) >= 20.0, "{text}");
    assert!(sum("process_resident_memory_bytes", &[]) > 1e6 && sum("process_open_fds", &[]) > 5.0, "{text}");
}

/// Whoever may declare a user may name any instance.
#[tokio::test(flavor = "multi_thread")]
async fn instances_that_people_invent_make_no_more_than_so_many_labels() {
    let stage = Stage::with("metrics-bounds", Options { rate_limit: Some("*=10000"), ..Options::default() }).await;
    for number in 0..130 {
        let mut object = managed(&format!("invented-{number}"), "invented");
        let arn = m::ARN.replace(m::ID, &format!("66666666-6666-4666-8666-{number:012}"));
        let text = serde_json::to_string(&object["spec"]).unwrap().replace(m::ARN, &arn);
        object["spec"] = serde_json::from_str(&text).unwrap();
        object["spec"]["suspend"] = json!(true);
        stage.create(&object).await;
    }
    let told = stage.eventually(|| async {
        let answer = stage.get_from_operator("/metrics").await;
        let mut instances: BTreeMap<String, f64> = BTreeMap::new();
        for line in body(&answer).lines().filter(|line| line.starts_with("connect_user_operator_objects{")) {
            let (_, labels) = sample(line);
            let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            *instances.entry(labels["connect_instance"].clone()).or_default() += value;
        }
        (instances.values().sum::<f64>() as i64 == 130).then_some(instances)
    });
    let told = told.await.unwrap();
    assert_eq!(told.len(), 101, "{told:?}");
    assert_eq!(told["other"] as i64, 30, "{told:?}");
}
