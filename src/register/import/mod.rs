//! Register files → the register: all files or none, every fault at once, history kept.
//!
//! A table is one file here (`catalogue.rs`, `surgeons.rs`, `grants.rs`, `roster.rs`), named in [`TABLES`].
//! The way of a file: `sheet`/`workbook` (bytes → cells) → `cell` (cell → canonical text) → `reading`
//! (records by key) → `cross` (between tables) → `apply` (difference → rows).

pub mod apply;
pub mod catalogue;
pub mod cell;
pub mod cross;
pub mod fault;
pub mod grants;
pub mod policy;
pub mod reading;
pub mod roster;
pub mod sheet;
pub mod surgeons;
pub mod workbook;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use sqlx::{AnyConnection, AssertSqlSafe, Row};
use thiserror::Error;

use crate::register::error::RegisterError;
use crate::register::import::apply::{Counts, Difference};
use crate::register::import::cross::{Afterwards, Standing};
use crate::register::import::fault::{Fault, Wording, say};
use crate::register::import::policy::Policy;
use crate::register::import::reading::Statement;
use crate::register::sources::sql::{self, SqlSource};
use crate::register::table::Table;

/// Every register table, in the order in which faults are told.
pub static TABLES: &[&Table] =
    &[&catalogue::CATALOGUE, &surgeons::SURGEONS, &grants::GRANTS, &roster::ROSTER];

/// The table of a name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().copied().find(|table| table.name == name)
}

/// What to import and how.
#[derive(Clone, Debug)]
pub struct Request {
    /// Files by table, each table at most once.
    pub files: Vec<(&'static Table, PathBuf)>,
    /// Leave rows that the files do not name as they are, instead of ending them.
    pub merge: bool,
    /// Do everything except commit.
    pub dry_run: bool,
    /// Who imports, for the history.
    pub who: String,
    /// When, for the history.
    pub at: Timestamp,
    /// What the institution's settings have to say.
    pub policy: Policy,
}

/// What an import did to one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSummary {
    /// Which table.
    pub table: &'static str,
    /// The file as given.
    pub file: String,
    /// SHA-256 of the file, in hex: which text was imported.
    pub sha256: String,
    /// How many rows.
    pub counts: Counts,
}

/// What an import did. The body of the ledger's `register` entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSummary {
    /// The register version afterwards; in a dry run, the one it would have been.
    pub version: i64,
    /// Whether a new version was made; `false` when the register already said the same.
    pub changed: bool,
    /// Whether nothing was committed on purpose.
    pub dry_run: bool,
    /// Per table.
    pub tables: Vec<TableSummary>,
    /// What is no fault but ought to be looked at.
    pub notes: Vec<Wording>,
}

/// Why nothing was imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The files have faults.
    #[error("{} faults in the register files; nothing was imported", .0.len())]
    Faults(Vec<Fault>),
    /// A file cannot be read at all.
    #[error("{file} cannot be read ({why}); check the path and its permissions")]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Register(error.into())
    }
}

/// Imports register files in one transaction.
///
/// # Errors
/// Any fault of any file, all at once; then nothing has changed.
pub async fn import(source: &SqlSource, request: &Request) -> Result<ImportSummary, ImportError> {
    let (mut statements, mut tables) = (Vec::new(), Vec::new());
    for (table, path) in &request.files {
        let (statement, summary) = read_file(table, path, request.policy.clone()).await?;
        statements.push(statement);
        tables.push(summary);
    }
    let mut transaction = source.write().await?;
    let standing = standing(&mut transaction, &statements, request.merge).await?;
    let afterwards = cross::check(&mut statements, &standing);
    for statement in &mut statements {
        statement.faults.sort_by_key(|fault| fault.line.unwrap_or(u64::MAX));
    }
    let faults: Vec<Fault> = statements.iter_mut().flat_map(|s| s.faults.drain(..)).collect();
    if !faults.is_empty() {
        return Err(ImportError::Faults(faults));
    }
    let mut differences: Vec<Difference> = Vec::new();
    for (statement, summary) in statements.into_iter().zip(&mut tables) {
        let difference = apply::compare(&mut transaction, statement, request.merge).await?;
        summary.counts = difference.counts;
        differences.push(difference);
    }
    let before = sql::newest_version(&mut transaction).await?;
    let changed = differences.iter().any(|difference| !difference.counts.nothing());
    let version = before + i64::from(changed);
    let mut summary =
        ImportSummary { version, changed, dry_run: request.dry_run, tables, notes: Vec::new() };
    if changed {
        enter_version(&mut transaction, request, &summary).await?;
        apply::write(&mut transaction, &differences, version).await?;
    }
    summary.notes = notes(&mut transaction, &summary, &afterwards).await?;
    if changed && !request.dry_run {
        transaction.commit().await?;
    } else {
        transaction.rollback().await?;
    }
    Ok(summary)
}

