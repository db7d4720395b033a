//! Who came in and who looked at what (IS Q9 Q12 Q14): `access` entries, written before anything is shown.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};

use crate::accounts::oidc::{OidcFault, Person};
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
        let account = match &outcome {
            Ok(entered) => Some(entered.account.name.clone()),
            // What was typed as a name may be a password: only a name that exists is kept.
            Err(_) => self.parts.accounts.account(name).await.map(|account| account.name).ok(),
        };
        let who = Map::from_iter([("account".to_owned(), account.into())]);
        let body = came(&outcome, visitor, who);
        self.let_in(outcome, &body).await
    }

    /// Lets somebody in for whom the identity provider answers, and records it; also that somebody was not let in.
    ///
    /// # Errors
    /// As [`Office::log_in`].
    pub async fn log_in_by(
        &self,
        person: &Person,
        visitor: Visitor,
    ) -> Result<Result<LoggedIn, LoginRefused>, OfficeError> {
        let (accounts, now) = (&self.parts.accounts, self.now());
        let (outcome, account) = match accounts.admit(person, now).await? {
            Err(refused) => (Err(refused), None),
            Ok(account) => {
                let name = account.name.clone();
                (accounts.enter(account, now).await?, Some(name))
            }
        };
        let who = [
            ("account", account.into()),
            ("by", "oidc".into()),
            ("name", person.display.as_str().into()),
            ("staff", person.staff.as_deref().into()),
            ("subject", person.subject.as_str().into()),
        ];
        let who = who.map(|(name, value): (&str, Value)| (name.to_owned(), value));
        let body = came(&outcome, visitor, Map::from_iter(who));
        self.let_in(outcome, &body).await
    }

    /// Records that a login by the identity provider came to nothing before it was known whose it would be.
    ///
    /// # Errors
    /// It cannot be recorded.
    pub async fn turned_away(&self, fault: OidcFault, visitor: Visitor) -> Result<(), OfficeError> {
        events::LoginRefused { why: fault.as_str() }.emit();
        let body = json!({
            "account": null,
            "act": "login-refused",
            "address": visitor.address.to_string(),
            "by": "oidc",
            "why": fault.as_str(),
        });
        self.enter(Kind::Access, &body).await.map(|_| ())
    }

    /// Nobody is in who is not on record.
    async fn let_in(
        &self,
        outcome: Result<LoggedIn, LoginRefused>,
        body: &Value,
    ) -> Result<Result<LoggedIn, LoginRefused>, OfficeError> {
        if let Err(error) = self.enter(Kind::Access, body).await {
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
    pub async fn looked(
        self: &Arc<Self>,
        account: &Account,
        look: &Look,
    ) -> Result<Looked, OfficeError> {
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
                    let (office, account) = (Arc::clone(self), account.clone());
                    // It is found out once: whoever leaves at this moment is locked all the same.
                    Self::through(async move { office.unusual(&account, count, now).await })
                        .await?;
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

/// What is recorded of a login, with what is known of who it is.
fn came(
    outcome: &Result<LoggedIn, LoginRefused>,
    visitor: Visitor,
    mut who: Map<String, Value>,
) -> Value {
    who.insert("address".to_owned(), visitor.address.to_string().into());
    let act = match outcome {
        Ok(_) => "login",
        Err(refused) => {
            events::LoginRefused { why: refused.as_str() }.emit();
            who.insert("why".to_owned(), refused.as_str().into());
            "login-refused"
        }
    };
    who.insert("act".to_owned(), act.into());
    Value::Object(who)
}

/// Tells one patient from another and no more.
fn mark(patient: &str) -> [u8; 8] {
    let hash = digest(&SHA256, patient.trim().as_bytes());
    hash.as_ref().first_chunk().copied().unwrap_or_default()
}
