//! Accounts kept: added, listed, given passwords. Who did it is the ledger's business.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use crate::accounts::Accounts;
use crate::accounts::account::{Account, NewAccount, Scope};
use crate::accounts::door::LoginRefused;
use crate::accounts::error::AccountsError;
use crate::accounts::oidc::Person;
use crate::accounts::{password, rows};

/// A password, and whether its owner chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// By the person: it stays.
    ByOwner,
    /// By somebody else: to be changed at the first login.
    ForThem,
}

impl Accounts {
    /// Makes an account with a password that its owner must change.
    ///
    /// # Errors
    /// What is wrong with it, or the database does not answer.
    pub async fn add(
        &self,
        new: &NewAccount,
        password: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        new.check(now)?;
        password::check(password, &new.name)?;
        let hashed = self.hash(password).await?;
        self.insert(new, &hashed, "", by, now).await
    }

    /// Makes an account that another system answers for, or brings what that system says of it up to date. What it
    /// does not say – whether the account is closed, when it ends – stays as it is here.
    ///
    /// # Errors
    /// The database does not answer. That somebody is not let in is no error but the inner result.
    pub async fn admit(
        &self,
        person: &Person,
        now: Timestamp,
    ) -> Result<Result<Account, LoginRefused>, AccountsError> {
        let known = self.by_subject(&person.subject).await?;
        if person.roles.is_empty() {
            // Whoever has lost the last role is out at once, not at the next login only.
            if let Some(known) = known {
                self.end_sessions(&known.name).await?;
            }
            return Ok(Err(LoginRefused::NoRole));
        }
        let known = match known {
            Some(known) => known,
            None => match self.insert_person(person, now).await {
                Ok(account) => return Ok(Ok(account)),
                // The same person at another window, or somebody else of that name.
                Err(AccountsError::Taken(_)) => match self.by_subject(&person.subject).await? {
                    Some(known) => known,
                    None => return Ok(Err(LoginRefused::Taken)),
                },
                Err(error) => return Err(error),
            },
        };
        let scope = person.scope.as_ref().unwrap_or(&known.scope);
        let sql = "update accounts set display = $1, staff = $2, roles = $3, departments = $4 \
                   where name = $5";
        sqlx::query(sql)
            .bind(person.display.as_str())
            .bind(person.staff.as_deref().unwrap_or_default())
            .bind(rows::roles(&person.roles))
            .bind(rows::departments(scope))
            .bind(known.name.as_str())
            .execute(&self.pool)
            .await?;
        self.account(&known.name).await.map(Ok)
    }

    async fn by_subject(&self, subject: &str) -> Result<Option<Account>, AccountsError> {
        let found = rows::find(&mut *self.pool.acquire().await?, "subject", subject).await?;
        Ok(found.map(|kept| kept.account))
    }

    async fn insert_person(
        &self,
        person: &Person,
        now: Timestamp,
    ) -> Result<Account, AccountsError> {
        let new = NewAccount {
            name: person.account.clone(),
            display: person.display.clone(),
            staff: person.staff.clone(),
            roles: person.roles.clone(),
            scope: person.scope.clone().unwrap_or(Scope::All),
            vendor: false,
            expires: None,
        };
        new.check(now)?;
        self.insert(&new, "", &person.subject, "oidc", now).await?;
        self.account(&new.name).await
    }

    async fn insert(
        &self,
        new: &NewAccount,
        hashed: &str,
        subject: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<(), AccountsError> {
        let places: Vec<String> = (1..=16).map(|place| format!("${place}")).collect();
        let (columns, places) = (rows::COLUMNS, places.join(","));
        let sql =
            format!("insert into accounts ({columns}) values ({places}) on conflict do nothing");
        let done = sqlx::query(AssertSqlSafe(sql))
            .bind(new.name.as_str())
            .bind(new.display.as_str())
            .bind(new.staff.as_deref().unwrap_or_default())
            .bind(rows::roles(&new.roles))
            .bind(rows::departments(&new.scope))
            .bind(hashed)
            .bind(subject)
            .bind("active")
            .bind(i64::from(new.vendor))
            .bind(rows::micros(new.expires))
            .bind(i64::from(!hashed.is_empty()))
            .bind(0_i64)
            .bind(0_i64)
            .bind(now.as_microsecond())
            .bind(by)
            .bind(0_i64)
            .execute(&self.pool)
            .await?;
        if done.rows_affected() == 0 {
            return Err(AccountsError::Taken(new.name.clone()));
        }
        Ok(())
    }

    /// An account.
    ///
    /// # Errors
    /// There is none, or the database does not answer.
    pub async fn account(&self, name: &str) -> Result<Account, AccountsError> {
        let found = rows::find(&mut *self.pool.acquire().await?, "name", name).await?;
        found.map(|kept| kept.account).ok_or_else(|| AccountsError::Unknown(name.to_owned()))
    }

    /// All accounts, by name.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn list(&self) -> Result<Vec<Account>, AccountsError> {
        let sql = format!("select {} from accounts order by name", rows::COLUMNS);
        let found = sqlx::query(AssertSqlSafe(sql)).fetch_all(&self.pool).await?;
        found.iter().map(|row| rows::read(row).map(|kept| kept.account)).collect()
    }

    /// Sets a password; every session of the account ends.
    ///
    /// # Errors
    /// It is too easy, there is no such account, or the database does not answer.
    pub async fn set_password(
        &self,
        name: &str,
        password: &str,
        chosen: Chosen,
    ) -> Result<(), AccountsError> {
        password::check(password, name)?;
        if self.account(name).await?.subject.is_some() {
            return Err(AccountsError::NoPassword(name.to_owned()));
        }
        let hashed = self.hash(password).await?;
        let must_change = i64::from(chosen == Chosen::ForThem);
        let sql = "update accounts set password = $1, must_change = $2, failures = 0, locked_until = 0 \
                   where name = $3";
        let query = sqlx::query(sql).bind(hashed).bind(must_change).bind(name);
        let done = query.execute(&self.pool).await?;
        known(name, done.rows_affected())?;
        self.end_sessions(name).await
    }

    /// Ends every session of an account.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_sessions(&self, name: &str) -> Result<(), AccountsError> {
        let sql = "delete from sessions where account = $1";
        sqlx::query(sql).bind(name).execute(&self.pool).await?;
        Ok(())
    }
}

pub(in crate::accounts) fn known(name: &str, rows: u64) -> Result<(), AccountsError> {
    if rows == 0 { Err(AccountsError::Unknown(name.to_owned())) } else { Ok(()) }
}