async fn read_file(
    table: &'static Table,
    path: &Path,
    policy: Policy,
) -> Result<(Statement, TableSummary), ImportError> {
    let failed = |why: String| ImportError::File { file: path.to_owned(), why };
    let size = tokio::fs::metadata(path).await.map_err(|error| failed(error.to_string()))?.len();
    if size > sheet::MAX_FILE_BYTES {
        return Err(failed(format!("it is larger than {} bytes", sheet::MAX_FILE_BYTES)));
    }
    let bytes = tokio::fs::read(path).await.map_err(|error| failed(error.to_string()))?;
    let file = path.display().to_string();
    let read = move || {
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let statement = Statement::read(table, &file, &bytes, &policy);
        let counts = Counts::default();
        (statement, TableSummary { table: table.name, file, sha256, counts })
    };
    tokio::task::spawn_blocking(read).await.map_err(|error| failed(error.to_string()))
}

/// What the register holds and the files do not replace, as far as a check needs it.
async fn standing(
    connection: &mut AnyConnection,
    statements: &[Statement],
    merge: bool,
) -> Result<Standing, RegisterError> {
    let given = |name: &str| statements.iter().any(|statement| statement.table.name == name);
    let mut standing = Standing::default();
    if (given("grants") || given("roster")) && (merge || !given("surgeons")) {
        let sql = "select \"surgeon_id\" from surgeons where to_version is null";
        for row in sqlx::query(sql).fetch_all(&mut *connection).await? {
            standing.surgeons.insert(row.try_get(0)?);
        }
    }
    if (given("grants") && !given("catalogue")) || (given("catalogue") && merge) {
        for record in sql::current(connection, &catalogue::CATALOGUE).await? {
            let fields = crate::register::record::Fields::split(&catalogue::CATALOGUE, &record);
            let key = catalogue::CATALOGUE.key_of(&fields).into_boxed_str();
            standing.catalogue.insert(key, record);
        }
    }
    Ok(standing)
}

async fn enter_version(
    connection: &mut AnyConnection,
    request: &Request,
    summary: &ImportSummary,
) -> Result<(), RegisterError> {
    let what: Vec<String> = summary
        .tables
        .iter()
        .map(|t| {
            let c = &t.counts;
            format!("{} +{} ~{} -{} sha256:{}", t.table, c.added, c.changed, c.ended, t.sha256)
        })
        .collect();
    sqlx::query("insert into versions (version, at, who, what) values ($1, $2, $3, $4)")
        .bind(summary.version)
        .bind(request.at.to_string())
        .bind(request.who.as_str())
        .bind(what.join("; "))
        .execute(connection)
        .await?;
    Ok(())
}

/// Grants whose surgeon or procedure is no longer stated. They count for nothing, and come back to life
/// with it; whether that is meant only people can tell.
async fn notes(
    connection: &mut AnyConnection,
    summary: &ImportSummary,
    afterwards: &Afterwards,
) -> Result<Vec<Wording>, RegisterError> {
    let stated = |name: &str| {
        summary.tables.iter().any(|t| t.table == name && t.counts.ended + t.counts.changed > 0)
    };
    let mut notes = Vec::new();
    for (parent, column, known, zh) in [
        ("surgeons", "surgeon_id", &afterwards.surgeons, "工号"),
        ("catalogue", "code", &afterwards.codes, "编码"),
    ] {
        let Some(known) = known.as_ref().filter(|_| stated(parent)) else {
            continue;
        };
        let sql =
            format!("select distinct \"{column}\" from grants where to_version is null order by 1");
        let mut lost: Vec<String> = Vec::new();
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
            let value: &str = row.try_get(0)?;
            if !value.is_empty() && !known.contains(value) {
                lost.push(value.to_owned());
            }
        }
        if !lost.is_empty() {
            let (count, some) = (lost.len(), lost.iter().take(20).cloned().collect::<Vec<_>>());
            let some = some.join(", ");
            notes.push(say(
                format!("授权表中有 {count} 个{zh}已不在 {parent} 中，其授权不再起作用：{some}"),
                format!("grants still name {count} values of {column} that {parent} no longer has; those grants count for nothing: {some}"),
            ));
        }
    }
    Ok(notes)
}
