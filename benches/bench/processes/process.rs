//! What the kernel knows of a process.

use std::time::Duration;

/// Memory of a process in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Now.
    pub resident: f64,
    /// At most so far.
    pub peak: f64,
}

/// Memory of a process.
pub fn memory(pid: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    };
    Memory { resident: kib("VmRSS:"), peak: kib("VmHWM:") }
}

/// Lets the peak begin anew.
pub fn forget_peak(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

/// Processor time of a process so far.
pub fn processor_time(pid: u32) -> Duration {
    ticks(pid, [11, 12])
}

/// Processor time of all children of this process that have ended, and of theirs.
pub fn children_time() -> Duration {
    ticks(std::process::id(), [13, 14])
}

/// The sum of two fields, user and system, that the kernel counts in ticks.
fn ticks(pid: u32, fields: [usize; 2]) -> Duration {
    /// Of a second, on every Linux.
    const TICK: u64 = 10;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // The name is in parentheses and may hold anything.
    let all: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    Duration::from_millis(fields.map(|index| all[index].parse::<u64>().unwrap()).iter().sum::<u64>() * TICK)
}
