//! An embedded register, with all its history, into a shared database: all or nothing, counted on both sides.

use std::pin::pin;

use futures_util::StreamExt;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use thiserror::Error;

use crate::register::error::RegisterError;
use crate::register::import::TABLES;
use crate::register::sources::sql::SqlSource;

/// Rows of one INSERT: well below what PostgreSQL binds at a time.
const ROWS_PER_INSERT: usize = 200;

/// Why nothing was copied.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// Something is there already.
    #[error(
        "table {table} of the target holds {rows} rows already; only an empty database is filled, drop its schemas or \
         name another"
    )]
    NotEmpty {
        /// Which table.
        table: String,
        /// How many rows.
        rows: i64,
    },
    /// What was written is not what was read.
    #[error("{read} rows of table {table} were read and {written} arrived; nothing was kept")]
    Counts {
        /// Which table.
        table: String,
        /// Rows here.
        read: i64,
        /// Rows there.
        written: i64,
    },
    /// Either database.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Register(error.into())
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A number.
    Number,
    /// A number, or nothing; nothing is never 0 here.
    NumberOrNone,
    /// A text.
    Text,
}

/// A table to be copied.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<(String, Cell)>,
}

impl Sheet {
    /// A table of these columns.
    pub fn new(name: &str, columns: &[(&str, Cell)]) -> Self {
        let columns = columns.iter().map(|(name, cell)| ((*name).to_owned(), *cell)).collect();
        Self { name: name.to_owned(), columns }
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.columns.iter().map(|(n, _)| format!("\"{n}\"")).collect();
        names.join(", ")
    }

    fn insert(&self, rows: usize) -> String {
        let width = self.columns.len();
        let row = |nth: usize| {
            let cells = self.columns.iter().enumerate().map(|(at, (_, cell))| {
                let place = nth * width + at + 1;
                match cell {
                    Cell::Number | Cell::Text => format!("${place}"),
                    Cell::NumberOrNone => format!("nullif(${place}, 0)"),
                }
            });
            format!("({})", cells.collect::<Vec<_>>().join(", "))
        };
        let rows: Vec<String> = (0..rows).map(row).collect();
        format!("insert into {} ({}) values {}", self.name, self.names(), rows.join(", "))
    }
}

/// Every table of the register.
fn register() -> Vec<Sheet> {
    let mut all = vec![
        Sheet::new(
            "versions",
            &[
                ("version", Cell::Number),
                ("at", Cell::Text),
                ("who", Cell::Text),
                ("what", Cell::Text),
            ],
        ),
        Sheet::new(
            "changes",
            &[("version", Cell::Number), ("what", Cell::Text), ("key", Cell::Text)],
        ),
    ];
    let texts = ["kind", "subject", "codes", "up_to_grade", "diagnoses", "surgeon_id", "from_day"];
    let texts = texts.into_iter().chain(["to_day"]).map(|name| (name, Cell::Text));
    let columns: Vec<_> = [("version", Cell::Number)].into_iter().chain(texts).collect();
    all.push(Sheet::new("consequences", &columns));
    let text = |name| (name, Cell::Text);
    let resource = ["kind", "id", "practitioner", "staff", "facts"].map(text);
    all.push(Sheet::new("fhir_resources", &resource));
    let row = ["table", "key", "practitioner", "record"].map(text);
    all.push(Sheet::new("fhir_rows", &row));
    for table in TABLES {
        let versions = [("from_version", Cell::Number), ("to_version", Cell::NumberOrNone)];
        let own = table.columns.iter().map(|column| (column.name, Cell::Text));
        let derived = table.derived.iter().map(|derived| (derived.name, Cell::Text));
        let columns: Vec<_> = versions.into_iter().chain(own).chain(derived).collect();
        all.push(Sheet::new(table.name, &columns));
    }
    all
}

/// Copies the register; how many rows of each table.
///
/// # Errors
/// The target is not empty, either database does not answer, or the counts differ; then nothing was copied.
pub async fn migrate(from: &SqlSource, to: &SqlSource) -> Result<Vec<(String, i64)>, MigrateError> {
    let (mut here, mut there) = (from.read().await?, to.write().await?);
    let mut copied = Vec::new();
    for sheet in register() {
        let rows = copy(&mut here, &mut there, &sheet).await?;
        copied.push((sheet.name, rows));
    }
    here.rollback().await?;
    there.commit().await?;
    Ok(copied)
}

/// Copies a table into an empty one, and counts; how many rows.
///
/// # Errors
/// As [`migrate`]; what was copied until then is not taken back here.
pub async fn copy(
    here: &mut AnyConnection,
    there: &mut AnyConnection,
    sheet: &Sheet,
) -> Result<i64, MigrateError> {
    let rows = count(&mut *there, sheet).await?;
    if rows > 0 {
        return Err(MigrateError::NotEmpty { table: sheet.name.clone(), rows });
    }
    let read = count(&mut *here, sheet).await?;
    let sql = format!("select {} from {}", sheet.names(), sheet.name);
    let rows = pin!(sqlx::query(AssertSqlSafe(sql)).fetch(here));
    let mut chunks = rows.chunks(ROWS_PER_INSERT);
    while let Some(chunk) = chunks.next().await {
        let chunk: Vec<AnyRow> = chunk.into_iter().collect::<Result<_, _>>()?;
        let sql = sheet.insert(chunk.len());
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in &chunk {
            for (at, (_, cell)) in sheet.columns.iter().enumerate() {
                query = match cell {
                    Cell::Number => query.bind(row.try_get::<i64, _>(at)?),
                    Cell::NumberOrNone => {
                        query.bind(row.try_get::<Option<i64>, _>(at)?.unwrap_or(0))
                    }
                    Cell::Text => query.bind(row.try_get::<String, _>(at)?),
                };
            }
        }
        query.execute(&mut *there).await?;
    }
    let written = count(there, sheet).await?;
    if read == written {
        Ok(written)
    } else {
        Err(MigrateError::Counts { table: sheet.name.clone(), read, written })
    }
}

async fn count(connection: &mut AnyConnection, sheet: &Sheet) -> Result<i64, MigrateError> {
    let sql = format!("select count(*) from {}", sheet.name);
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(row.try_get(0)?)
}
