//! Register files → the register: all files or none, every fault at once, history kept.
//!
//! A table is one file here, called as it is, and named in [`TABLES`].
//! The way of a file: `sheet`/`workbook` (bytes → cells) → `cell` (cell → canonical text) → `reading`
//! (records by key) → `cross` (between tables) → `apply` (difference → rows) → `consequence`, `notes`
//! (what people ought to know of it).

pub mod apply;
pub mod calendar;
pub mod catalogue;
pub mod cell;
pub mod consequence;
pub mod cross;
pub mod discussions;
pub mod dossiers;
pub mod fault;
pub mod grants;
mod notes;
pub mod policy;
pub mod reading;
pub mod roster;
pub mod sheet;
pub mod surgeons;
pub mod techniques;
pub mod workbook;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use sqlx::{AnyConnection, Row};
use thiserror::Error;

use crate::domain::consequence::Consequence;
use crate::register::error::RegisterError;
use crate::register::import::apply::{Counts, Difference, RowChange};
use crate::register::import::cross::Standing;
use crate::register::import::fault::{Fault, Wording};
use crate::register::import::policy::Policy;
use crate::register::import::reading::Statement;
use crate::register::sources::fhir::owned::Owned;
use crate::register::sources::sql::{self, SqlSource};
use crate::register::table::Table;

/// Every register table, in the order in which faults are told.
pub static TABLES: &[&Table] = &[
    &catalogue::CATALOGUE,
    &techniques::TECHNIQUES,
    &dossiers::DOSSIERS,
    &surgeons::SURGEONS,
    &grants::GRANTS,
    &roster::ROSTER,
    &discussions::DISCUSSIONS,
    &calendar::CALENDAR,
];

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
    /// What the change newly prohibits, stops or leaves uncovered, at most [`consequence::MAX_LOSSES`].
    pub consequences: Vec<Consequence>,
    /// The rows that differ, for a preview, at most [`apply::SHOWN_MAX`] per table.
    pub rows: Vec<RowChange>,
}

/// A register file that is in memory: an upload.
#[derive(Clone)]
pub struct Given {
    /// Which table.
    pub table: &'static Table,
    /// What it is called, for faults.
    pub name: String,
    /// What it holds.
    pub bytes: bytes::Bytes,
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
    /// Somebody else has changed the register since the preview.
    #[error(
        "the register has changed since the preview (version {0}), look at the differences again"
    )]
    Moved(i64),
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
    let mut read = Vec::new();
    for (table, path) in &request.files {
        read.push(read_file(table, path, request.policy.clone()).await?);
    }
    import_read(source, request, read, None).await
}

/// Imports uploads likewise; `request.files` is not looked at. With `base`, only into that version of the register.
///
/// # Errors
/// As [`import`], and when the register is of another version than `base`.
pub async fn import_given(
    source: &SqlSource,
    request: &Request,
    given: Vec<Given>,
    base: Option<i64>,
) -> Result<ImportSummary, ImportError> {
    let mut read = Vec::new();
    for Given { table, name, bytes } in given {
        let size = bytes.len() as u64;
        if size > sheet::MAX_FILE_BYTES {
            let why = format!("it is larger than {} bytes", sheet::MAX_FILE_BYTES);
            return Err(ImportError::File { file: name.into(), why });
        }
        read.push(read_bytes(table, name, bytes, request.policy.clone()).await?);
    }
    import_read(source, request, read, base).await
}

async fn import_read(
    source: &SqlSource,
    request: &Request,
    read: Vec<(Statement, TableSummary)>,
    base: Option<i64>,
) -> Result<ImportSummary, ImportError> {
    let (mut statements, mut tables): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    let mut transaction = source.write().await?;
    let before = sql::newest_version(&mut transaction).await?;
    if base.is_some_and(|base| base != before) {
        return Err(ImportError::Moved(before));
    }
    let mut standing = standing(&mut transaction, &statements, request.merge).await?;
    // A file states what the house keeps by files; what a FHIR server states stays the server's.
    let pulled = Owned::of(&mut transaction, &statements).await?;
    standing.surgeons.extend(pulled.surgeons().map(str::to_owned));
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
        let statement_table = statement.table.name;
        let keeps = |key: &str| request.merge || pulled.holds(statement_table, key);
        let difference = apply::compare(&mut transaction, statement, &keeps).await?;
        summary.counts = difference.counts;
        differences.push(difference);
    }
    let changed = differences.iter().any(|difference| !difference.counts.nothing());
    let version = before + i64::from(changed);
    let mut summary = ImportSummary {
        version,
        changed,
        dry_run: request.dry_run,
        tables,
        notes: Vec::new(),
        consequences: Vec::new(),
        rows: differences.iter_mut().flat_map(|d| std::mem::take(&mut d.shown)).collect(),
    };
    if changed {
        enter_version(&mut transaction, request, &summary).await?;
        apply::write(&mut transaction, &differences, version).await?;
        let today = request.at.to_zoned_datetime(request.policy.zone.clone()).date();
        let losses = differences.iter().map(|difference| &difference.losses);
        summary.consequences = consequence::find(&mut transaction, losses, today).await?;
        consequence::store(&mut transaction, version, &summary.consequences).await?;
    }
    summary.notes = notes::notes(&mut transaction, &summary, &afterwards, &differences).await?;
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
    read_bytes(table, path.display().to_string(), bytes.into(), policy).await
}

async fn read_bytes(
    table: &'static Table,
    file: String,
    bytes: bytes::Bytes,
    policy: Policy,
) -> Result<(Statement, TableSummary), ImportError> {
    let name = PathBuf::from(&file);
    let read = move || {
        let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
        let sha256 = hex::encode(digest);
        let statement = Statement::read(table, &file, &bytes, &policy);
        let counts = Counts::default();
        (statement, TableSummary { table: table.name, file, sha256, counts })
    };
    let failed = |error: tokio::task::JoinError| error.to_string();
    let read = tokio::task::spawn_blocking(read).await.map_err(failed);
    read.map_err(|why| ImportError::File { file: name, why })
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
    if given("dossiers") && (merge || !given("techniques")) {
        let sql = "select distinct \"item\" from techniques where to_version is null";
        for row in sqlx::query(sql).fetch_all(&mut *connection).await? {
            standing.items.insert(row.try_get(0)?);
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
