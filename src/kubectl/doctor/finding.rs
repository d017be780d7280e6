//! What a check has found, and what to do about it.

use serde::Serialize;

use crate::kubectl::terminal::text::{clean, pad, wrap};
use crate::kubectl::terminal::{Screen, Style};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Verdict {
    /// As it should be.
    Ok,
    /// Something to do.
    Found,
    /// It could not be told.
    NotChecked,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Finding {
    /// Kubernetes, or the ARN of an instance.
    pub(super) area: String,
    /// What was looked at.
    pub(super) check: String,
    /// How it ended.
    pub(super) verdict: Verdict,
    /// What was seen.
    pub(super) seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) advice: Option<String>,
}

/// The checks of one area.
pub(super) struct Area<'a> {
    name: String,
    into: &'a mut Vec<Finding>,
}

impl<'a> Area<'a> {
    pub(super) fn new(name: &str, into: &'a mut Vec<Finding>) -> Self {
        Self { name: name.to_owned(), into }
    }

    pub(super) fn ok(&mut self, check: &str, seen: impl Into<String>) {
        self.add(check, Verdict::Ok, seen.into(), None);
    }

    pub(super) fn found(&mut self, check: &str, seen: impl Into<String>, advice: impl Into<String>) {
        self.add(check, Verdict::Found, seen.into(), Some(advice.into()));
    }

    pub(super) fn not_checked(&mut self, check: &str, why: impl Into<String>) {
        self.add(check, Verdict::NotChecked, why.into(), None);
    }

    fn add(&mut self, check: &str, verdict: Verdict, seen: String, advice: Option<String>) {
        self.into.push(Finding { area: self.name.clone(), check: check.to_owned(), verdict, seen, advice });
    }
}

/// Columns of the first two columns.
const VERDICT: usize = 13;
const CHECK: usize = 28;

/// All of them as a person reads them.
pub(super) fn render(findings: &[Finding], screen: Screen) -> String {
    let (mut text, mut area) = (String::new(), "");
    for finding in findings {
        if finding.area != area {
            let break_ = if area.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{break_}{}\n", screen.paint(Style::Strong, &clean(&finding.area))));
            area = &finding.area;
        }
        let (word, style) = match finding.verdict {
            Verdict::Ok => ("ok", Style::Good),
            Verdict::Found => ("found", Style::Bad),
            Verdict::NotChecked => ("not checked", Style::Faint),
        };
        let mut head = format!("  {}{}", screen.paint(style, word), " ".repeat(VERDICT.saturating_sub(word.len())));
        head.push_str(&pad(&clean(&finding.check), CHECK));
        let indent = 2 + VERDICT + CHECK + 1;
        let columns = screen.width.map(|width| width.saturating_sub(indent).max(20));
        let mut lines = wrap(&clean(&finding.seen), columns).into_iter();
        text.push_str(format!("{head} {}", lines.next().unwrap_or_default()).trim_end());
        text.push('\n');
        for line in lines {
            text.push_str(&format!("{}{line}\n", " ".repeat(indent)));
        }
        for (at, line) in wrap(&clean(finding.advice.as_deref().unwrap_or_default()), columns).iter().enumerate() {
            if !line.is_empty() {
                let arrow = if at == 0 { "-> " } else { "   " };
                text.push_str(&format!(
                    "{}{}\n",
                    " ".repeat(indent - 3),
                    screen.paint(Style::Wait, &format!("{arrow}{line}"))
                ));
            }
        }
    }
    text
}
