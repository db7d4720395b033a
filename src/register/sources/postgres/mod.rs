//! The shared database: one PostgreSQL for several gates. What only PostgreSQL says stands in this folder.
//!
//! Each part of the program (register, accounts, cases …) has a schema of its own, made with its tables by the first
//! gate that reaches the database. Nothing here waits for the database at a start: a pool connects when it is first
//! asked, every wait is bounded, and a gate that lost the database finds it again by itself.

mod address;
pub mod duty;
mod news;
mod server;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sqlx::migrate::Migrator;

use crate::register::error::RegisterError;
use crate::register::sources::sql::{Dialect, SqlSource};
use crate::register::sources::sqlite::MIGRATIONS;

pub use crate::register::sources::postgres::address::Protection;
pub use crate::register::sources::postgres::news::News;
pub use crate::register::sources::postgres::server::{Part, Server};

/// Tables that stand in [`Part::further`] alone.
pub static NO_MIGRATIONS: Migrator = Migrator::DEFAULT;

/// Starts a transaction that sees one snapshot.
const BEGIN_READ: &str = "begin isolation level repeatable read read only";

/// Starts a transaction that no other writer of the register can overtake. The trigger of `by_hand.sql` knows by the
/// setting that the versions are seen to.
const BEGIN_WRITE: &str = "begin; set local orgate.writes = 'on'; \
     lock table versions in share row exclusive mode";

const POSTGRES: Dialect =
    Dialect { begin_read: BEGIN_READ, begin_write: BEGIN_WRITE, local: false, like: "ilike" };

/// On which the register's changes are told.
pub const CHANNEL: &str = "orgate_register";

/// Connections of a gate: the poll, and orders that wait for surgeons not in memory.
const MAX_CONNECTIONS: u32 = 8;

const REGISTER: Part = Part {
    schema: "orgate_register",
    migrations: &MIGRATIONS,
    further: &[include_str!("by_hand.sql")],
    max_connections: MAX_CONNECTIONS,
    // An import's statements are short; what it works out between them is not always.
    silent_within: "2min",
};

/// The register in `server`, which need not answer yet.
///
/// # Errors
/// The address cannot be used.
pub fn open(server: &Server) -> Result<SqlSource, RegisterError> {
    let pool = server.pool(REGISTER)?;
    let news = server.news(CHANNEL)?;
    Ok(SqlSource::new(pool, POSTGRES).told_by(Arc::new(news)))
}

/// As [`open`], once the database has answered and the tables are there: for commands.
///
/// # Errors
/// What is wrong, in the database's own words.
pub async fn open_now(server: &Server) -> Result<SqlSource, RegisterError> {
    server.check(REGISTER).await?;
    open(server)
}
