//! What can go wrong with accounts. Never a password, never a token.

use thiserror::Error;

/// Why accounts cannot be used or changed.
#[derive(Debug, Error)]
pub enum AccountsError {
    /// The database could not be brought to this program's form.
    #[error("the accounts cannot be brought up to date: {0}; they may be of a newer orgate")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database refused or broke off.
    #[error("the accounts do not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// A row that this program would not have written.
    #[error("account `{0}` holds a text that orgate never writes; was it edited by hand?")]
    Row(String),
    /// Names are compared, printed and typed.
    #[error("`{0}` is no account name: 2 to 32 of a–z, 0–9, `.`, `-`, `_`")]
    Name(String),
    /// Nobody of that name.
    #[error("there is no account `{0}`")]
    Unknown(String),
    /// The name is taken.
    #[error("there is an account `{0}` already")]
    Taken(String),
    /// An account without a role can do nothing.
    #[error("an account needs at least one role: {}", crate::accounts::Role::WORDS)]
    NoRole,
    /// IS Q9: accounts of vendors end.
    #[error("an account of a vendor ends: give a day within {0} days")]
    VendorExpiry(i64),
    /// Another system keeps it.
    #[error("`{0}` logs in by the identity provider and has no password here")]
    NoPassword(String),
    /// Too easy.
    #[error("the password is too {0}")]
    Password(&'static str),
    /// The machine has no randomness or no memory to hash with.
    #[error("a password cannot be hashed on this machine: {0}")]
    Hash(&'static str),
}
