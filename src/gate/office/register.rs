//! Changes of privileges by a person. The `register` entry follows by itself, with the version that was made.

use crate::accounts::{Account, Permit};
use crate::gate::office::{Office, OfficeError};
use crate::register::change::{self, Changed, Subject, Turn};

impl Office {
    /// Suspends or resumes a grant, a surgeon, a technique or an item: effective on the next order.
    ///
    /// # Errors
    /// The account's roles, no reason, nothing to change, or the register does not answer; then nothing has changed.
    pub async fn turn(
        &self,
        account: &Account,
        subject: Subject,
        turn: Turn,
        reason: &str,
    ) -> Result<Changed, OfficeError> {
        Self::permit(account, Permit::ChangeRegister)?;
        Ok(self.change(account, subject, turn, reason).await?)
    }

    /// Whether that would change anything.
    ///
    /// # Errors
    /// The register does not answer.
    pub async fn could_turn(&self, subject: &Subject, turn: Turn) -> Result<bool, OfficeError> {
        Ok(change::possible(&self.parts.source, subject, turn).await?)
    }
}
