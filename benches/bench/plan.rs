//! What is to be run, and how large.

/// The sizes of a run.
pub struct Plan {
    is_full: bool,
    only: Option<String>,
}

impl Plan {
    /// As BENCH and BENCH_ONLY say.
    pub fn from_env() -> Self {
        let is_full = match std::env::var("BENCH").as_deref() {
            Ok("full") => true,
            Ok("fast" | "") | Err(_) => false,
            Ok(other) => panic!("BENCH is {other}: it must be fast or full"),
        };
        let only = std::env::var("BENCH_ONLY").ok().filter(|only| !only.is_empty());
        Self { is_full, only }
    }

    /// Name of the run.
    pub fn name(&self) -> &'static str {
        if self.is_full { "full" } else { "fast" }
    }

    /// Whether a scenario is to be run.
    pub fn has(&self, scenario: &str) -> bool {
        let has = self.only.as_ref().is_none_or(|only| scenario.contains(only.as_str()));
        if has {
            eprintln!("# {scenario}");
        }
        has
    }

    /// One number for a fast run, another for a full one.
    pub fn size<T>(&self, fast: T, full: T) -> T {
        if self.is_full { full } else { fast }
    }
}
