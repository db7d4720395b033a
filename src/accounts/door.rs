//! The door: log in, go on with a session, log out; lock-out after wrong passwords.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, Row};

use crate::accounts::Accounts;
use crate::accounts::account::{Account, Status};
use crate::accounts::error::AccountsError;
use crate::accounts::rows::{self, Kept};
use crate::accounts::session::{Session, Token};

/// The time of a session's last use is written so often.
const SEEN_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Somebody is in.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// Who.
    pub account: Account,
    /// For the cookie.
    pub token: Token,
}

/// Why somebody is not let in. Told to them: only that it failed, or until when the account is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// No such account, or another password, or none (another system answers for the person).
    #[error("name or password is wrong")]
    Wrong,
    /// Too many wrong passwords.
    #[error("the account is locked")]
    Locked(Timestamp),
    /// Closed by an administrator.
    #[error("the account is disabled")]
    Disabled,
    /// It has ended.
    #[error("the account has expired")]
    Expired,
    /// Another system answers for the person, and none of their groups has a role here.
    #[error("no group of the person has a role here")]
    NoRole,
    /// Another system answers for the person, and an account of that name is somebody else's.
    #[error("the account's name is somebody else's")]
    Taken,
}

impl LoginRefused {
    /// A stable word for the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Locked(_) => "locked",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::NoRole => "no-role",
            Self::Taken => "taken",
        }
    }
}

impl Accounts {
    /// Lets somebody in who knows the password.
    ///
    /// # Errors
    /// The database does not answer. That somebody is not let in is no error but the inner result.
    pub async fn log_in(
        &self,
        name: &str,
        password: &str,
        now: Timestamp,
    ) -> Result<Result<LoggedIn, LoginRefused>, AccountsError> {
        let found = rows::find(&mut *self.pool.acquire().await?, "name", name).await?;
        let locked = found.as_ref().and_then(|kept| kept.account.locked_until);
        if let Some(until) = locked.filter(|until| now < *until) {
            return Ok(Err(LoginRefused::Locked(until)));
        }
        let kept = found.as_ref().map(|kept| kept.password.as_str());
        let matched = self.matches(password, kept).await?;
        let Some(kept) = found else { return Ok(Err(LoginRefused::Wrong)) };
        if kept.password.is_empty() {
            // There is none to be guessed, and nobody else is to lock its owner out.
            return Ok(Err(LoginRefused::Wrong));
        }
        if !matched {
            return Ok(Err(self.failed(&kept, now).await?));
        }
        self.enter(kept.account, now).await
    }

