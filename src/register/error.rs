//! What can go wrong with the register as a whole; faults of register files are in `import/fault.rs`.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::net::tls::why::blamed;

/// Why the register could not be opened, asked or written.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// The database's folder or file.
    #[error(
        "the register database {path} cannot be used ({why}); check that the folder exists and is writable"
    )]
    Path {
        /// The database file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The shared database.
    #[error("the database {server} cannot be used: {why}")]
    Server {
        /// Which, without user and password.
        server: String,
        /// What it said, or what the system said.
        why: String,
    },
    /// The database could not be brought to this program's form.
    #[error("the register database cannot be brought up to date: {0}; it may be of a newer orgate")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// The database refused or broke off.
    #[error("the register source does not answer: {}", told(.0))]
    Source(#[from] sqlx::Error),
    /// Nothing within the time allowed.
    #[error("the register source has not answered within {} ms", .0.as_millis())]
    Slow(Duration),
    /// A source that has not caught up with a change already seen elsewhere.
    #[error(
        "the register source answered from version {got}, but version {needed} is known to exist"
    )]
    Behind {
        /// Version of the answer.
        got: i64,
        /// Version that must be seen.
        needed: i64,
    },
    /// A row that import would not have written.
    #[error(
        "table {table}, column {column} of the register holds a text that import never writes; was it edited by hand?"
    )]
    Row {
        /// Which table.
        table: &'static str,
        /// Which column.
        column: &'static str,
    },
    /// A source that is not a database.
    #[error("the register source does not answer: {0}")]
    Other(String),
}

/// What went wrong with the database, in words, without what it was told.
pub(crate) fn told(error: &sqlx::Error) -> String {
    if let Some(why) = blamed(error) {
        return format!("TLS with it fails, {}", of_tls(why));
    }
    match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("it answers: {} ({code})", error.message()),
            None => format!("it answers: {}", error.message()),
        },
        other => other.to_string(),
    }
}

/// What to look at. Nothing else is tried then: a connection without TLS least of all.
fn of_tls(why: &'static str) -> String {
    let look = match why {
        "certificate-unknown-issuer" => "nobody trusted signed its certificate, see sslrootcert",
        "certificate-wrong-name" => "its certificate is of another name than the address says",
        "certificate-expired" => "its certificate has expired",
        "certificate-not-valid-yet" => "its certificate does not hold yet, look at the clocks",
        "peer-wants-a-certificate" | "peer-refuses-our-certificate" => {
            "it wants another certificate of the gate, see sslcert and sslkey"
        }
        _ => return why.to_owned(),
    };
    format!("{why}: {look}")
}
