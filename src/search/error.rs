//! What can go wrong with the search index. The ledger is the truth and is not touched by it.

use thiserror::Error;

/// Why nothing can be found or kept.
#[derive(Debug, Error)]
pub enum SearchError {
    /// The database refused or broke off.
    #[error("the search index does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that this program would not have written.
    #[error("entry {0} of the search index cannot be read, run `orgate ledger reindex`")]
    Row(i64),
}
