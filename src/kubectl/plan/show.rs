//! The plan for people: on a terminal, and as a comment of a pull request.

use std::fmt::Write;
use std::time::Duration;

use super::super::import::read::duration;
use super::super::lint::count;
use super::super::terminal::text::{clean, wrap};
use super::super::terminal::{Screen, Style};
use super::decide::{Action, Change, is_mark};
use super::{Cost, Entry, Mistake, Report};

/// Objects of which a comment tells every field; more would not fit into one.
const TOLD: usize = 200;

fn sign(action: Action) -> (&'static str, Style, &'static str) {
    match action {
        Action::Create => ("+", Style::Good, "create"),
        Action::Adopt => ("<", Style::Wait, "adopt"),
        Action::Update => ("~", Style::Wait, "change"),
        Action::Nothing => (" ", Style::Faint, "as declared"),
        Action::Wait => ("=", Style::Faint, "wait"),
        Action::Refuse => ("!", Style::Bad, "refuse"),
        Action::Delete => ("-", Style::Bad, "delete"),
        Action::Release => ("-", Style::Wait, "let go"),
    }
}

/// From what to what, in words.
fn values(change: &Change) -> (String, String) {
    let said = |value: &Option<String>| value.as_deref().map_or_else(|| "(none)".to_owned(), clean);
    if change.hidden {
        ("(personal)".to_owned(), "(personal)".to_owned())
    } else {
        (said(&change.from), said(&change.to))
    }
}

/// For a terminal: what is as declared is counted and not listed.
pub(super) fn text(report: &Report, screen: Screen) -> String {
    let mut shown = String::new();
    for Mistake { file, line, column, message } in &report.mistakes {
        let place = screen.paint(Style::Strong, &clean(&format!("{file}:{line}:{column}:")));
        line_to(&mut shown, &format!("{place} {} {}", screen.paint(Style::Bad, "error:"), clean(message)));
    }
    for entry in report.users.iter().filter(|entry| entry.decision.action != Action::Nothing) {
        one(entry, screen, &mut shown);
    }
    for note in &report.notes {
        line_to(&mut shown, &clean(note));
    }
    if !shown.is_empty() {
        shown.push('\n');
    }
    for line in wrap(&summary(report), screen.width) {
        line_to(&mut shown, &screen.paint(Style::Strong, &line));
    }
    for line in wrap(&price(&report.cost), screen.width) {
        line_to(&mut shown, &line);
    }
    shown
}

fn line_to(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn one(entry: &Entry, screen: Screen, shown: &mut String) {
    let Entry { object, username, decision, .. } = entry;
    let (sign, style, verb) = sign(decision.action);
    let name = screen.paint(Style::Strong, &clean(username));
    line_to(shown, &format!("{} {name} ({}): {}", screen.paint(style, sign), clean(object), screen.paint(style, verb)));
    let indent = "    ";
    let room = screen.width.map(|width| width.saturating_sub(indent.len()).max(20));
    if let Some(note) = &decision.note {
        let reason = decision.reason.map(|reason| format!("{reason}: ")).unwrap_or_default();
        for line in wrap(&clean(&format!("{reason}{note}")), room) {
            line_to(shown, &format!("{indent}{line}"));
        }
    }
    for change in decision.changes.iter().filter(|change| !is_mark(change)) {
        let field = clean(&change.field);
        let (from, to) = values(change);
        let line = match (change.hidden, decision.action) {
            (true, _) => format!("{indent}{field}: {}", screen.paint(Style::Faint, "(personal)")),
            (false, Action::Create) => format!("{indent}{field}: {}", screen.paint(Style::Good, &to)),
            (false, _) => {
                format!("{indent}{field}: {} -> {}", screen.paint(Style::Bad, &from), screen.paint(Style::Good, &to))
            }
        };
        line_to(shown, &line);
    }
    if !decision.calls.is_empty() {
        for line in wrap(&format!("calls {}", decision.calls.join(", ")), room) {
            line_to(shown, &format!("{indent}{}", screen.paint(Style::Faint, &line)));
        }
    }
}

/// One line: how many users of which fate.
fn summary(report: &Report) -> String {
    let number = |action| report.summary.get(&action).copied().unwrap_or_default();
    let words = [
        (Action::Create, "to create"),
        (Action::Adopt, "to adopt"),
        (Action::Update, "to change"),
        (Action::Wait, "waiting"),
        (Action::Refuse, "refused"),
        (Action::Nothing, "as declared"),
    ];
    let mut parts: Vec<String> = words.iter().map(|(action, words)| format!("{} {words}", number(*action))).collect();
    // Only where the person asked what would go.
    let going = [(Action::Delete, "to delete"), (Action::Release, "to let go")].into_iter();
    parts.extend(
        going.filter(|(action, _)| number(*action) > 0).map(|(action, words)| format!("{} {words}", number(action))),
    );
    if !report.mistakes.is_empty() {
        parts.push(count(report.mistakes.len(), "mistake"));
    }
    format!("{}: {}", count(report.users.len(), "user"), parts.join(", "))
}

/// What it costs.
fn price(cost: &Cost) -> String {
    let total: u64 = cost.calls.values().sum();
    if total == 0 {
        return "No write calls to Amazon Connect.".to_owned();
    }
    let calls: Vec<String> = cost.calls.iter().map(|(operation, calls)| format!("{calls} {operation}")).collect();
    let time = if cost.seconds == 0 {
        "at once, within the bursts of the account's quota".to_owned()
    } else {
        format!("at least {} at the account's quota", duration(Duration::from_secs(cost.seconds)))
    };
    format!(
        "Cost: {} ({}), {time}.",
        count(usize::try_from(total).unwrap_or(usize::MAX), "write call"),
        calls.join(", ")
    )
}

/// For the comment of a pull request.
pub(super) fn markdown(report: &Report) -> String {
    let mut text = format!("### Amazon Connect users\n\n**{}**\n\n{}\n", summary(report), price(&report.cost));
    let cell =
        |text: &str| clean(text).replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('`', "'");
    if !report.mistakes.is_empty() {
        text.push_str("\n| Where | Mistake |\n|---|---|\n");
        for Mistake { file, line, column: _, message } in &report.mistakes {
            writeln!(text, "| `{}:{line}` | {} |", cell(file), cell(message)).ok();
        }
    }
    let told: Vec<&Entry> = report.users.iter().filter(|entry| entry.decision.action != Action::Nothing).collect();
    if !told.is_empty() {
        text.push_str("\n| User | Object | What | Field | From | To |\n|---|---|---|---|---|---|\n");
    }
    for Entry { object, username, decision, .. } in told.iter().take(TOLD) {
        let (_, _, verb) = sign(decision.action);
        let begin = format!("| `{}` | `{}` | {verb} |", cell(username), cell(object));
        let note = decision.note.as_deref().map(|note| {
            let reason = decision.reason.map(|reason| format!("{reason}: ")).unwrap_or_default();
            cell(&format!("{reason}{note}"))
        });
        let changes: Vec<&Change> = decision.changes.iter().filter(|change| !is_mark(change)).collect();
        if note.is_some() || changes.is_empty() {
            writeln!(text, "{begin} {} | | |", note.unwrap_or_default()).ok();
        }
        for change in changes {
            let (from, to) = values(change);
            writeln!(text, "{begin} `{}` | {} | {} |", cell(&change.field), cell(&from), cell(&to)).ok();
        }
    }
    if told.len() > TOLD {
        writeln!(text, "\n… and {} more.", count(told.len() - TOLD, "user")).ok();
    }
    for note in &report.notes {
        writeln!(text, "\n{}", clean(note)).ok();
    }
    text
}
