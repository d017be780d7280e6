//! The resident memory of a process over time.

use std::time::Duration;

pub struct Memory {
    pid: u32,
    /// Seconds and MiB.
    samples: Vec<(f64, f64)>,
}

impl Memory {
    pub fn of(pid: u32) -> Self {
        Self { pid, samples: Vec::new() }
    }

    pub fn sample(&mut self, at: Duration) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).expect("the operator has ended");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        let kib: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        self.samples.push((at.as_secs_f64(), kib / 1024.0));
    }

    /// Means of the three thirds, the first of which is the warm-up.
    fn thirds(&self) -> [f64; 3] {
        let third = self.samples.len() / 3;
        assert!(third > 0, "too few samples");
        let mean = |part: &[(f64, f64)]| part.iter().map(|(_, mib)| mib).sum::<f64>() / part.len() as f64;
        [mean(&self.samples[..third]), mean(&self.samples[third..2 * third]), mean(&self.samples[2 * third..])]
    }

    /// MiB an hour after the warm-up, by least squares.
    fn slope(&self) -> f64 {
        let part = &self.samples[self.samples.len() / 3..];
        let count = part.len() as f64;
        let (x, y) = part.iter().fold((0.0, 0.0), |(x, y), (at, mib)| (x + at / count, y + mib / count));
        let (above, below) = part
            .iter()
            .fold((0.0, 0.0), |(above, below), (at, mib)| (above + (at - x) * (mib - y), below + (at - x).powi(2)));
        above / below * 3600.0
    }

    pub fn told(&self) -> String {
        let [first, second, third] = self.thirds();
        format!("RSS by thirds {first:.1}, {second:.1}, {third:.1} MiB; {:.1} MiB/h after the warm-up", self.slope())
    }

    /// A fiftieth and 1 MiB are for an allocator that does not give everything back. More than that between two thirds
    /// is a kilobyte for each edit and change of the soak.
    pub fn check(&self) {
        let [_, second, third] = self.thirds();
        assert!(third <= second * 1.02 + 1.0, "memory grows: {}", self.told());
    }
}
