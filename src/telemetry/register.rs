//! What is measured of the register: how often memory answers, and how old its answers are.

use std::fmt;
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

/// The instruments. Clones share them; using one takes no look-up.
#[derive(Clone)]
pub struct Lookups {
    memory: Counter,
    source: Counter,
    unknown: Counter,
    age: Histogram,
}

impl fmt::Debug for Lookups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookups")
    }
}

impl Default for Lookups {
    fn default() -> Self {
        let of = |from| counter!("orgate_register_lookups_total", "from" => from);
        let age = histogram!("orgate_privilege_age_seconds");
        Self { memory: of("memory"), source: of("source"), unknown: of("nowhere"), age }
    }
}

impl Lookups {
    /// Memory had it, of this age.
    pub fn in_memory(&self, age: Duration) {
        self.memory.increment(1);
        self.age.record(age);
    }

    /// The source was asked.
    pub fn loaded(&self) {
        self.source.increment(1);
        self.age.record(Duration::ZERO);
    }

    /// It could not be known in time.
    pub fn unknown(&self) {
        self.unknown.increment(1);
    }
}
