//! A child process that cannot outlive us.
//!
//! It runs under a small shell (`process/wrapper.sh`) that holds a pipe of ours: if we end in any
//! way, SIGKILL included, the pipe closes and the process is ended. Signals go to the real child.
//! Everything here is threads and polling, so that a process may be shared by tests that each have
//! a runtime of their own.

mod launch;
mod output;

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use launch::Launch;
use output::Output;

use crate::Error;

const POLL: Duration = Duration::from_millis(10);

/// A running child process; killed when dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    pid: u32,
    wrapper: Mutex<Child>,
    output: Arc<Output>,
    log: PathBuf,
}

impl Process {
    fn new(name: String, pid: u32, wrapper: Child, output: Arc<Output>, log: PathBuf) -> Self {
        Self { name, pid, wrapper: Mutex::new(wrapper), output, log }
    }

    /// The pid of the real process (not of the shell around it).
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The program's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file that its output goes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// What it has printed so far, stdout and stderr together.
    pub fn lines(&self) -> Vec<String> {
        self.output.since(0)
    }

    /// How many lines it has printed so far: a mark for [`Process::wait_for_line_after`].
    pub fn mark(&self) -> usize {
        self.output.len()
    }

    /// The end of what it has printed.
    pub fn tail(&self, lines: usize) -> String {
        self.output.tail(lines)
    }

    /// The exit status if it has ended. An exit code above 128 is told as the signal it stands for.
    pub fn status(&self) -> Option<ExitStatus> {
        let mut wrapper = self.wrapper.lock().unwrap_or_else(PoisonError::into_inner);
        let status = wrapper.try_wait().ok().flatten()?;
        Some(match status.code() {
            Some(code) if code > 128 => ExitStatus::from_raw(code - 128),
            _ => status,
        })
    }

    /// Whether it has not ended yet.
    pub fn is_running(&self) -> bool {
        self.status().is_none()
    }

    /// The first line ever printed that satisfies `wanted`, waiting for it if need be.
    pub async fn wait_for_line(&self, wanted: impl FnMut(&str) -> bool, timeout: Duration) -> Result<String, Error> {
        self.wait_for_line_after(0, wanted, timeout).await
    }

    /// The first line after `mark` that satisfies `wanted`, waiting for it if need be.
    pub async fn wait_for_line_after(
        &self,
        mark: usize,
        mut wanted: impl FnMut(&str) -> bool,
        timeout: Duration,
    ) -> Result<String, Error> {
        let deadline = Instant::now() + timeout;
        let mut seen = mark;
        let mut end = End::default();
        loop {
            // In this order, or the last lines of a process that ends now could be missed.
            let ended = end.of(self);
            for line in self.output.since(seen) {
                seen += 1;
                if wanted(&line) {
                    return Ok(line);
                }
            }
            if let Some(status) = ended {
                return Err(self.exited(status));
            }
            if Instant::now() >= deadline {
                return Err(self.too_late("the line waited for", timeout));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Waits until it ends by itself.
    pub async fn wait(&self, timeout: Duration) -> Result<ExitStatus, Error> {
        let deadline = Instant::now() + timeout;
        let mut end = End::default();
        loop {
            if let Some(status) = end.of(self) {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                return Err(self.too_late("its end", timeout));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Sends a signal by its name without `SIG`: `TERM`, `KILL`, `STOP`, `CONT`, `INT`.
    pub fn signal(&self, signal: &str) -> Result<(), Error> {
        if !self.is_running() {
            return Ok(());
        }
        // The shell's own kill: no other program needs to be installed.
        Command::new("/bin/sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "-", signal, &self.pid.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map(|_| ())
            .map_err(Error::io(format!("cannot send {signal} to {}", self.name)))
    }

    /// Asks it to end (SIGTERM) and waits. One that does not end in time is killed and reported.
    pub async fn terminate(&self, timeout: Duration) -> Result<ExitStatus, Error> {
        self.signal("TERM")?;
        let ended = self.wait(timeout).await;
        if ended.is_err() {
            self.kill();
        }
        ended
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub fn kill(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        // Without a shell to send it the pipe does the same, a little slower.
        if self.signal("KILL").is_err() {
            drop(self.wrapper.lock().unwrap_or_else(PoisonError::into_inner).stdin.take());
        }
        while self.is_running() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub(crate) fn exited(&self, status: ExitStatus) -> Error {
        Error::Exited { name: self.name.clone(), status, log: self.log.clone(), tail: self.tail(30) }
    }

    pub(crate) fn too_late(&self, what: &str, within: Duration) -> Error {
        Error::TooLate {
            name: self.name.clone(),
            what: what.to_owned(),
            within,
            log: self.log.clone(),
            tail: self.tail(30),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a process together with that of its output.
#[derive(Default)]
struct End(Option<Instant>);

impl End {
    /// How it ended, once its last words are read. A child of its own that holds the pipes open is
    /// not waited for.
    fn of(&mut self, process: &Process) -> Option<ExitStatus> {
        let status = process.status()?;
        let since = self.0.get_or_insert_with(Instant::now).elapsed();
        (process.output.is_complete() || since > Duration::from_millis(500)).then_some(status)
    }
}