    /// Lets an account in that another system answers for.
    ///
    /// # Errors
    /// As [`Accounts::log_in`].
    pub async fn enter(
        &self,
        account: Account,
        now: Timestamp,
    ) -> Result<Result<LoggedIn, LoginRefused>, AccountsError> {
        if account.status == Status::Disabled {
            return Ok(Err(LoginRefused::Disabled));
        }
        if account.expires.is_some_and(|end| now >= end) {
            return Ok(Err(LoginRefused::Expired));
        }
        let token = Token::new()?;
        let mut transaction = self.pool.begin_with(self.begin_write).await?;
        if let Some(refused) = locked(&mut transaction, &account.name, now).await? {
            return Ok(Err(refused));
        }
        let sql =
            "update accounts set failures = 0, locked_until = 0, last_login = $1 where name = $2";
        let query = sqlx::query(sql).bind(now.as_microsecond()).bind(account.name.as_str());
        query.execute(&mut *transaction).await?;
        let gone = now.as_microsecond().saturating_sub(micros(self.config.life));
        let sql = "delete from sessions where began < $1";
        sqlx::query(sql).bind(gone).execute(&mut *transaction).await?;
        sqlx::query("insert into sessions (token, account, began, seen) values ($1, $2, $3, $4)")
            .bind(token.at_rest())
            .bind(account.name.as_str())
            .bind(now.as_microsecond())
            .bind(now.as_microsecond())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Ok(LoggedIn { account, token }))
    }

    /// Counts a wrong password; the one too many locks. Counted in the database, so that many at once all count.
    async fn failed(&self, kept: &Kept, now: Timestamp) -> Result<LoginRefused, AccountsError> {
        let mut transaction = self.pool.begin_with(self.begin_write).await?;
        let name = kept.account.name.as_str();
        if let Some(refused) = locked(&mut transaction, name, now).await? {
            return Ok(refused);
        }
        let sql = "update accounts set failures = failures + 1 where name = $1";
        sqlx::query(sql).bind(name).execute(&mut *transaction).await?;
        let sql = "select failures from accounts where name = $1";
        let row = sqlx::query(sql).bind(name).fetch_one(&mut *transaction).await?;
        let failures: i64 = row.try_get(0)?;
        let mut refused = LoginRefused::Wrong;
        if failures >= i64::from(self.config.lock_after) && failures > kept.failures {
            let until = later(now, self.config.lock_for);
            let sql = "update accounts set failures = 0, locked_until = $1 where name = $2";
            let query = sqlx::query(sql).bind(until.as_microsecond()).bind(name);
            query.execute(&mut *transaction).await?;
            refused = LoginRefused::Locked(until);
        }
        transaction.commit().await?;
        Ok(refused)
    }

    /// The session of a token, where it goes on. `active` is a person's own doing; a page that refreshes itself is
    /// not, and does not keep a session alive.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn session(
        &self,
        token: &Token,
        now: Timestamp,
        active: bool,
    ) -> Result<Option<Session>, AccountsError> {
        let mut connection = self.pool.acquire().await?;
        let sql = "select account, began, seen from sessions where token = $1";
        let row = sqlx::query(sql).bind(token.at_rest()).fetch_optional(&mut *connection).await?;
        let Some(row) = row else { return Ok(None) };
        let name: String = row.try_get(0)?;
        let (began, seen): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        let (now_us, config) = (now.as_microsecond(), self.config);
        let since = |at: i64| now_us.saturating_sub(at);
        let over = since(began) >= micros(config.life) || since(seen) >= micros(config.idle);
        let found = if over { None } else { rows::find(&mut connection, "name", &name).await? };
        let account = found.map(|kept| kept.account).filter(|account| account.usable(now));
        let Some(account) = account else {
            drop(connection);
            self.log_out(token).await?;
            return Ok(None);
        };
        if active && i128::from(since(seen)) >= SEEN_EVERY.as_micros() {
            let sql = "update sessions set seen = $1 where token = $2";
            let query = sqlx::query(sql).bind(now_us).bind(token.at_rest());
            query.execute(&mut *connection).await?;
        }
        Ok(Some(Session { account, token: token.clone() }))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn log_out(&self, token: &Token) -> Result<(), AccountsError> {
        let sql = "delete from sessions where token = $1";
        sqlx::query(sql).bind(token.at_rest()).execute(&self.pool).await?;
        Ok(())
    }

    /// Locks an account and ends its sessions: what it reads is unusual (IS Q9).
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn lock(&self, name: &str, until: Timestamp) -> Result<(), AccountsError> {
        let sql = "update accounts set locked_until = $1 where name = $2";
        let query = sqlx::query(sql).bind(until.as_microsecond()).bind(name);
        query.execute(&self.pool).await?;
        self.end_sessions(name).await
    }
}

/// Whether the account is locked by now: many passwords may be tried at once, all of them begun before it was.
async fn locked(
    connection: &mut AnyConnection,
    name: &str,
    now: Timestamp,
) -> Result<Option<LoginRefused>, AccountsError> {
    let found = rows::find(connection, "name", name).await?;
    let until = found.and_then(|kept| kept.account.locked_until);
    Ok(until.filter(|until| now < *until).map(LoginRefused::Locked))
}

pub(in crate::accounts) fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
