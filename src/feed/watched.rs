//! A feed as people see it: its settings, whether its receiver answers, its last delivery, and its files.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::feed::dead::DeadLetter;
use crate::feed::gone::Gone;
use crate::feed::start::{Config, Ground};
use crate::feed::state::{self, Glance, Resent, StateError};
use crate::feed::watch::Light;

/// When a feed last delivered anything, and how much. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Delivered(Arc<Mutex<Option<(Timestamp, usize)>>>);

impl Delivered {
    /// So many alerts were taken just now.
    pub(in crate::feed) fn mark(&self, now: Timestamp, alerts: usize) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, alerts));
    }

    /// The last delivery since the start; `None` = there was none.
    pub fn last(&self) -> Option<(Timestamp, usize)> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A feed that runs, looked at from outside.
#[derive(Clone)]
pub struct Watched {
    /// Its settings.
    pub config: Config,
    /// What it stands on.
    pub ground: Ground,
    /// Its receiver.
    pub light: Light,
    /// Its last delivery.
    pub delivered: Delivered,
}

impl Watched {
    /// How it stands, from its files; `head` = the ledger's last entry.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn glance(&self, head: u64) -> Result<Glance, StateError> {
        state::glance(&self.config, &self.ground, head)
    }

    /// Its dead letters, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn letters(&self) -> Result<Vec<DeadLetter>, StateError> {
        state::letters(&self.config, &self.ground)
    }

    /// Sends dead letters once more; `ids` empty = all.
    ///
    /// # Errors
    /// As [`state::resend`].
    pub async fn resend(&self, ids: &[String]) -> Result<Vec<Resent>, StateError> {
        state::resend(&self.config, &self.ground, ids).await
    }

    /// Enables it again after a 410; whether it was disabled.
    ///
    /// # Errors
    /// As the disk reports.
    pub fn enable(&self) -> io::Result<bool> {
        Gone::new(&self.ground.folder, &self.config.name).enable()
    }
}
