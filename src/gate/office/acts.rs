//! Acts on override files: checked against the file as it stands, written to the ledger, then taken into the index.

use std::sync::Arc;

use jiff::Timestamp;

use crate::accounts::{Account, Permit};
use crate::domain::procedure::ProcedureCode;
use crate::gate::office::outstanding::reason_of_last;
use crate::gate::office::{Office, OfficeError};
use crate::ledger::Kind;
use crate::overrides::{
    Act, Conclusion, FileId, OverrideFile, Person, Recorded, Suspension, Target,
};
use crate::register::change::{self, Change, Changed, Subject, Turn};
use crate::telemetry::office as events;

/// What a review did.
#[derive(Debug)]
pub struct Reviewed {
    /// The file as it stands now.
    pub file: OverrideFile,
    /// What was suspended with it; `Some(Err)`: it was to be, and the register did not take it. The review stands.
    pub suspended: Option<Result<Changed, String>>,
}

impl Office {
    /// A file that the account may see.
    ///
    /// # Errors
    /// There is none, or the index does not answer.
    pub async fn override_file(
        &self,
        account: &Account,
        id: &FileId,
    ) -> Result<OverrideFile, OfficeError> {
        Self::permit(account, Permit::See)?;
        let file = self.parts.overrides.file(id).await?;
        let seen = |file: &OverrideFile| account.scope.sees(file.opened.department.as_deref());
        file.filter(seen).ok_or(OfficeError::Unknown)
    }

    /// Closes a file, and suspends what a rejection is to suspend.
    ///
    /// # Errors
    /// What the rules of override files say, the account's roles, or nothing there to suspend; then nothing is done.
    pub async fn review(
        self: &Arc<Self>,
        account: &Account,
        id: &FileId,
        conclusion: Conclusion,
        reason: &str,
        suspend: Option<Target>,
    ) -> Result<Reviewed, OfficeError> {
        Self::permit(account, Permit::Review)?;
        let act = Act::Reviewed {
            by: person(account),
            conclusion,
            reason: reason.trim().to_owned(),
            suspend: suspend.map(|of| Suspension { of }),
        };
        let turn = self.alone().await?;
        let before = self.override_file(account, id).await?;
        before.check(&act, self.now())?;
        let subject = match suspend {
            None => None,
            Some(target) => Some(self.to_suspend(&before, target).await?),
        };
        let (office, who) = (Arc::clone(self), who(&person(account)));
        Self::through(async move {
            let _turn = turn;
            let file = office.act(before, act).await?;
            let suspended = match subject {
                None => None,
                Some(subject) => {
                    let reason = reason_of_last(&file);
                    let changed = office.change(who, subject, Turn::Suspend, &reason).await;
                    Some(changed.map_err(|error| error.to_string()))
                }
            };
            Ok(Reviewed { file, suspended })
        })
        .await
    }

    /// Opens a closed file again.
    ///
    /// # Errors
    /// As [`Office::review`].
    pub async fn reopen(
        &self,
        account: &Account,
        id: &FileId,
        reason: &str,
    ) -> Result<OverrideFile, OfficeError> {
        let act = Act::Reopened { by: person(account), reason: reason.trim().to_owned() };
        self.checked_act(account, id, act).await
    }

    /// Enters afterwards that a life was at stake, in the name of the person who uses the account.
    ///
    /// # Errors
    /// As [`Office::review`].
    pub async fn attest_file(
        &self,
        account: &Account,
        id: &FileId,
        reason: &str,
    ) -> Result<OverrideFile, OfficeError> {
        let act = Act::Attested { by: person(account), reason: reason.trim().to_owned() };
        self.checked_act(account, id, act).await
    }

    async fn checked_act(
        &self,
        account: &Account,
        id: &FileId,
        act: Act,
    ) -> Result<OverrideFile, OfficeError> {
        Self::permit(account, Permit::Review)?;
        let _turn = self.alone().await?;
        let before = self.override_file(account, id).await?;
        before.check(&act, self.now())?;
        self.act(before, act).await
    }

    /// Escalates what is overdue; how many files.
    ///
    /// # Errors
    /// The index or the ledger does not answer; what was escalated until then is.
    pub async fn escalate(&self) -> Result<usize, OfficeError> {
        let now = self.now();
        let ladder = &self.parts.ladder;
        let mut alone = self.alone().await?;
        let due = self.parts.overrides.overdue(now, |file| ladder.due(file, now)).await?;
        let count = due.len();
        for (file, act) in due {
            alone.stands().await?;
            let file = self.act(file, act).await?;
            events::OverrideOverdue { entry: &file.opened.id.entry, level: file.level }.emit();
        }
        Ok(count)
    }

    /// Writes an act, and gives the file after it. Once it is written it is done: should the index not take it now,
    /// the reader of the ledger brings it there.
    async fn act(&self, mut file: OverrideFile, act: Act) -> Result<OverrideFile, OfficeError> {
        let id = file.opened.id.clone();
        let body = act.body(&id);
        let (entry, seq, at) = self.enter(Kind::Override, &body).await?;
        events::OverrideActed { entry: &id.entry, act: act.name() }.emit();
        let recorded =
            Recorded { entry: entry.to_string(), seq, at, of: id.entry, case: Some(id.case), act };
        file.apply(recorded.clone());
        if let Err(error) = self.parts.overrides.take(&[], &[(recorded, body.to_string())]).await {
            events::SearchUnwritten { error: &error }.emit();
        }
        Ok(file)
    }

    /// What of a surgeon a rejection suspends.
    pub(super) async fn to_suspend(
        &self,
        file: &OverrideFile,
        target: Target,
    ) -> Result<Subject, OfficeError> {
        let surgeon = file.opened.surgeon.staff.clone().ok_or(OfficeError::Unknown)?;
        let subject = match target {
            Target::Surgeon => Subject::Surgeon(surgeon),
            Target::Grant => {
                let code = file.opened.procedure.as_deref().and_then(ProcedureCode::new);
                Subject::Grants { surgeon, code: code.ok_or(OfficeError::Unknown)? }
            }
        };
        if change::possible(&self.parts.source, &subject, Turn::Suspend).await? {
            Ok(subject)
        } else {
            Err(change::ChangeError::Nothing.into())
        }
    }

    /// Changes the register, and has the gate know at once.
    pub(super) async fn change(
        &self,
        who: String,
        subject: Subject,
        turn: Turn,
        reason: &str,
    ) -> Result<Changed, change::ChangeError> {
        let at: Timestamp = self.now();
        let today = self.parts.gate.zone().to_datetime(at).date();
        let wanted = Change { subject, turn, reason: reason.to_owned(), who, at, today };
        let changed = change::change(&self.parts.source, &wanted).await?;
        // Should it fail, the next poll sees it.
        let _ = self.parts.gate.register().catch_up().await;
        Ok(changed)
    }
}

/// Somebody, as the register's history names who changed it.
pub(super) fn who(by: &Person) -> String {
    format!("{} [{}]", by.words(), by.account.as_deref().unwrap_or_default())
}

/// The person who uses an account.
pub(super) fn person(account: &Account) -> Person {
    Person {
        account: Some(account.name.clone()),
        name: Some(account.display.clone()),
        staff: account.staff.clone(),
    }
}
