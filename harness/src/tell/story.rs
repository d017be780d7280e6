//! How a story is told: headings, commands, what they answered, and what came of them.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Something that did not happen.
#[derive(Debug)]
pub struct Failure {
    /// What should have happened.
    pub expected: String,
    /// What was seen instead.
    pub seen: String,
}

impl Failure {
    #[allow(clippy::needless_pass_by_value, reason = "so that it can end a map_err")]
    /// What should have happened, and what was seen instead.
    pub fn new(expected: impl Into<String>, seen: impl ToString) -> Self {
        Self { expected: expected.into(), seen: seen.to_string() }
    }
}

/// Tells the story on stdout.
#[derive(Debug)]
pub struct Story {
    name: &'static str,
    colour: bool,
    began: Instant,
    chapters: usize,
    facts: usize,
}

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const CYAN: &str = "36";

impl Story {
    /// `name` is what has failed if it does, such as "demo".
    pub fn new(name: &'static str) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            name,
            colour: std::io::stdout().is_terminal() && !no_colour && !dumb,
            began: Instant::now(),
            chapters: 0,
            facts: 0,
        }
    }

    /// A heading.
    pub fn chapter(&mut self, title: &str) {
        self.chapters += 1;
        let title = format!("{}. {title}", self.chapters);
        self.line(&format!("\n{}", self.paint(BOLD, &title)));
    }

    /// A sentence about what comes now.
    pub fn say(&self, text: &str) {
        self.line(&format!("  {}", self.paint(DIM, text)));
    }

    /// A command as a person would type it.
    pub fn command(&self, text: &str) {
        self.line(&format!("  {}", self.paint(CYAN, &format!("$ {text}"))));
    }

    /// What a command printed.
    pub fn output(&self, text: &str) {
        for line in text.lines() {
            self.line(&format!("    {line}"));
        }
    }

    /// Something that was seen to have happened, and how long it took.
    pub fn fact(&mut self, text: &str, since: Instant) {
        self.facts += 1;
        let (tick, took) = (self.paint(GREEN, "✓"), seconds(since.elapsed()));
        self.line(&format!("  {tick} {text} {}", self.paint(DIM, &format!("({took})"))));
    }

    /// How it went wrong.
    pub fn failure(&self, failure: &Failure) {
        self.line(&format!("  {} it did not happen", self.paint(RED, "✗")));
        for (what, text) in [("expected", &failure.expected), ("seen", &failure.seen)] {
            self.line(&format!("    {what}:"));
            text.lines().for_each(|line| self.line(&format!("      {line}")));
        }
    }

    /// A line of its own.
    pub fn line(&self, text: &str) {
        // `make demo | head` is no reason to panic.
        let _ = writeln!(std::io::stdout(), "{text}");
    }

    /// The last line.
    pub fn end(&self, good: bool) {
        let took = seconds(self.began.elapsed());
        let text = match good {
            true => self.paint(GREEN, &format!("All {} facts were seen, {took}.", self.facts)),
            false => self.paint(RED, &format!("The {} failed after {} facts, {took}.", self.name, self.facts)),
        };
        self.line(&format!("\n{text}"));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// A command line that a shell would read as these words.
pub fn shell(words: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    let quote = |word: &&str| match !word.is_empty() && word.chars().all(plain) {
        true => (*word).to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_can_be_pasted_into_a_shell() {
        assert_eq!(shell(&["kubectl", "get", "-n", "a"]), "kubectl get -n a");
        assert_eq!(shell(&["-p", r#"{"a":"b c"}"#]), r#"-p '{"a":"b c"}'"#);
        assert_eq!(shell(&["it's", ""]), r"'it'\''s' ''");
    }

    #[test]
    fn without_a_terminal_there_is_no_colour() {
        let mut story = Story::new("test");
        story.colour = false;
        assert_eq!(story.paint(RED, "x"), "x");
        story.colour = true;
        assert_eq!(story.paint(RED, "x"), "\x1b[31mx\x1b[0m");
    }
}
