//! What administrators do: accounts made and changed. Checked, then in the ledger as `access` entries, then done.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::accounts::change::{Change, ChangeRefused, weigh};
use crate::accounts::error::AccountsError;
use crate::accounts::keep::Chosen;
use crate::accounts::{Account, NewAccount, Permit, Role, Scope, generated};
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
        let mut body = rights(&new.roles, &new.scope, new.expires.map(|end| end.to_string()));
        fill(&mut body, by, "account-added", &new.name, "");
        body["display"] = new.display.as_str().into();
        body["staff"] = new.staff.as_deref().into();
        body["vendor"] = new.vendor.into();
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
        let mut body = match &change {
            Change::Rights { roles, scope, expires } => {
                let mut body = rights(roles, &Scope::All, expires.map(|end| end.to_string()));
                body["departments"] = match scope {
                    Some(scope) => scope.departments().into(),
                    None => "unchanged".into(),
                };
                body
            }
            _ => json!({}),
        };
        fill(&mut body, by, act(&change), name, &reason);
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

fn rights(roles: &[Role], scope: &Scope, expires: Option<String>) -> Value {
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).collect();
    json!({ "departments": scope.departments(), "expires": expires, "roles": roles })
}

/// Who does what to whose account, and why.
fn fill(body: &mut Value, by: &Account, act: &'static str, of: &str, reason: &str) {
    body["account"] = by.name.as_str().into();
    body["act"] = act.into();
    body["name"] = by.display.as_str().into();
    body["of"] = of.into();
    body["reason"] = reason.into();
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
