//! What can go wrong with the index of override files. The ledger is the truth and is not touched by it.

use thiserror::Error;

/// Why override files cannot be looked up or kept.
#[derive(Debug, Error)]
pub enum OverridesError {
    /// The database refused or broke off.
    #[error("the index of override files does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that this program would not have written.
    #[error("override file {0} cannot be read in the index, run `orgate ledger reindex`")]
    Row(String),
}
