//! Entries of the ledger found again: by patient, order, surgeon, procedure, day, rule, decision, route, department.
//!
//! Reading order: `row` (what is kept of an entry, and its terms) · `ask` (what is sought, and how it is found) ·
//! `store` (tables).
//!
//! An inverted index: for each term the numbers of the entries that bear it. A term is kept as 64 bits of its hash,
//! so that it costs the same whatever it is; what is found is compared with the term itself before it is given. The
//! index lives in a file of its own (`data_dir/search.db`), may be deleted at any time, and is written behind the
//! ledger: no message waits for it. Limits: a question looks at no more than [`ask::SCAN_MAX`] entries at a time and
//! says where it stopped.

pub mod ask;
pub mod error;
pub mod row;

mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::AnyPool;

pub use crate::search::ask::{Page, Query};
use crate::search::error::SearchError;
pub use crate::search::row::{Found, Row, Term};
use crate::search::store::Store;

/// The index. Clones share everything.
#[derive(Clone, Debug)]
pub struct Search {
    store: Store,
    place: Arc<AtomicU64>,
}

impl Search {
    /// Makes the tables; an index of another form is dropped and begins anew.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open(pool: AnyPool, begin_write: &'static str) -> Result<Self, SearchError> {
        let search = Self { store: Store::open(pool, begin_write).await?, place: Arc::default() };
        search.cursor().await?;
        Ok(search)
    }

    /// Written by connections of their own.
    pub fn written_by(self, writer: AnyPool) -> Self {
        Self { store: self.store.written_by(writer), ..self }
    }

    /// Up to which entry of the ledger everything was taken; 0 = nothing.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn cursor(&self) -> Result<u64, SearchError> {
        let seq = self.store.cursor().await?;
        self.place.store(seq, Ordering::Relaxed);
        Ok(seq)
    }

    /// Up to which entry it has come as far as this process knows: for whoever only looks.
    pub fn place(&self) -> u64 {
        self.place.load(Ordering::Relaxed)
    }

    /// Takes the next entries, and moves the cursor to `seq`. Taking them again changes nothing.
    ///
    /// # Errors
    /// The database does not answer; then nothing was taken.
    pub async fn take(&self, rows: &[Row], seq: u64) -> Result<(), SearchError> {
        self.store.take(rows, seq).await?;
        self.place.store(seq, Ordering::Relaxed);
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn clear(&self) -> Result<(), SearchError> {
        self.store.clear().await
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.store.close().await;
    }
}
