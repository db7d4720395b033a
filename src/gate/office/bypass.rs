//! The outage switch at the console: operators only, and not those who see some departments only.

use std::sync::Arc;

use jiff::SignedDuration;

use crate::accounts::{Account, Permit};
use crate::gate::bypass::{Actor, Switched};
use crate::gate::office::{Office, OfficeError, StanceError};

impl Office {
    /// Lets everything pass for a time.
    ///
    /// # Errors
    /// The account's roles or departments, no reason, or too long a time.
    pub async fn bypass_on(
        self: &Arc<Self>,
        account: &Account,
        reason: &str,
        lasting: SignedDuration,
    ) -> Result<Switched, OfficeError> {
        let actor = Self::switches(account)?;
        Ok(self.gate().bypass_on(actor, reason, lasting).await?)
    }

    /// Lets the gate act again.
    ///
    /// # Errors
    /// The account's roles or departments, no reason, or the bypass is not on.
    pub async fn bypass_off(
        self: &Arc<Self>,
        account: &Account,
        reason: &str,
    ) -> Result<Switched, OfficeError> {
        let actor = Self::switches(account)?;
        if reason.trim().is_empty() {
            return Err(StanceError::NoReason.into());
        }
        Ok(self.gate().bypass_off(actor, reason).await?)
    }

    fn switches(account: &Account) -> Result<Actor, OfficeError> {
        Self::permit(account, Permit::Operate)?;
        if account.scope.departments().is_some() {
            return Err(StanceError::NotYours.into());
        }
        let (by, account) = (account.display.clone(), Some(account.name.clone()));
        Ok(Actor { by, account, uid: None })
    }
}
