//! What a child process says: kept in memory and written to its log.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The lines of stdout and stderr in the order in which they arrived.
#[derive(Debug)]
pub(crate) struct Output {
    kept: Mutex<Kept>,
    open: AtomicUsize,
}

#[derive(Debug)]
struct Kept {
    lines: Vec<String>,
    log: Option<File>,
}

impl Output {
    pub(crate) fn new(log: Option<File>) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::new(Kept { lines: Vec::new(), log }), open: AtomicUsize::new(0) })
    }

    /// Reads `pipe` to its end on a thread of its own: the process must not depend on a runtime that
    /// ends with one test.
    pub(crate) fn follow(self: &Arc<Self>, pipe: impl Read + Send + 'static) {
        self.open.fetch_add(1, Ordering::AcqRel);
        let output = Arc::clone(self);
        std::thread::spawn(move || {
            let mut reader = BufReader::new(pipe);
            let mut bytes = Vec::new();
            while matches!(reader.read_until(b'\n', &mut bytes), Ok(n) if n > 0) {
                output.push(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned());
                bytes.clear();
            }
            output.open.fetch_sub(1, Ordering::AcqRel);
        });
    }

    fn push(&self, line: String) {
        let mut kept = self.lock();
        if let Some(log) = &mut kept.log {
            // A full disk must not take the process with it; the line stays in memory.
            let _ = log.write_all(format!("{line}\n").as_bytes());
        }
        kept.lines.push(line);
    }

    /// The lines from `start` on.
    pub(crate) fn since(&self, start: usize) -> Vec<String> {
        self.lock().lines.iter().skip(start).cloned().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().lines.len()
    }

    /// The last `count` lines as one text.
    pub(crate) fn tail(&self, count: usize) -> String {
        let kept = self.lock();
        let skip = kept.lines.len().saturating_sub(count);
        kept.lines.iter().skip(skip).map(String::as_str).collect::<Vec<_>>().join("\n")
    }

    /// Whether every pipe is at its end, so that nothing more will come.
    pub(crate) fn is_complete(&self) -> bool {
        self.open.load(Ordering::Acquire) == 0
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
