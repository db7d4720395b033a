//! What verdicts go by besides the message, of one configuration: changed as a whole, never in part.

use std::sync::Arc;

use crate::rules::Policy;

/// The settings of the house that every route judges by.
#[derive(Debug)]
pub struct Terms {
    /// What the institution has set.
    pub policy: Policy,
    /// Longer messages are kept by hash only, in bytes.
    pub keep_message_max: usize,
    /// The configuration they stand in.
    pub configuration: Configuration,
}

/// Which configuration, as the ledger knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    /// The entry that tells its files; empty where nobody entered it.
    pub entry: Arc<str>,
    /// The hash over all of its files: what was decided by others may come out otherwise by these.
    pub digest: Arc<str>,
}

impl Terms {
    /// Of a configuration that is not in the ledger.
    pub fn new(policy: Policy, keep_message_max: usize) -> Self {
        Self { policy, keep_message_max, configuration: Configuration::default() }
    }
}
