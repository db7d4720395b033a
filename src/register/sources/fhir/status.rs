//! How pulls stand, for whoever asks: health, metrics.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// How pulls stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When the last pull was applied, by whichever gate; none: never.
    pub pulled_at: Option<Timestamp>,
    /// Why this gate's last pull came to nothing, if it did.
    pub failing: Option<String>,
}

/// The same, kept. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pulls(Arc<Mutex<Standing>>);

impl Pulls {
    /// How they stand now.
    pub fn now(&self) -> Standing {
        self.held().clone()
    }

    /// The last pull that was applied.
    pub fn pulled(&self, at: Option<Timestamp>) {
        self.held().pulled_at = at;
    }

    /// Whether this gate's last pull came to nothing, and why.
    pub fn failing(&self, why: Option<String>) {
        self.held().failing = why;
    }

    fn held(&self) -> MutexGuard<'_, Standing> {
        // Each critical section leaves it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
