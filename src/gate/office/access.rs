//! Who came in and who looked at what (IS Q9 Q12 Q14): `access` entries, written before anything is shown.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde_json::json;

use crate::accounts::reading::Reading;
use crate::accounts::{Account, LoggedIn, LoginRefused, Token};
use crate::gate::office::{Office, OfficeError};
use crate::ledger::Kind;
use crate::telemetry::office as events;

/// Longest purpose that is kept, in characters.
const PURPOSE_MAX: usize = 200;

/// Where somebody sits.
#[derive(Clone, Copy, Debug)]
pub struct Visitor {
    /// The other end of the connection.
    pub address: IpAddr,
}

/// A look at what belongs to a patient, or a copy of it taken away.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// `viewed`, `searched` or `exported`.
    pub act: &'static str,
    /// Which page or table.
    pub what: &'static str,
    /// The ledger entry that was looked at.
    pub entry: Option<String>,
    /// The patients whose numbers were shown or sought.
    pub patients: Vec<String>,
    /// What for.
    pub purpose: String,
}

/// A look that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// As always.
    Usual,
    /// Unusually many patients within an hour: told, and shown all the same.
    Unusual(usize),
}

impl Office {
    /// Lets somebody in, and records it; also that somebody was not let in.
    ///
    /// # Errors
    /// The accounts or the ledger do not answer: nobody is let in unrecorded.
    pub async fn log_in(
        &self,
        name: &str,
        password: &str,
        visitor: Visitor,
    ) -> Result<Result<LoggedIn, LoginRefused>, OfficeError> {
        let outcome = self.parts.accounts.log_in(name, password, self.now()).await?;
        let address = visitor.address.to_string();
        let body = match &outcome {
            Ok(entered) => {
                json!({ "account": entered.account.name, "act": "login", "address": address })
            }
            Err(refused) => {
                events::LoginRefused { why: refused.as_str() }.emit();
                // What was typed as a name may be a password: only a name that exists is kept.
                let known = self.parts.accounts.account(name).await.map(|account| account.name);
                json!({
                    "account": known.ok(),
                    "act": "login-refused",
                    "address": address,
                    "why": refused.as_str(),
                })
            }
        };
        if let Err(error) = self.enter(Kind::Access, &body).await {
            if let Ok(entered) = &outcome {
                self.parts.accounts.log_out(&entered.token).await?;
            }
            return Err(error);
        }
        Ok(outcome)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The accounts do not answer. That it cannot be recorded keeps nobody inside.
    pub async fn log_out(&self, account: &Account, token: &Token) -> Result<(), OfficeError> {
        self.parts.accounts.log_out(token).await?;
        let body = json!({ "account": account.name, "act": "logout" });
        let _ = self.enter(Kind::Access, &body).await;
        Ok(())
    }

    /// Records a look; what is looked at is shown only then.
    ///
    /// # Errors
    /// It cannot be recorded, or the account is locked for it.
    pub async fn looked(&self, account: &Account, look: &Look) -> Result<Looked, OfficeError> {
        let purpose: String = look.purpose.trim().chars().take(PURPOSE_MAX).collect();
        let body = json!({
            "account": account.name,
            "act": look.act,
            "entry": look.entry,
            "name": account.display,
            "patients": look.patients,
            "purpose": purpose,
            "what": look.what,
        });
        self.enter(Kind::Access, &body).await?;
        let now = self.now();
        let mut looked = Looked::Usual;
        for patient in &look.patients {
            match self.readings.look(&account.name, mark(patient), now) {
                Reading::Usual => {}
                Reading::Still(count) => looked = Looked::Unusual(count),
                Reading::Unusual(count) => {
                    looked = Looked::Unusual(count);
                    self.unusual(account, count, now).await?;
                }
            }
        }
        Ok(looked)
    }

    async fn unusual(
        &self,
        account: &Account,
        count: usize,
        now: Timestamp,
    ) -> Result<(), OfficeError> {
        let lock = self.parts.lock_unusual.and_then(|lock| SignedDuration::try_from(lock).ok());
        let until = lock.map(|lock| now.saturating_add(lock).unwrap_or(Timestamp::MAX));
        events::UnusualReading { patients: count, locked: until.is_some() }.emit();
        let body = json!({
            "account": account.name,
            "act": "unusual",
            "locked_until": until.map(|until| until.to_string()),
            "patients_within_hour": count,
        });
        self.enter(Kind::Access, &body).await?;
        match until {
            None => Ok(()),
            Some(until) => {
                self.parts.accounts.lock(&account.name, until).await?;
                Err(OfficeError::Locked(until))
            }
        }
    }
}

/// Tells one patient from another and no more.
fn mark(patient: &str) -> [u8; 8] {
    let hash = digest(&SHA256, patient.trim().as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}
