//! What is measured of a route: how long the gate takes, how long its downstream system does, who is connected.

use std::time::{Duration, Instant};

use metrics::{Gauge, Histogram, counter, gauge, histogram};

use crate::clock::monotonic;

/// The instruments of a route. Clones share them; using one takes no look-up.
#[derive(Clone)]
pub struct Meters {
    added: Histogram,
    answered: Histogram,
    connections: Gauge,
}

impl Meters {
    /// Of a route. What is read before the counting starts counts nowhere.
    pub fn of(route: &str) -> Self {
        let route = route.to_owned();
        counter!("orgate_scheduling_not_surgical_total", "route" => route.clone()).increment(0);
        Self {
            added: histogram!("orgate_added_seconds", "route" => route.clone()),
            answered: histogram!("orgate_upstream_seconds", "route" => route.clone()),
            connections: gauge!("orgate_connections", "route" => route),
        }
    }

    /// A message that was there at `since` goes on or is refused now.
    pub fn added(&self, since: Instant) {
        self.added.record(passed(since));
    }

    /// A message that was sent on at `since` is answered now.
    pub fn answered(&self, since: Instant) {
        self.answered.record(passed(since));
    }

    /// A connection is open until this is dropped.
    pub fn connection(&self) -> Connected {
        self.connections.increment(1);
        Connected(self.connections.clone())
    }
}

/// A connection that is open.
pub struct Connected(Gauge);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

fn passed(since: Instant) -> Duration {
    monotonic().saturating_duration_since(since)
}
