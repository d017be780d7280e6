//! One object: what it says of itself, and what happened of late.

use k8s_openapi::api::events::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, ResourceExt};
use serde::Serialize;

use super::overview::standing;
use super::screen::style;
use crate::kubectl::Error;
use crate::kubectl::cluster::{self, Cluster, Scope, instance_arn};
use crate::kubectl::terminal::table::{Cell, Column, Table};
use crate::kubectl::terminal::text::{ago, clean, pad, wrap};
use crate::kubectl::terminal::{Screen, Style};
use crate::resource::status::DriftedField;
use crate::resource::user::ConnectUser;
use crate::resource::{RECONCILE_ANNOTATION, RELEASE_ANNOTATION, SUSPEND_ANNOTATION};

/// Columns before a value.
const INDENT: usize = 16;
/// Columns before what an event says.
const NOTE: usize = 8;

/// An object in detail.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail {
    namespace: String,
    name: String,
    username: String,
    instance_arn: Option<String>,
    user_arn: Option<String>,
    reason: String,
    since: Option<Timestamp>,
    is_deleting: bool,
    generation: Option<i64>,
    observed_generation: Option<i64>,
    last_write_time: Option<String>,
    last_modified_time: Option<String>,
    policies: String,
    /// Annotations that the operator acts on.
    asks: Vec<String>,
    conditions: Vec<Said>,
    drift: Vec<DriftedField>,
    events: Vec<Happened>,
}

/// A condition.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    r#type: String,
    status: String,
    reason: String,
    since: Timestamp,
    message: String,
}

/// An event.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Happened {
    time: Option<Timestamp>,
    count: i32,
    is_warning: bool,
    reason: String,
    /// The calls that it speaks of.
    action: String,
    note: String,
}

impl Detail {
    /// Reads the object and its events.
    pub(super) async fn read(cluster: &Cluster, scope: &Scope, name: &str) -> Result<Self, Error> {
        let api: Api<ConnectUser> = cluster.api(scope);
        let user = api.get(name).await.map_err(cluster::Error::of(format!("reading ConnectUser {name}")))?;
        let (instances, _) = cluster.instances_if_allowed().await?;
        let namespace = user.namespace().unwrap_or_default();
        let about = format!("regarding.kind=ConnectUser,regarding.name={name}");
        let events: Api<Event> = Api::namespaced(cluster.client.clone(), &namespace);
        // A person may be allowed to see objects and no events: the object is shown all the same.
        let events = match events.list(&ListParams::default().fields(&about)).await {
            Ok(events) => events.items,
            Err(kube::Error::Api(status)) if status.code == 403 => Vec::new(),
            Err(error) => return Err(cluster::Error::of("listing events")(error).into()),
        };
        let mut events: Vec<_> = events.into_iter().filter(|event| is_about(event, &user)).map(happened).collect();
        events.sort_by_key(|event| std::cmp::Reverse(event.time));
        let (reason, since) = standing(&user);
        let is_deleting = user.metadata.deletion_timestamp.is_some();
        let (instance_arn, annotations) = (instance_arn(&user, &instances), user.annotations());
        let asks = [SUSPEND_ANNOTATION, RECONCILE_ANNOTATION, RELEASE_ANNOTATION]
            .into_iter()
            .filter_map(|key| Some(format!("{key}={}", annotations.get(key)?)))
            .collect();
        let spec = &user.spec;
        let mut policies = format!(
            "{:?} when deleted, {:?} an existing user, {:?} drift",
            spec.deletion_policy, spec.adoption_policy, spec.drift_policy
        )
        .to_lowercase();
        if spec.suspend {
            policies.push_str(", suspended by spec.suspend");
        }
        let status = user.status.clone().unwrap_or_default();
        let conditions = status.conditions.into_iter().map(|condition| Said {
            r#type: condition.type_,
            status: condition.status,
            reason: condition.reason,
            since: condition.last_transition_time.0,
            message: condition.message,
        });
        Ok(Self {
            namespace,
            name: user.name_any(),
            username: user.spec.username.clone(),
            instance_arn,
            user_arn: status.user_arn,
            reason,
            since,
            is_deleting,
            generation: user.metadata.generation,
            observed_generation: status.observed_generation,
            last_write_time: status.last_write_time,
            last_modified_time: status.last_modified_time,
            policies,
            asks,
            conditions: conditions.collect(),
            drift: status.drift,
            events,
        })
    }

