//! Tells how a long queue gets on.

use std::time::Duration;

use tracing::info;

use super::Pace;
use super::queue::Class;

/// How often.
const EVERY: Duration = Duration::from_secs(30);
/// Fewer than this need no telling.
const MANY: usize = 100;

impl Pace {
    /// How many calls and reconciles of a class wait.
    pub fn waiting(&self, class: Class) -> usize {
        let calls: usize = self.view().iter().filter_map(|view| view.waiting.get(&class)).sum();
        self.gate().waiting(class) + calls
    }

    /// Logs a line every half a minute while many wait. Never ends.
    pub async fn tell(&self) {
        let mut before = self.gate().done();
        loop {
            tokio::time::sleep(EVERY).await;
            let done = self.gate().done();
            let since = done.saturating_sub(std::mem::replace(&mut before, done));
            let waiting: usize = Class::ALL.into_iter().map(|class| self.waiting(class)).sum();
            if waiting <= MANY {
                continue;
            }
            let rate = since as f64 / EVERY.as_secs_f64();
            let minutes = (since > 0).then(|| (waiting as f64 / rate / 60.0).ceil());
            info!(
                done = since,
                waiting,
                rate = format_args!("{rate:.1}/s"),
                minutes_left = minutes.map_or_else(|| "unknown".to_owned(), |minutes| minutes.to_string()),
                "waiting for quota of Amazon Connect"
            );
        }
    }
}
