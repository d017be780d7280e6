//! The process: what it is, whether it leads, and what it takes of the machine.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

type Float = Gauge<f64, AtomicU64>;

/// Ticks a second in which Linux counts processor time, on every architecture.
const TICKS: f64 = 100.0;

/// The metrics.
#[derive(Clone)]
pub(super) struct Process {
    leads: Gauge,
    memory: Gauge,
    files: Gauge,
    processor: Counter<f64, AtomicU64>,
}

impl Process {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let new = Self {
            leads: Gauge::default(),
            memory: Gauge::default(),
            files: Gauge::default(),
            processor: Counter::default(),
        };
        let begun = Float::default();
        begun.set(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64()));
        new.leads.set(1);
        let build = Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("connect_user_operator_build", "The program that tells this", build);
        registry.register("connect_user_operator_leader", "1 while this process may write", new.leads.clone());
        registry.register("process_start_time_seconds", "When the process began, in seconds since 1970", begun);
        registry.register("process_resident_memory_bytes", "Memory in use", new.memory.clone());
        registry.register("process_open_fds", "Open files and connections", new.files.clone());
        registry.register("process_cpu_seconds", "Processor time used", new.processor.clone());
        new
    }

    pub(super) fn lead(&self, leads: bool) {
        self.leads.set(i64::from(leads));
    }

    /// Brings the gauges up to date; where the system does not tell, they stay.
    pub(super) fn look(&self) {
        if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident) {
            self.memory.set(bytes);
        }
        if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(used) {
            self.processor.inner().store(seconds.to_bits(), Ordering::Relaxed);
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            self.files.set(i64::try_from(files.count()).unwrap_or(i64::MAX));
        }
    }
}

/// Bytes in memory, from /proc/self/status.
fn resident(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<i64>().ok()?.checked_mul(1024)
}

/// Seconds of processor time in user and system mode, from /proc/self/stat.
fn used(stat: &str) -> Option<f64> {
    // The name, in brackets, may have spaces and brackets in it.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = |at| fields.split(' ').nth(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read() {
        assert_eq!(resident("Name:\toperator\nVmRSS:\t   20480 kB\nThreads:\t3\n"), Some(20480 * 1024));
        let stat = "1 (odd) name) S 0 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 100 1 2";
        assert_eq!(used(stat), Some(3.0));
        assert_eq!((resident(""), used("")), (None, None));
    }
}
