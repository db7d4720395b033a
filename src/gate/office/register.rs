//! Changes of privileges by a person. The `register` entry follows by itself, with the version that was made.

use crate::accounts::{Account, Permit};
use crate::domain::surgeon::{Lookup, PersonKey, SurgeonId};
use crate::gate::office::acts::{person, who};
use crate::gate::office::{Office, OfficeError};
use crate::register::Patience;
use crate::register::change::{self, Changed, Subject, Turn};
use crate::register::import::{self, Given, ImportError, ImportSummary, Request};
use crate::register::sources::sql::SqlSource;

/// How an upload is taken.
#[derive(Clone, Copy, Debug)]
pub struct Taking {
    /// Leave rows that the files do not name as they are, instead of ending them.
    pub merge: bool,
    /// The version that the preview was made against: apply. Absent: only tell what would happen.
    pub apply_to: Option<i64>,
}

impl Office {
    /// The register's tables, to be read.
    pub fn source(&self) -> &SqlSource {
        &self.parts.source
    }

    /// Suspends or resumes a grant, a surgeon, a technique or an item: effective on the next order.
    ///
    /// # Errors
    /// The account's roles or departments, no reason, nothing to change, or the register does not answer; then
    /// nothing has changed.
    pub async fn turn(
        &self,
        account: &Account,
        subject: Subject,
        turn: Turn,
        reason: &str,
    ) -> Result<Changed, OfficeError> {
        Self::permit(account, Permit::ChangeRegister)?;
        self.within(account, &subject).await?;
        Ok(self.change(who(&person(account)), subject, turn, reason).await?)
    }

    /// Whoever sees some departments only changes nothing of others, nor what is of all.
    async fn within(&self, account: &Account, subject: &Subject) -> Result<(), OfficeError> {
        if account.scope.departments().is_none() {
            return Ok(());
        }
        let surgeon = match subject {
            Subject::Grants { surgeon, .. } | Subject::GradeWide { surgeon, .. } => surgeon,
            Subject::Surgeon(surgeon) => surgeon,
            Subject::Technique(_) | Subject::Procedure(_) => {
                return Err(OfficeError::Forbidden(Permit::ChangeRegister));
            }
        };
        let id = SurgeonId::new(surgeon).ok_or(OfficeError::Unknown)?;
        let (register, key) = (self.parts.gate.register(), PersonKey::Id(id));
        match register.surgeon(&key, Patience::Elective).await.lookup {
            Lookup::Found(found) if account.scope.sees(found.department.as_deref()) => Ok(()),
            Lookup::Found(_) | Lookup::Nobody | Lookup::Several | Lookup::Unavailable => {
                Err(OfficeError::Unknown)
            }
        }
    }

    /// Whether that would change anything.
    ///
    /// # Errors
    /// The register does not answer.
    pub async fn could_turn(&self, subject: &Subject, turn: Turn) -> Result<bool, OfficeError> {
        Ok(change::possible(&self.parts.source, subject, turn).await?)
    }

    /// Takes uploaded register files, or tells what they would change. What is wrong with the files is no error but
    /// the inner result.
    ///
    /// # Errors
    /// The account's roles, or that it sees some departments only: a file speaks of all.
    pub async fn import(
        &self,
        account: &Account,
        given: Vec<Given>,
        taking: Taking,
    ) -> Result<Result<ImportSummary, ImportError>, OfficeError> {
        Self::permit(account, Permit::ChangeRegister)?;
        if account.scope.departments().is_some() {
            return Err(OfficeError::Forbidden(Permit::ChangeRegister));
        }
        let request = Request {
            files: Vec::new(),
            merge: taking.merge,
            dry_run: taking.apply_to.is_none(),
            who: who(&person(account)),
            at: self.now(),
            policy: self.parts.import_policy.clone(),
        };
        let source = &self.parts.source;
        let outcome = import::import_given(source, &request, given, taking.apply_to).await;
        if outcome.is_ok() {
            // Should it fail, the next poll sees it.
            let _ = self.parts.gate.register().catch_up().await;
        }
        Ok(outcome)
    }
}
