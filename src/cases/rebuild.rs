//! The own part of the index built anew, in one transaction.

use std::sync::Arc;

use crate::cases::document::Document;
use crate::cases::error::CasesError;
use crate::cases::fold::Kept;
use crate::cases::store::Store;

/// Documents written together.
const BATCH: usize = 500;

/// The own part of the index in the making; nothing is changed until [`Rebuild::finish`].
pub struct Rebuild {
    store: Store,
    transaction: sqlx::Transaction<'static, sqlx::Any>,
    batch: Vec<Arc<Kept>>,
    arrivals: i64,
    documents: u64,
}

impl Rebuild {
    pub(in crate::cases) fn new(
        store: Store,
        transaction: sqlx::Transaction<'static, sqlx::Any>,
    ) -> Self {
        Self { store, transaction, batch: Vec::new(), arrivals: 1, documents: 0 }
    }

    /// Takes the documents of the next entry.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take(&mut self, documents: Vec<Document>) -> Result<(), CasesError> {
        for document in documents {
            let arrival = self.arrivals;
            self.arrivals += 1;
            self.documents += 1;
            self.batch.push(Arc::new(Kept { document, arrival, seq: None }));
        }
        if self.batch.len() >= BATCH { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<(), CasesError> {
        let batch = std::mem::take(&mut self.batch);
        self.store.write(&mut self.transaction, &batch).await
    }

    /// Puts the new index in place of the old; `seq` is the last entry read. Gives the number of documents.
    ///
    /// # Errors
    /// The database does not answer; the old index then stays.
    pub async fn finish(mut self, seq: u64) -> Result<u64, CasesError> {
        self.write().await?;
        self.store.advance(&mut self.transaction, seq).await?;
        self.transaction.commit().await?;
        Ok(self.documents)
    }
}
