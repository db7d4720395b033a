//! What can go wrong with the case index. None of it holds up a message: the ledger is the truth.

use std::time::Duration;

use thiserror::Error;

/// Why the case index could not be opened, asked or written.
#[derive(Debug, Error)]
pub enum CasesError {
    /// The database could not be brought to this program's form.
    #[error(
        "the case index cannot be brought up to date: {0}; delete its file and run `orgate ledger reindex`"
    )]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database refused or broke off.
    #[error("the case index does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// Nothing within the time allowed.
    #[error("the case index has not answered within {} ms", .0.as_millis())]
    Slow(Duration),
    /// A row that this program would not have written.
    #[error(
        "document {nth} of entry {entry} in the case index cannot be read, run `orgate ledger reindex`"
    )]
    Row {
        /// The ledger entry.
        entry: String,
        /// Which document of it.
        nth: i64,
    },
}
