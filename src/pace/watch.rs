//! Tells how a long queue gets on.

use std::time::Duration;

use tracing::info;

use super::Pace;
use super::queue::Class;

/// How often a long queue is told of.
pub const EVERY: Duration = Duration::from_secs(30);
/// Fewer than this need no telling.
const MANY: usize = 100;

impl Pace {
    /// How many calls and reconciles of a class wait.
    pub fn waiting(&self, class: Class) -> usize {
        let calls: usize = self.view().iter().filter_map(|view| view.waiting.get(&class)).sum();
        self.gate().waiting(class) + calls
    }

    /// Logs a line every so often while many wait. Never ends.
    pub async fn tell(&self, every: Duration) {
        let mut before = self.gate().done();
        loop {
            tokio::time::sleep(every).await;
            let done = self.gate().done();
            let since = done.saturating_sub(std::mem::replace(&mut before, done));
            // Only those who wait at the gate: each of them is one reconcile, as is each that is done. Those
            // inside wait for calls, of which each makes several.
            let waiting: usize = Class::ALL.into_iter().map(|class| self.gate().waiting(class)).sum();
            if waiting <= MANY {
                continue;
            }
            let rate = since as f64 / every.as_secs_f64();
            let minutes = (since > 0).then(|| (waiting as f64 / rate / 60.0).ceil());
            info!(
                done = since,
                waiting,
                rate = format_args!("{rate:.1}/s"),
                minutes_left = minutes.map_or_else(|| "unknown".to_owned(), |minutes| minutes.to_string()),
                "objects wait for their turn, since calls to Amazon Connect are bounded"
            );
        }
    }
}
