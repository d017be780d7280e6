//! How far something is: one line that is written over on a terminal, a line now and then elsewhere.

use std::io::Write;
use std::time::{Duration, Instant};

use super::Screen;
use super::text::{clean, cut};

/// On a terminal, so that the line does not flicker.
const OFTEN: Duration = Duration::from_millis(100);
/// In a log.
const SELDOM: Duration = Duration::from_secs(10);

/// Tells how far something is on standard error.
pub(in crate::kubectl) struct Progress {
    screen: Screen,
    told: Option<Instant>,
    is_open: bool,
}

impl Progress {
    /// Nothing is told yet.
    pub(in crate::kubectl) fn new(screen: Screen) -> Self {
        Self { screen, told: None, is_open: false }
    }

    /// Tells it, unless something was told a moment ago.
    pub(in crate::kubectl) fn tell(&mut self, line: &str) {
        let pause = if self.screen.is_terminal { OFTEN } else { SELDOM };
        if self.told.is_some_and(|told| told.elapsed() < pause) {
            return;
        }
        self.told = Some(Instant::now());
        let mut err = std::io::stderr().lock();
        // Whoever closes standard error does not want to know.
        if self.screen.is_terminal {
            // The last column stays free: some terminals would break the line.
            let line = cut(&clean(line), self.screen.width.map_or(usize::MAX, |width| width.saturating_sub(1)));
            write!(err, "\r\x1b[K{line}").ok();
            err.flush().ok();
            self.is_open = true;
        } else {
            writeln!(err, "{}", clean(line)).ok();
        }
    }

    /// Tells something that stays, on a line of its own.
    pub(in crate::kubectl) fn say(&mut self, line: &str) {
        self.clear();
        writeln!(std::io::stderr(), "{line}").ok();
    }

    /// Takes the line that is written over away.
    pub(in crate::kubectl) fn clear(&mut self) {
        if self.is_open {
            let mut err = std::io::stderr().lock();
            write!(err, "\r\x1b[K").ok();
            err.flush().ok();
            self.is_open = false;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
