//! The sources of privileges: how each is reached (one file or folder each), and the SQL that they share.

mod ask;
pub mod fhir;
pub mod keep;
pub mod postgres;
pub mod sql;
pub mod sqlite;

use std::fmt;
use std::path::PathBuf;

use crate::register::error::RegisterError;
use crate::register::sources::postgres::Server;
use crate::register::sources::sql::SqlSource;

/// Where the register is.
#[derive(Clone, Debug)]
pub enum Place {
    /// Embedded, in a file.
    File(PathBuf),
    /// Shared by several gates.
    Server(Server),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

impl Place {
    /// For a gate: a shared database need not answer yet.
    ///
    /// # Errors
    /// The file cannot be used, or is of a newer program.
    pub async fn open(&self) -> Result<SqlSource, RegisterError> {
        match self {
            Self::File(file) => sqlite::open(file).await,
            Self::Server(server) => postgres::open(server),
        }
    }

    /// For a command, which has nothing to do without the register.
    ///
    /// # Errors
    /// The database cannot be used, or is of a newer program.
    pub async fn open_now(&self) -> Result<SqlSource, RegisterError> {
        match self {
            Self::File(file) => sqlite::open(file).await,
            Self::Server(server) => postgres::open_now(server).await,
        }
    }

    /// Whether there can be a register: a file that is not there holds none.
    pub fn made(&self) -> bool {
        match self {
            Self::File(file) => file.exists(),
            Self::Server(_) => true,
        }
    }

    /// The shared database, where it is one.
    pub fn server(&self) -> Option<&Server> {
        match self {
            Self::File(_) => None,
            Self::Server(server) => Some(server),
        }
    }
}
