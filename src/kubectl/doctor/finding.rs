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

/// Checks that ended alike and have nothing else to say stand together: what is to be done is not lost among them.
fn grouped(findings: &[Finding]) -> Vec<Finding> {
    let is_alike = |a: &Finding, b: &Finding| {
        a.advice.is_none() && (&a.area, a.verdict, &a.seen, &a.advice) == (&b.area, b.verdict, &b.seen, &b.advice)
    };
    let group = |alike: &[Finding]| match alike {
        [first, _, _, ..] => {
            let names: Vec<_> = alike.iter().map(|finding| finding.check.as_str()).collect();
            let seen = if first.seen.is_empty() { String::new() } else { format!(": {}", first.seen) };
            let seen = format!("{} checks: {}{seen}", alike.len(), names.join(", "));
            vec![Finding { check: String::new(), seen, ..first.clone() }]
        }
        few => few.to_vec(),
    };
    findings.chunk_by(is_alike).flat_map(group).collect()
}

/// Columns of the first two columns.
const VERDICT: usize = 13;
const CHECK: usize = 28;

/// All of them as a person reads them.
pub(super) fn render(findings: &[Finding], screen: Screen) -> String {
    let (mut text, mut area) = (String::new(), String::new());
    for finding in grouped(findings) {
        if finding.area != area {
            let blank = if area.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{blank}{}\n", screen.paint(Style::Strong, &clean(&finding.area))));
            area = finding.area.clone();
        }
        let (word, style) = match finding.verdict {
            Verdict::Ok => ("ok", Style::Good),
            Verdict::Found => ("found", Style::Bad),
            Verdict::NotChecked => ("not checked", Style::Faint),
        };
        let mut head = format!("  {}{}", screen.paint(style, word), " ".repeat(VERDICT.saturating_sub(word.len())));
        let mut indent = 2 + VERDICT;
        // Several together are no name beside which there would be room.
        if !finding.check.is_empty() {
            head.push_str(&format!("{} ", pad(&clean(&finding.check), CHECK)));
            indent += CHECK + 1;
        }
        let columns = screen.width.map(|width| width.saturating_sub(indent).max(20));
        let mut lines = wrap(&clean(&finding.seen), columns).into_iter();
        text.push_str(format!("{head}{}", lines.next().unwrap_or_default()).trim_end());
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