    /// As a person reads it.
    pub(super) fn render(&self, now: Timestamp, screen: Screen) -> String {
        let mut text = String::new();
        let mut line = |head: &str, style: Style, value: &str| {
            for (at, part) in
                wrap(&clean(value), screen.width.map(|width| width.saturating_sub(INDENT))).iter().enumerate()
            {
                let head = pad(if at == 0 { head } else { "" }, INDENT);
                text.push_str(&format!(
                    "{}{}\n",
                    screen.paint(Style::Strong, head.trim_end()),
                    pad("", INDENT - head.trim_end().len()) + &screen.paint(style, part)
                ));
            }
        };
        let passed = |time: Timestamp| format!("{} ago", ago(now.duration_since(time).as_secs()));
        let moment = |time: &Option<String>| {
            let time = time.as_ref()?;
            Some(time.parse().map_or_else(
                |_| time.clone(),
                |parsed: Timestamp| format!("{}, {}", parsed.strftime("%Y-%m-%dT%H:%M:%SZ"), passed(parsed)),
            ))
        };
        line("ConnectUser", Style::Plain, &format!("{}/{}", self.namespace, self.name));
        line("Username", Style::Plain, &self.username);
        line("Instance", Style::Plain, self.instance_arn.as_deref().unwrap_or("unknown"));
        line("User", Style::Plain, self.user_arn.as_deref().unwrap_or("none yet"));
        let seen = match (self.generation, self.observed_generation) {
            (Some(now), Some(seen)) if now == seen => format!("{now}, seen by the operator"),
            (Some(now), seen) => format!(
                "{now}, of which the operator has seen {}",
                seen.filter(|seen| *seen > 0).map_or_else(|| "none".to_owned(), |seen| seen.to_string())
            ),
            (None, _) => "unknown".to_owned(),
        };
        line("Generation", Style::Plain, &seen);
        line("Policies", Style::Plain, &self.policies);
        line("Last write", Style::Plain, moment(&self.last_write_time).as_deref().unwrap_or("none"));
        if let Some(time) = moment(&self.last_modified_time) {
            line("Last change", Style::Plain, &format!("{time}, by Connect's own clock"));
        }
        if self.is_deleting {
            line("Deletion", Style::Wait, "is being deleted");
        }
        for ask in &self.asks {
            line("Asked for", Style::Wait, ask);
        }
        line("Reason", style(&self.reason), &self.reason);
        for Said { r#type, status, reason: _, since, message } in &self.conditions {
            line(r#type, Style::Plain, &format!("{status} for {}", ago(now.duration_since(*since).as_secs())));
            // Reconciling and Stalled repeat what Ready says.
            if r#type == "Ready" {
                line("", Style::Plain, message);
            }
        }
        if !self.drift.is_empty() {
            text.push_str(&format!("\n{}\n", screen.paint(Style::Strong, "Changed by others")));
            let mut table =
                Table::new([Column::text("  FIELD", 16), Column::text("DECLARED", 10), Column::text("IN CONNECT", 10)]);
            for DriftedField { field, declared, observed } in &self.drift {
                // Personal values are told by nobody.
                let none = if declared.is_none() && observed.is_none() { "(not shown)" } else { "-" };
                let shown = |value: &Option<String>| Cell::from(value.as_deref().unwrap_or(none));
                table.row([format!("  {field}").into(), shown(declared), shown(observed)]);
            }
            text.push_str(&table.render(screen));
        }
        text.push_str(&format!("\n{}\n", screen.paint(Style::Strong, "What happened of late, and the calls")));
        if self.events.is_empty() {
            text.push_str("  nothing, or events are gone: clusters keep them for an hour\n");
            return text;
        }
        for event in &self.events {
            let age = event.time.map_or_else(|| "-".to_owned(), |time| ago(now.duration_since(time).as_secs()));
            let times = if event.count > 1 { format!(", {} times", event.count) } else { String::new() };
            let style = if event.is_warning { Style::Wait } else { Style::Plain };
            let reason = screen.paint(style, &clean(&event.reason));
            let calls = screen.paint(Style::Faint, &clean(&event.action.replace(',', ", ")));
            text.push_str(&format!("  {}{reason}  {calls}{times}\n", pad(&age, 6)));
            for line in wrap(&clean(&event.note), screen.width.map(|width| width.saturating_sub(NOTE))) {
                text.push_str(&format!("{}{line}\n", " ".repeat(NOTE)));
            }
        }
        text
    }
}

/// Not of an earlier object of this name.
fn is_about(event: &Event, user: &ConnectUser) -> bool {
    let uid = event.regarding.as_ref().and_then(|regarding| regarding.uid.as_ref());
    uid.is_none() || uid == user.metadata.uid.as_ref()
}

fn happened(event: Event) -> Happened {
    let Event { series, event_time, deprecated_last_timestamp, type_, reason, action, note, .. } = event;
    let again = series.as_ref().map(|series| series.last_observed_time.0);
    Happened {
        time: again.or_else(|| event_time.map(|time| time.0)).or_else(|| deprecated_last_timestamp.map(|time| time.0)),
        count: series.map_or(1, |series| series.count),
        is_warning: type_.as_deref() == Some("Warning"),
        reason: reason.unwrap_or_default(),
        action: action.unwrap_or_default(),
        note: note.unwrap_or_default(),
    }
}
