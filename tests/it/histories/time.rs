//! Time as tokio's paused clock shows it, on a calendar.

use std::cell::RefCell;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

thread_local! {
    static BEGAN: RefCell<Option<Instant>> = const { RefCell::new(None) };
}

/// The first second of every history.
const FIRST: i64 = 1_767_225_600;

/// Begins a history on this thread, at its first second.
pub fn begin() {
    BEGAN.with_borrow_mut(|began| *began = Some(Instant::now()));
}

/// Since the history began.
pub fn elapsed() -> Duration {
    BEGAN.with_borrow(|began| began.expect("a history").elapsed())
}

/// What the calendar says.
pub fn now() -> Timestamp {
    Timestamp::from_second(FIRST).unwrap() + elapsed()
}
