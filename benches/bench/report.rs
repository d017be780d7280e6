//! Figures, and whether they are as good as they are meant to be.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Goal {
    /// There is none: it is told because it is worth knowing.
    None,
    /// This much or more.
    AtLeast(f64),
    /// This much or less.
    AtMost(f64),
    /// This.
    Exactly(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> Option<bool> {
        match self {
            Self::None => None,
            Self::AtLeast(goal) => Some(value >= goal),
            Self::AtMost(goal) => Some(value <= goal),
            Self::Exactly(goal) => Some((value - goal).abs() < 1e-9),
        }
    }

    fn text(self) -> String {
        match self {
            Self::None => String::new(),
            Self::AtLeast(goal) => format!(">= {}", number(goal)),
            Self::AtMost(goal) => format!("<= {}", number(goal)),
            Self::Exactly(goal) => number(goal),
        }
    }
}

struct Figure {
    scenario: String,
    what: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

/// All figures of a run, in order.
#[derive(Default)]
pub struct Report {
    figures: Vec<Figure>,
    notes: Vec<String>,
}

impl Report {
    /// Adds a figure, and tells it at once: the run may be broken off.
    pub fn add(&mut self, scenario: &str, what: &str, value: f64, unit: &'static str, goal: Goal) {
        let is_met = goal.is_met(value).map_or("", |is_met| if is_met { "ok" } else { "MISSED" });
        eprintln!("{scenario}: {what}: {} {unit} {} {is_met}", number(value), goal.text());
        self.figures.push(Figure { scenario: scenario.to_owned(), what: what.to_owned(), value, unit, goal });
    }

    /// Adds a remark.
    pub fn note(&mut self, note: String) {
        eprintln!("{note}");
        self.notes.push(note);
    }

    /// All figures as a table in Markdown.
    pub fn table(&self) -> String {
        let mut rows = vec![["Scenario", "Measured", "Value", "Goal", ""].map(str::to_owned)];
        for Figure { scenario, what, value, unit, goal } in &self.figures {
            let is_met = goal.is_met(*value).map_or("", |is_met| if is_met { "met" } else { "**missed**" });
            let value = format!("{} {unit}", number(*value)).trim_end().to_owned();
            rows.push([scenario.clone(), what.clone(), value, goal.text(), is_met.to_owned()]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..5).map(width).collect();
        let mut table = String::new();
        for (index, row) in rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(table, "| {cell:width$} ");
            }
            table.push_str("|\n");
            if index == 0 {
                widths.iter().for_each(|width| {
                    let _ = write!(table, "|{}", "-".repeat(width + 2));
                });
                table.push_str("|\n");
            }
        }
        self.notes.iter().for_each(|note| {
            let _ = writeln!(table, "\n{note}");
        });
        table
    }

    /// Writes everything to `target/bench/<name>.json`.
    pub fn save(&self, name: &str) -> PathBuf {
        let figures: Vec<Value> = self
            .figures
            .iter()
            .map(|figure| {
                let Figure { scenario, what, value, unit, goal } = figure;
                json!({
                    "scenario": scenario, "what": what, "value": value, "unit": unit,
                    "goal": goal.text(), "met": goal.is_met(*value),
                })
            })
            .collect();
        let dir = harness::target_dir().join("bench");
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join(format!("{name}.json"));
        let run = json!({ "figures": figures, "notes": self.notes });
        std::fs::write(&file, serde_json::to_string_pretty(&run).unwrap()).unwrap();
        file
    }
}

/// With as many decimals as mean something.
fn number(value: f64) -> String {
    let decimals = if value.fract() == 0.0 || value.abs() >= 1000.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else {
        3
    };
    format!("{value:.decimals$}")
}
