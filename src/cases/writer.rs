//! The task behind the overlay: what waits is written, a batch a transaction, until every handle is gone.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::cases::Inner;
use crate::cases::error::CasesError;
use crate::telemetry::events;

/// Documents of one transaction: some 10 ms, so that a reindex or another gate waits no longer.
const BATCH: usize = 500;

/// A database that fails is tried again so often.
const RETRY: Duration = Duration::from_secs(1);

/// Runs until the index is dropped or closed.
pub(in crate::cases) async fn run(cases: Weak<Inner>) {
    let Some(mut waiting) = cases.upgrade().map(|inner| inner.waiting.subscribe()) else { return };
    let mut failing = false;
    while waiting.wait_for(|waiting| *waiting > 0).await.is_ok() {
        let Some(gather) = cases.upgrade().map(|inner| inner.config.gather) else { return };
        tokio::time::sleep(gather).await;
        let Some(inner) = cases.upgrade() else { return };
        let outcome = batch(&inner).await;
        let closed = matches!(&outcome, Err(CasesError::Database(sqlx::Error::PoolClosed)));
        drop(inner);
        if closed {
            return;
        }
        match (&outcome, failing) {
            (Err(error), false) => events::CasesUnwritten { error }.emit(),
            (Ok(()), true) => events::CasesWritten {}.emit(),
            (Err(_), true) | (Ok(()), false) => {}
        }
        failing = outcome.is_err();
        if failing {
            tokio::time::sleep(RETRY).await;
        }
    }
}

async fn batch(inner: &Arc<Inner>) -> Result<(), CasesError> {
    let batch = inner.overlay.batch(BATCH);
    let addresses = inner.addresses.batch(BATCH);
    if batch.is_empty() && addresses.is_empty() {
        inner.tell();
        return Ok(());
    }
    let mut transaction = inner.store.begin().await?;
    inner.store.write(&mut transaction, &batch).await?;
    inner.store.write_addresses(&mut transaction, &addresses).await?;
    // While something was left out, the cursor stays before it.
    let seq = batch.iter().filter_map(|kept| kept.seq).max().filter(|_| !inner.overlay.behind());
    // Even without a step the row is there: by it the other gates know of this one.
    inner.store.advance(&mut transaction, seq.unwrap_or(0)).await?;
    transaction.commit().await?;
    inner.overlay.written(batch.len());
    inner.addresses.written(addresses.len());
    inner.tell();
    Ok(())
}
