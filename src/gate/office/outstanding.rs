//! Suspensions that a rejection has entered and the register does not have yet: the gate stopped between the two, or
//! the register did not answer. The ledger's word holds, so they are made up for.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

use crate::gate::office::acts::who;
use crate::gate::office::{Office, OfficeError};
use crate::overrides::{Act, OverrideFile, Person, Recorded};
use crate::register::change::{self, ChangeError, Turn};
use crate::telemetry::office as events;

/// Rejections are looked at so far back; what is older was settled by hand or by starts before.
const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The reviews whose suspensions are known to be in the register, by their entries.
#[derive(Debug, Default)]
pub(super) struct Settled(Mutex<BTreeSet<String>>);

impl Settled {
    fn holds(&self, review: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(review)
    }

    fn keep(&self, review: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(review);
    }
}

impl Office {
    /// Makes up for suspensions that are entered and not made; how many were.
    ///
    /// # Errors
    /// The index or the register does not answer; what was made until then is.
    pub async fn suspend_outstanding(&self) -> Result<usize, OfficeError> {
        let mut alone = self.alone().await?;
        let now = self.now();
        let since = now.checked_sub(LOOKED_BACK).unwrap_or(now);
        let mut made = 0;
        for file in self.parts.overrides.suspending_since(since).await? {
            let Some((review, by)) = last_review(&file) else { continue };
            if self.settled.holds(&review.entry) {
                continue;
            }
            let reason = reason_of(&file, review);
            let source = &self.parts.source;
            alone.stands().await?;
            if !change::was_made(source, &reason).await? {
                made += usize::from(self.make_up(&file, &who(by), &reason).await?);
            }
            self.settled.keep(review.entry.clone());
        }
        Ok(made)
    }

    /// False where somebody has seen to it by hand.
    async fn make_up(
        &self,
        file: &OverrideFile,
        who: &str,
        reason: &str,
    ) -> Result<bool, OfficeError> {
        let Some(target) = file.suspend.as_ref().map(|suspend| suspend.of) else {
            return Ok(false);
        };
        let subject = match self.to_suspend(file, target).await {
            Ok(subject) => subject,
            Err(OfficeError::Unknown | OfficeError::Register(ChangeError::Nothing)) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        self.change(who.to_owned(), subject, Turn::Suspend, reason).await?;
        events::SuspensionMadeUp { entry: &file.opened.id.entry }.emit();
        Ok(true)
    }
}

/// The review that closed the file, and who made it.
fn last_review(file: &OverrideFile) -> Option<(&Recorded, &Person)> {
    let valid = file.history.iter().rev().filter(|step| step.void.is_none());
    valid.map(|step| &step.recorded).find_map(|recorded| match &recorded.act {
        Act::Reviewed { by, .. } => Some((recorded, by)),
        Act::Attested { .. } | Act::Reopened { .. } | Act::Escalated { .. } => None,
    })
}

/// Why the register was changed: found again by it, so it names the review. What the reviewer wrote may be of a
/// patient, and stays with the file.
pub(super) fn reason_of(file: &OverrideFile, review: &Recorded) -> String {
    format!("override file {} rejected in {}", file.opened.id, review.entry)
}

/// As [`reason_of`], of a file that was reviewed just now.
pub(super) fn reason_of_last(file: &OverrideFile) -> String {
    last_review(file).map_or_else(String::new, |(review, _)| reason_of(file, review))
}
