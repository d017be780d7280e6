//! Where every request of an in-process operator passes, on its way to the API server or to Amazon
//! Connect: numbers the steps, and lets the operator crash before or after one of them.

use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

/// On which side of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The request is never sent.
    Before,
    /// The request has its effect, and nobody hears the answer.
    After,
}

/// The end of an incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The step, from 1.
    pub step: usize,
    /// On which side of it.
    pub moment: Moment,
}

/// One incarnation's gate. Once it has fallen no request passes in either direction.
pub struct Gate {
    crash: Option<Crash>,
    steps: Mutex<Vec<String>>,
    fallen: watch::Sender<bool>,
}

/// A request that is on its way.
pub struct Entry {
    step: Option<usize>,
}

impl Gate {
    pub fn new(crash: Option<Crash>) -> Self {
        Self { crash, steps: Mutex::default(), fallen: watch::Sender::new(false) }
    }

    /// What was counted so far.
    pub fn steps(&self) -> Vec<String> {
        self.lock().clone()
    }

    pub fn has_fallen(&self) -> bool {
        *self.fallen.borrow()
    }

    /// Waits for the crash.
    pub async fn fallen(&self) {
        self.fallen.subscribe().wait_for(|fallen| *fallen).await.unwrap();
    }

    /// Lets nothing pass from now on.
    pub fn fall(&self) {
        self.fallen.send_replace(true);
    }

    /// Whether a request may go out; one with a name counts as a step.
    pub fn enter(&self, step: Option<String>) -> Option<Entry> {
        // Numbered under the lock, so that nothing passes beside a crash.
        let mut steps = self.lock();
        if self.has_fallen() {
            return None;
        }
        let Some(step) = step else { return Some(Entry { step: None }) };
        steps.push(step);
        let number = steps.len();
        if self.crash == Some(Crash { step: number, moment: Moment::Before }) {
            self.fall();
            return None;
        }
        Some(Entry { step: Some(number) })
    }

    /// Lets the answer in, if anybody is there to hear it.
    pub async fn leave(&self, entry: Entry) {
        if let (Some(crash), Some(step)) = (self.crash, entry.step)
            && crash == (Crash { step, moment: Moment::After })
        {
            self.fall();
        }
        if self.has_fallen() {
            std::future::pending::<()>().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.steps.lock().unwrap()
    }
}
