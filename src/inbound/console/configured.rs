//! Whether the configuration as it stands on the disk is the one in force.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Why the file as edited is not in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// How many faults.
    pub faults: usize,
    /// Where the first one is, `orgate.toml:12`: for those who may not see more.
    pub place: String,
    /// When it was refused.
    pub at: Timestamp,
    /// The first faults, each with its file and line.
    pub told: Vec<String>,
}

/// What is told of it. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Configured(Arc<Mutex<Option<Refused>>>);

impl Configured {
    /// What was refused last, if nothing was taken up since.
    pub fn refused(&self) -> Option<Refused> {
        self.held().clone()
    }

    /// From here on.
    pub fn set(&self, refused: Option<Refused>) {
        *self.held() = refused;
    }

    fn held(&self) -> MutexGuard<'_, Option<Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
