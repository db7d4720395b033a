//! Configurations edited while a gate runs.

use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};

impl Hospital {
    /// A further key of the gate itself.
    pub(crate) fn node(mut self, line: &str) -> Self {
        self.head = self.head.replace("[node]\n", &format!("[node]\n{line}\n"));
        self
    }

    /// Changes what stands before the routes.
    pub(crate) fn change_head(&mut self, from: &str, to: &str) {
        assert!(self.head.contains(from), "{from} is not set");
        self.head = self.head.replace(from, to);
    }
}

impl Gate {
    /// Has it read its configuration again (SIGHUP).
    pub(crate) fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Waits until the log has said something so many times.
    pub(crate) fn says_times(&self, what: &str, times: usize) {
        eventually(what, || (self.log().matches(what).count() >= times).then_some(()));
    }
}
