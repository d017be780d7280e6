//! The overview as a person reads it.

use k8s_openapi::jiff::Timestamp;

use super::overview::{InstanceView, NOT_SEEN, Overview};
use super::quota::Quota;
use crate::kubectl::terminal::table::{Cell, Column, Table};
use crate::kubectl::terminal::text::{ago, clean, count, wrap};
use crate::kubectl::terminal::{Screen, Style};
use crate::resource::condition::Reason;

/// Objects of a list that are shown; whoever wants all takes -o json.
const MOST: usize = 20;

/// The whole screen.
pub(super) fn render(overview: &Overview, now: Timestamp, screen: Screen) -> String {
    let mut parts: Vec<String> =
        overview.instances.iter().map(|instance| self::instance(instance, now, screen)).collect();
    if overview.instances.is_empty() {
        parts.push(match &overview.namespace {
            Some(namespace) => format!("No ConnectUsers in namespace {namespace}; -A looks into all namespaces.\n"),
            None => "No ConnectUsers and no ConnectInstances in this cluster.\n".to_owned(),
        });
    }
    parts.extend(waiting(overview, now, screen));
    parts.extend(drifted(overview, screen));
    parts.extend(overview.quota.as_ref().and_then(|quota| self::quota(quota, screen)));
    parts.extend(overview.notes.iter().map(|note| {
        let lines = wrap(&clean(&format!("Note: {note}")), screen.width);
        lines.iter().map(|line| format!("{}\n", screen.paint(Style::Faint, line))).collect()
    }));
    parts.join("\n")
}

/// How a reason looks.
pub(super) fn style(reason: &str) -> Style {
    match Reason::ALL.into_iter().find(|known| known.as_str() == reason) {
        Some(Reason::InSync) => Style::Good,
        Some(reason) if reason.is_failure() => Style::Bad,
        Some(_) => Style::Wait,
        None if reason == NOT_SEEN => Style::Wait,
        None => Style::Plain,
    }
}

fn since(since: Option<Timestamp>, now: Timestamp) -> String {
    since.map_or_else(|| "-".to_owned(), |since| ago(now.duration_since(since).as_secs()))
}

fn instance(view: &InstanceView, now: Timestamp, screen: Screen) -> String {
    let arn = if view.instance_arn.is_empty() { "(instance unknown)" } else { &view.instance_arn };
    let mut text = format!("{}\n", screen.paint(Style::Strong, &clean(arn)));
    let mut facts = Vec::new();
    if !view.connect_instances.is_empty() {
        facts.push(format!("ConnectInstance {}", view.connect_instances.join(", ")));
    }
    facts.extend(view.identity_management_type.clone());
    if let Some(time) = view.last_sweep_time.as_deref().and_then(|time| time.parse::<Timestamp>().ok()) {
        facts.push(format!("last sweep {} ago", since(Some(time), now)));
    }
    facts.extend(view.unmanaged.map(|unmanaged| format!("{unmanaged} unmanaged users")));
    facts.push(format!("{} held", count(view.held, "deletion")));
    for line in wrap(&clean(&facts.join(", ")), screen.width.map(|width| width.saturating_sub(2))) {
        text.push_str(&format!("  {line}\n"));
    }
    // What is in order needs no words.
    if let (Some(reason), Some(message)) = (&view.reason, &view.message)
        && reason != Reason::InSync.as_str()
    {
        let told = format!("{reason}: {message}");
        for line in wrap(&clean(&told), screen.width.map(|width| width.saturating_sub(2))) {
            text.push_str(&format!("  {}\n", screen.paint(style(reason), &line)));
        }
    }
    let mut table = Table::new([Column::whole("  REASON"), Column::number("OBJECTS"), Column::number("LONGEST")]);
    let mut reasons: Vec<_> = view.reasons.iter().collect();
    reasons.sort_by_key(|(reason, of)| (std::cmp::Reverse(of.objects), (*reason).clone()));
    for (reason, of) in reasons {
        let name = Cell::new(style(reason), format!("  {reason}"));
        table.row([name, of.objects.to_string().into(), since(of.since, now).into()]);
    }
    if view.objects > 0 {
        text.push_str(&table.render(screen));
    }
    text
}

fn waiting(overview: &Overview, now: Timestamp, screen: Screen) -> Option<String> {
    let all = &overview.waiting;
    if all.is_empty() {
        return None;
    }
    let mut table = Table::new([
        Column::text("  NAMESPACE", 12),
        Column::text("NAME", 12),
        Column::text("USERNAME", 12).optional(),
        Column::whole("REASON"),
        Column::number("FOR"),
        Column::text("MESSAGE", 24).optional(),
    ]);
    for view in all.iter().take(MOST) {
        let reason = Cell::new(if view.is_stalled { Style::Bad } else { style(&view.reason) }, &view.reason);
        table.row([
            format!("  {}", view.namespace).into(),
            view.name.as_str().into(),
            view.username.as_str().into(),
            reason,
            since(view.since, now).into(),
            view.message.as_str().into(),
        ]);
    }
    let title = format!("Not as declared, or going ({})", count(all.len(), "object"));
    Some(format!("{}\n{}{}", screen.paint(Style::Strong, &title), table.render(screen), rest(all.len(), screen)))
}

fn drifted(overview: &Overview, screen: Screen) -> Option<String> {
    let all = &overview.drifted;
    if all.is_empty() {
        return None;
    }
    let mut table =
        Table::new([Column::text("  NAMESPACE", 12), Column::text("NAME", 12), Column::text("FIELDS THAT DIFFER", 24)]);
    for view in all.iter().take(MOST) {
        table.row([format!("  {}", view.namespace).into(), view.name.as_str().into(), view.fields.join(", ").into()]);
    }
    let title = format!("Changed by others and left so ({})", count(all.len(), "object"));
    Some(format!("{}\n{}{}", screen.paint(Style::Strong, &title), table.render(screen), rest(all.len(), screen)))
}

fn rest(all: usize, screen: Screen) -> String {
    match all.saturating_sub(MOST) {
        0 => String::new(),
        more => format!("{}\n", screen.paint(Style::Faint, &format!("  and {more} more; -o json has them all"))),
    }
}

fn quota(quota: &Quota, screen: Screen) -> Option<String> {
    if quota.operations.is_empty() {
        return None;
    }
    let mut table = Table::new([
        Column::whole("  OPERATION"),
        Column::number("ALLOWED"),
        Column::number("USED"),
        Column::number("CALLS"),
        Column::number("THROTTLED").optional(),
        Column::number("FAILED").optional(),
    ]);
    for (operation, view) in &quota.operations {
        let used = view.used().map_or_else(|| "-".to_owned(), |used| format!("{used}%"));
        let warned = |count: u64, style| Cell::new(if count > 0 { style } else { Style::Plain }, count.to_string());
        table.row([
            format!("  {operation}").into(),
            view.rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}/s")).into(),
            used.into(),
            view.calls.to_string().into(),
            warned(view.throttled, Style::Wait),
            warned(view.failed, Style::Bad),
        ]);
    }
    let mut waiting: Vec<_> = quota
        .waiting
        .iter()
        .filter(|(_, count)| **count > 0)
        .map(|(class, count)| format!("{count} {class}"))
        .collect();
    if waiting.is_empty() {
        waiting.push("nothing".to_owned());
    }
    let title = screen.paint(Style::Strong, "Quota, and calls since the operator began");
    Some(format!("{title}\n{}  Waiting for a turn: {}\n", table.render(screen), waiting.join(", ")))
}
