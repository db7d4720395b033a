//! Configurations that are taken up while the gate runs: entered first, and never between a person's change of a
//! stance and its entry.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OwnedMutexGuard;

use crate::gate::office::{Office, OfficeError};
use crate::ledger::Kind;

impl Office {
    /// Holds back what people do until it is dropped: stances do not change meanwhile.
    pub async fn hold(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.acting).lock_owned().await
    }

    /// Enters what is about to be taken up; the entry's id, once it is on disk.
    ///
    /// # Errors
    /// The ledger cannot record it.
    pub async fn enter_configuration(&self, body: &Value) -> Result<String, OfficeError> {
        let (entry, _, _) = self.enter(Kind::Bypass, body).await?;
        Ok(entry.to_string())
    }
}
