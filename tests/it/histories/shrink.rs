//! A failure as short as it gets: steps are dropped as long as what is wrong stays wrong.

use std::fmt::Write;

use serde_json::Value;

use super::step::Step;
use super::{Course, play};

/// Chance is in the product, too (jitter, the order of hash maps), so each attempt has a few tries.
const TRIES: usize = 3;

/// What went wrong, as few steps as lead there, and the course of these.
pub fn report(seed: u64, steps: &[Step], course: &Course, definitions: &[Value]) -> String {
    let (steps, shorter) = if std::env::var_os("NO_SHRINK").is_some() {
        (steps.to_vec(), None)
    } else {
        shrink(seed, steps, kind(course), definitions)
    };
    let course = shorter.as_ref().unwrap_or(course);
    let mut text = format!("\nhistory {seed} (HISTORY={seed} to replay):\n");
    for wrong in &course.wrong {
        let _ = writeln!(text, "  {wrong}");
    }
    let _ = writeln!(text, "steps:");
    for step in &steps {
        let _ = writeln!(text, "  {step:?}");
    }
    let _ = writeln!(text, "course:");
    for line in course.trace.iter().take(400) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

/// Failures of one kind have the same rule broken, by whomever.
fn kind(course: &Course) -> String {
    let first = course.wrong.first().map(String::as_str).unwrap_or_default();
    let rule = first.split_once(": ").map_or(first, |(_, rule)| rule);
    rule.chars().take(60).filter(|letter| !letter.is_numeric()).collect()
}

fn shrink(seed: u64, steps: &[Step], wanted: String, definitions: &[Value]) -> (Vec<Step>, Option<Course>) {
    let fails = |steps: &[Step]| {
        (0..TRIES)
            .map(|_| play(seed, steps, definitions))
            .find(|course| kind(course) == wanted && !course.wrong.is_empty())
    };
    let (mut best, mut found) = (steps.to_vec(), None);
    let mut size = best.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < best.len() {
            let mut shorter = best.clone();
            shorter.drain(at..(at + size).min(best.len()));
            if let Some(course) = fails(&shorter) {
                (best, found) = (shorter, Some(course));
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    (best, found)
}
