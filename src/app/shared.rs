//! What gates may share, opened: in files of this gate, or in the database that all of them use.

use std::path::Path;

use jiff::Timestamp;

use crate::accounts::{self, Accounts};
use crate::app::AppError;
use crate::cases::{self, Cases};
use crate::config::Settings;
use crate::overrides::{self, Overrides};
use crate::register::error::RegisterError;
use crate::register::migrate::{self, Cell, MigrateError, Sheet};
use crate::register::sources::postgres::duty::{self, Duties};
use crate::register::sources::postgres::{NO_MIGRATIONS, Part, Server};
use crate::register::sources::sqlite::{self, Keeping};

/// Less than duties last without a word, and much more than a gate needs between two statements.
const SILENT_WITHIN: &str = "10s";

const ACCOUNTS: Part = Part {
    schema: "orgate_accounts",
    migrations: &accounts::MIGRATIONS,
    further: &[],
    max_connections: 4,
    silent_within: SILENT_WITHIN,
};

/// Wrong passwords are counted one after the other, whichever gate they are tried at.
const ACCOUNTS_WRITE: &str = "begin; lock table accounts in share row exclusive mode";

const CASES: Part = Part {
    schema: "orgate_cases",
    migrations: &cases::MIGRATIONS,
    further: &[],
    max_connections: 8,
    silent_within: SILENT_WITHIN,
};

/// Override files and duties: what is done once, whichever gate does it.
const OFFICE: Part = Part {
    schema: "orgate_office",
    migrations: &NO_MIGRATIONS,
    further: &[overrides::TABLES, duty::TABLE],
    max_connections: 4,
    silent_within: SILENT_WITHIN,
};

/// When a shared database must answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// At once: a command has nothing to do without it.
    Now,
    /// When it can: a gate runs without it.
    InTime,
}

/// Whether a shared database can be used for everything that is kept there.
///
/// # Errors
/// What is wrong with it.
pub async fn check_shared(settings: &Settings) -> Result<(), RegisterError> {
    let Some(server) = settings.register_at.server() else { return Ok(()) };
    for part in [ACCOUNTS, CASES, OFFICE] {
        server.check(part).await?;
    }
    Ok(())
}

/// The accounts of the configured gate, for a command; their tables are made if need be.
///
/// # Errors
/// They cannot be used, or are of a newer program.
pub async fn open_accounts(settings: &Settings) -> Result<Accounts, AppError> {
    accounts(settings, Needed::Now).await
}

pub(super) async fn accounts(settings: &Settings, needed: Needed) -> Result<Accounts, AppError> {
    let config = settings.console.desk.accounts;
    let Some(server) = settings.register_at.server() else {
        let pool = sqlite::connect(&settings.accounts_file(), Keeping::Full).await?;
        return Ok(Accounts::open(pool, "begin immediate", config).await?);
    };
    if needed == Needed::Now {
        server.check(ACCOUNTS).await?;
    }
    Ok(Accounts::over(server.pool(ACCOUNTS)?, ACCOUNTS_WRITE, config))
}

/// The index of override files, where gates share it.
pub(super) async fn overrides(
    settings: &Settings,
    needed: Needed,
) -> Result<Option<Overrides>, AppError> {
    let Some(server) = settings.register_at.server() else { return Ok(None) };
    if needed == Needed::Now {
        server.check(OFFICE).await?;
    }
    Ok(Some(Overrides::over(server.pool(OFFICE)?, &*settings.node.name)))
}

pub(super) fn duties(settings: &Settings) -> Result<Duties, AppError> {
    match settings.register_at.server() {
        None => Ok(Duties::own()),
        Some(server) => Ok(Duties::shared(server, OFFICE, &*settings.node.name)?),
    }
}

pub(super) async fn cases(
    settings: &Settings,
    needed: Needed,
    now: Timestamp,
) -> Result<Cases, AppError> {
    let node = &settings.node.name;
    let Some(server) = settings.register_at.server() else {
        let file = settings.cases_file();
        let pools = (
            sqlite::connect(&file, Keeping::Whole).await?,
            sqlite::writer(&file, Keeping::Whole).await?,
            // Opened on threads that give way.
            sqlite::connect(&file, Keeping::Index).await?,
        );
        return Ok(Cases::open_apart(pools, cases::Config::embedded(node)).await?);
    };
    if needed == Needed::Now {
        server.check(CASES).await?;
    }
    Ok(Cases::over(server.pool(CASES)?, cases::Config::shared(node), now))
}

/// What nothing can be derived from again, besides the register.
fn precious() -> [(Part, &'static str, Sheet); 2] {
    let text = |name| (name, Cell::Text);
    let number = |name| (name, Cell::Number);
    let accounts = [
        text("name"),
        text("display"),
        text("staff"),
        text("roles"),
        text("departments"),
        text("password"),
        text("subject"),
        text("status"),
        number("vendor"),
        number("expires"),
        number("must_change"),
        number("failures"),
        number("locked_until"),
        number("created"),
        text("created_by"),
        number("last_login"),
    ];
    let marks = [text("entry"), text("subject"), number("at"), text("who")];
    [
        (ACCOUNTS, "accounts.db", Sheet::new("accounts", &accounts)),
        (CASES, "cases.db", Sheet::new("marks", &marks)),
    ]
}

/// Copies accounts and marks of sent reports from the files in `folder`, where there are any; how many rows of each.
/// Cases, override files and sessions are not copied: they are derived from the ledger, or end.
///
/// # Errors
/// As [`migrate::migrate`]; a table is copied whole or not at all.
pub async fn copy_precious(
    server: &Server,
    folder: &Path,
) -> Result<Vec<(String, i64)>, MigrateError> {
    let mut copied = Vec::new();
    for (part, file, sheet) in precious() {
        let file = folder.join(file);
        if !file.exists() {
            continue;
        }
        server.check(part).await?;
        let (from, to) = (sqlite::connect(&file, Keeping::Whole).await?, server.pool(part)?);
        let mut here = from.acquire().await?;
        let mut there = to.begin().await?;
        let rows = migrate::copy(&mut here, &mut there, &sheet).await?;
        there.commit().await?;
        copied.push((sheet.name, rows));
        drop(here);
        from.close().await;
        to.close().await;
    }
    Ok(copied)
}
