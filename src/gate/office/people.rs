//! What administrators do: accounts made and changed. Checked, then in the ledger as `access` entries, then done.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::accounts::change::{Change, ChangeRefused, weigh};
use crate::accounts::error::AccountsError;
use crate::accounts::keep::Chosen;
use crate::accounts::{Account, NewAccount, Permit, Role, generated};
use crate::gate::office::{Office, OfficeError};
use crate::ledger::Kind;

/// Longest reason that is kept, in characters.
const REASON_MAX: usize = 500;

/// An account, with what goes on by it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The account.
    pub account: Account,
    /// Sessions that go on.
    pub sessions: u64,
}

impl Office {
    /// All accounts, by name.
    ///
    /// # Errors
    /// The account's roles, or the accounts do not answer.
    pub async fn listed(&self, by: &Account) -> Result<Vec<Listed>, OfficeError> {
        Self::permit(by, Permit::Administer)?;
        let sessions = self.parts.accounts.sessions(self.now()).await?;
        let all = self.parts.accounts.list().await?.into_iter().map(|account| {
            let sessions = sessions.get(&account.name).copied().unwrap_or(0);
            Listed { account, sessions }
        });
        Ok(all.collect())
    }

    /// Makes an account; gives its password, which is kept nowhere and must be changed at the first login.
    ///
    /// # Errors
    /// What is wrong with it, or it cannot be recorded; then there is none.
    pub async fn add_account(
        self: &Arc<Self>,
        by: &Account,
        new: NewAccount,
    ) -> Result<String, OfficeError> {
        Self::permit(by, Permit::Administer)?;
        let turn = Arc::clone(&self.keeping).lock_owned().await;
        new.check(self.now()).map_err(refused)?;
        if new.expires.is_some_and(|end| end <= self.now()) {
            return Err(ChangeRefused::Past.into());
        }
        match self.parts.accounts.account(&new.name).await {
            Err(AccountsError::Unknown(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err(ChangeRefused::Taken.into()),
        }
        let password = generated()?;
        let mut body = record(by, "account-added", &new.name, "");
        body.extend(rights(&new.roles, new.scope.departments().into(), new.expires));
        body.insert("display".to_owned(), new.display.as_str().into());
        body.insert("staff".to_owned(), new.staff.as_deref().into());
        body.insert("vendor".to_owned(), new.vendor.into());
        let body = Value::Object(body);
        let (office, by) = (Arc::clone(self), by.name.clone());
        Self::through(async move {
            let _turn = turn;
            let (_, _, at) = office.enter(Kind::Access, &body).await?;
            let added = office.parts.accounts.add(&new, &password, &by, at).await;
            added.map_err(refused)?;
            Ok(password)
        })
        .await
    }

    /// Changes an account; gives the new password, where that is the change.
    ///
    /// # Errors
    /// Why not, or it cannot be recorded; then nothing has changed.
    pub async fn change_account(
        self: &Arc<Self>,
        by: &Account,
        name: &str,
        change: Change,
        reason: &str,
    ) -> Result<Option<String>, OfficeError> {
        Self::permit(by, Permit::Administer)?;
        let reason: String = reason.trim().chars().take(REASON_MAX).collect();
        if reason.is_empty() && change != Change::EndSessions {
            return Err(ChangeRefused::NoReason.into());
        }
        let turn = Arc::clone(&self.keeping).lock_owned().await;
        weigh(&self.parts.accounts.list().await?, &by.name, name, &change, self.now())?;
        let mut body = record(by, act(&change), name, &reason);
        if let Change::Rights { roles, scope, expires } = &change {
            let unchanged = || "unchanged".into();
            let departments = scope.as_ref().map_or_else(unchanged, |s| s.departments().into());
            body.extend(rights(roles, departments, *expires));
        }
        let body = Value::Object(body);
        let (office, name) = (Arc::clone(self), name.to_owned());
        Self::through(async move {
            let _turn = turn;
            let accounts = &office.parts.accounts;
            let password = match change {
                Change::Password => Some(generated()?),
                _ => None,
            };
            office.enter(Kind::Access, &body).await?;
            match &password {
                Some(password) => accounts.set_password(&name, password, Chosen::ForThem).await?,
                None => accounts.change(&name, &change).await?,
            }
            Ok(password)
        })
        .await
    }
}

/// A stable word for the ledger.
fn act(change: &Change) -> &'static str {
    match change {
        Change::Disable => "account-disabled",
        Change::Enable => "account-enabled",
        Change::Unlock => "account-unlocked",
        Change::EndSessions => "account-sessions-ended",
        Change::Password => "account-password",
        Change::Rights { .. } => "account-changed",
    }
}

fn rights(roles: &[Role], departments: Value, expires: Option<Timestamp>) -> Map<String, Value> {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    let expires = expires.map(|end| end.to_string());
    named([("departments", departments), ("expires", expires.into()), ("roles", roles.into())])
}

/// Who does what to whose account, and why.
fn record(by: &Account, act: &'static str, of: &str, reason: &str) -> Map<String, Value> {
    named([
        ("account", by.name.as_str().into()),
        ("act", act.into()),
        ("name", by.display.as_str().into()),
        ("of", of.into()),
        ("reason", reason.into()),
    ])
}

fn named<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What is wrong with a new account, in words for people.
fn refused(error: AccountsError) -> OfficeError {
    match error {
        AccountsError::Name(_) => ChangeRefused::Name.into(),
        AccountsError::NoRole => ChangeRefused::NoRole.into(),
        AccountsError::VendorExpiry(_) => ChangeRefused::VendorExpiry.into(),
        AccountsError::Taken(_) => ChangeRefused::Taken.into(),
        other => other.into(),
    }
}
