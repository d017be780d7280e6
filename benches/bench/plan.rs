//! What is to be run, and how large.

/// The sizes of a run.
pub struct Plan {
    is_full: bool,
    only: Option<String>,
    objects: Option<usize>,
}

impl Plan {
    /// As BENCH, BENCH_ONLY and BENCH_OBJECTS say.
    pub fn from_env() -> Self {
        let is_full = match std::env::var("BENCH").as_deref() {
            Ok("full") => true,
            Ok("fast" | "") | Err(_) => false,
            Ok(other) => panic!("BENCH is {other}: it must be fast or full"),
        };
        let only = std::env::var("BENCH_ONLY").ok().filter(|only| !only.is_empty());
        let objects = std::env::var("BENCH_OBJECTS").ok().filter(|count| !count.is_empty());
        let objects = objects.map(|count| count.parse().unwrap_or_else(|_| panic!("BENCH_OBJECTS is no number")));
        Self { is_full, only, objects }
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

    /// How many objects there are to be in processes with the quota lifted, if that was said.
    pub fn objects(&self) -> Option<usize> {
        self.objects
    }

    /// One number for a fast run, another for a full one.
    pub fn size<T>(&self, fast: T, full: T) -> T {
        if self.is_full { full } else { fast }
    }
}
