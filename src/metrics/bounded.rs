//! Labels whose values come from objects or from AWS: as many as a backend can bear, and one word for the rest.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Everything beyond the bound.
pub(super) const OTHER: &str = "other";

/// Values of one label. Whoever may declare a user may name any instance, so the first so many that a process
/// meets keep their names.
#[derive(Clone)]
pub(super) struct Bounded {
    most: usize,
    known: Arc<Mutex<BTreeSet<String>>>,
}

impl Bounded {
    pub(super) fn new(most: usize) -> Self {
        Self { most, known: Arc::default() }
    }

    /// The value itself, or the word for the rest.
    pub(super) fn label(&self, value: &str) -> String {
        if self.admits(value) { value.to_owned() } else { OTHER.to_owned() }
    }

    /// Whether the value is told by its name.
    pub(super) fn admits(&self, value: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(value) {
            return true;
        }
        let has_room = known.len() < self.most;
        if has_room {
            known.insert(value.to_owned());
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keep_their_names_and_the_rest_share_one() {
        let bounded = Bounded::new(2);
        let labels: Vec<String> =
            ["a", "b", "c", "a", "d", "b"].into_iter().map(|value| bounded.label(value)).collect();
        assert_eq!(labels, ["a", "b", OTHER, "a", OTHER, "b"]);
    }
}
