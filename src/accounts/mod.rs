//! Who uses the console: local accounts, their roles and departments, passwords, lock-out, sessions (IS Q8 Q9).
//!
//! Reading order: `account` (what an account is, pure) · `password` (argon2id) · `session` (tokens) · `door` (log in,
//! go on, log out) · `keep` (add, list) · `change` (what administrators change) · `oidc` (logins that another system
//! answers for) · `reading` (who looks at unusually many patients).
//!
//! The tables are in a file of their own (`data_dir/accounts.db`), or in the database that gates share, where a login or
//! a lock-out then holds on all of them; and precious: nothing else holds them. A session's
//! token is known to the browser alone; at rest there is its hash. What people do is in the ledger, not here.

pub mod account;
pub mod change;
pub mod error;
pub mod oidc;
pub mod reading;
pub mod session;

mod door;
pub mod keep;
mod password;
mod rows;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::migrate::Migrator;
use tokio::sync::Semaphore;

pub use crate::accounts::account::{Account, NewAccount, Permit, Role, Scope, Status};
pub use crate::accounts::door::{LoggedIn, LoginRefused};
use crate::accounts::error::AccountsError;
pub use crate::accounts::password::{Cost, generated};
pub use crate::accounts::session::{Session, Token};

/// The tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("src/accounts/migrations");

/// Two programs that start at once may both want to make the tables; the loser looks again.
const MIGRATE_TRIES: u32 = 5;

/// Passwords hashed at a time: each takes 19 MiB and a core for some 20 ms, and routes come first.
const HASHES_AT_ONCE: usize = 2;

/// How long things hold.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Wrong passwords in a row before an account is locked.
    pub lock_after: u32,
    /// For how long.
    pub lock_for: Duration,
    /// A session nobody uses ends.
    pub idle: Duration,
    /// Every session ends.
    pub life: Duration,
    /// What a password costs to try.
    pub cost: Cost,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            lock_after: 5,
            lock_for: Duration::from_secs(15 * 60),
            idle: Duration::from_secs(30 * 60),
            life: Duration::from_secs(12 * 3600),
            cost: Cost::default(),
        }
    }
}

/// The accounts. Clones share everything.
#[derive(Clone, Debug)]
pub struct Accounts {
    pool: AnyPool,
    begin_write: &'static str,
    config: Config,
    hashing: Arc<Semaphore>,
}

impl Accounts {
    /// Makes the tables if need be.
    ///
    /// # Errors
    /// The database cannot be used, or is of a newer program.
    pub async fn open(
        pool: AnyPool,
        begin_write: &'static str,
        config: Config,
    ) -> Result<Self, AccountsError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match MIGRATIONS.run(&pool).await {
                Ok(()) => break,
                Err(error) if tries >= MIGRATE_TRIES => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        Ok(Self::over(pool, begin_write, config))
    }

    /// Over a database that need not answer yet; whoever connects to it sees to the tables.
    pub fn over(pool: AnyPool, begin_write: &'static str, config: Config) -> Self {
        let hashing = Arc::new(Semaphore::new(HASHES_AT_ONCE));
        Self { pool, begin_write, config, hashing }
    }

    /// Closes the database.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
