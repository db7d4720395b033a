//! `orgate export`: register tables as files that `import` reads back.

use std::io::{self, Write};
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::register::error::RegisterError;
use crate::register::export;
use crate::register::import::{TABLES, table};
use crate::register::sources::sqlite;

/// Options of `orgate export`.
#[derive(Args, Clone, Debug)]
pub(super) struct ExportArgs {
    /// Which table
    #[arg(value_name = "TABLE", value_parser = PossibleValuesParser::new(TABLES.iter().map(|t| t.name)))]
    pub(super) table: String,
    /// In which form
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    pub(super) format: ExportFormat,
    /// Begin the CSV with a byte order mark, for spreadsheet programs that guess
    #[arg(long)]
    pub(super) bom: bool,
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// CSV, UTF-8.
    Csv,
    /// A JSON array.
    Json,
}

/// Why nothing was exported.
#[derive(Debug, Error)]
pub(super) enum ExportError {
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// No such table.
    #[error("there is no register table `{0}`; see `orgate export -h`")]
    Table(String),
    /// Where the result is written to.
    #[error("the result cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// Writes the current rows of a table to `out`; times in `zone`.
///
/// # Errors
/// The register cannot be used, or `out` is closed.
pub(super) async fn run(
    args: &ExportArgs,
    database: &Path,
    zone: &TimeZone,
    out: &mut (dyn Write + Send),
) -> Result<(), ExportError> {
    let table = table(&args.table).ok_or_else(|| ExportError::Table(args.table.clone()))?;
    let source = sqlite::open(database).await?;
    let sheet = export::export(&source, table, zone).await;
    source.close().await;
    let sheet = sheet?;
    match args.format {
        ExportFormat::Csv => out.write_all(&sheet.csv(args.bom))?,
        ExportFormat::Json => out.write_all(sheet.json().as_bytes())?,
    }
    Ok(out.flush()?)
}
