//! `orgate export`: register tables as files that `import` reads back, and what is published and reported.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::cases::error::CasesError;
use crate::cases::report::{Report, ReportState};
use crate::cli::privileges::Privileges;
use crate::cli::sheet::Sheet;
use crate::cli::{open_cases, open_register, publication};
use crate::config::Settings;
use crate::register::error::RegisterError;
use crate::register::export;
use crate::register::import::{TABLES, table};
use crate::register::sources::sqlite;

const RESTRICTED_CASES: &str = "restricted-cases";
const CATALOGUE_PUBLICATION: &str = "catalogue-publication";
const RESTRICTED_PUBLICATION: &str = "restricted-publication";
const SUPERVISION: &str = "supervision";
const PRIVILEGES: &str = "privileges";

fn tables() -> PossibleValuesParser {
    let own =
        [RESTRICTED_CASES, CATALOGUE_PUBLICATION, RESTRICTED_PUBLICATION, SUPERVISION, PRIVILEGES];
    PossibleValuesParser::new(TABLES.iter().map(|table| table.name).chain(own))
}

/// Options of `orgate export`.
#[derive(Args, Clone, Debug)]
pub(super) struct ExportArgs {
    /// A register table; 逐例上报 restricted-cases; 目录公示 catalogue-publication, restricted-publication;
    /// 监管指标 supervision; 授权名册 privileges (who may do what, for when no gate is there)
    #[arg(value_name = "TABLE", value_parser = tables())]
    pub(super) table: String,
    /// In which form
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    pub(super) format: ExportFormat,
    /// Begin the CSV with a byte order mark, for spreadsheet programs that guess
    #[arg(long)]
    pub(super) bom: bool,
    /// supervision: the first day; by default that of this month
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<Date>,
    /// supervision: the last day; by default today
    #[arg(long, value_name = "DATE")]
    pub(super) to: Option<Date>,
    /// privileges: only this department
    #[arg(long, value_name = "NAME")]
    pub(super) department: Option<String>,
    /// restricted-cases: only what is still to be sent, and mark it as sent
    #[arg(long)]
    pub(super) mark_sent: bool,
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// CSV, UTF-8.
    Csv,
    /// A JSON array.
    Json,
    /// A page for print, of `privileges` only.
    Html,
}

/// Why nothing was exported.
#[derive(Debug, Error)]
pub(super) enum ExportError {
    /// The register.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The case index.
    #[error(transparent)]
    Cases(#[from] CasesError),
    /// Register or case index cannot be opened.
    #[error("{0}")]
    Open(String),
    /// No such table.
    #[error("there is no table `{0}` to export; see `orgate export -h`")]
    Table(String),
    /// Only one table is also a page.
    #[error("only `privileges` can be exported as html, choose csv or json")]
    Html,
    /// The page.
    #[error("the page cannot be made: {0}")]
    Page(#[from] askama::Error),
    /// Where the result is written to.
    #[error("the result cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// Who exports, and when.
pub(super) struct Asker<'a> {
    pub(super) settings: &'a Settings,
    pub(super) who: &'a str,
    pub(super) now: Timestamp,
}

/// Writes what is asked for to `out`.
///
/// # Errors
/// Register or case index cannot be used, or `out` is closed; then nothing is marked as sent.
pub(super) async fn run(
    args: &ExportArgs,
    asker: &Asker<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(), ExportError> {
    let today = asker.settings.node.zone.to_datetime(asker.now).date();
    match args.table.as_str() {
        RESTRICTED_CASES => restricted_cases(args, asker, today, out).await,
        SUPERVISION => supervision(args, asker, today, out).await,
        PRIVILEGES => privileges(args, asker, out).await,
        CATALOGUE_PUBLICATION | RESTRICTED_PUBLICATION => {
            let register = open_register(asker.settings).await.map_err(ExportError::Open)?;
            let lists = register.lists();
            let sheet = if args.table == CATALOGUE_PUBLICATION {
                publication::catalogue(&register.catalogue(), &lists, today)
            } else {
                publication::restricted(&lists, today)
            };
            write(args, &sheet, out)
        }
        _ => {
            let settings = asker.settings;
            register_table(args, &settings.register_file, &settings.node.zone, out).await
        }
    }
}

/// Writes the current rows of a register table to `out`; times in `zone`.
///
/// # Errors
/// The register cannot be used, or `out` is closed.
pub(super) async fn register_table(
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
        ExportFormat::Html => return Err(ExportError::Html),
    }
    Ok(out.flush()?)
}

async fn restricted_cases(
    args: &ExportArgs,
    asker: &Asker<'_>,
    today: Date,
    out: &mut (dyn Write + Send),
) -> Result<(), ExportError> {
    let cases = open_cases(asker.settings).await.map_err(ExportError::Open)?;
    let due_days = asker.settings.report_due_days;
    let mut reports = cases.reports(Timestamp::MIN).await?;
    if args.mark_sent {
        let to_send = |report: &Report| {
            matches!(report.state(today, due_days), ReportState::Open | ReportState::Overdue)
        };
        reports.retain(to_send);
    }
    let sheet = publication::cases(&reports, &asker.settings.node.zone, today, due_days);
    write(args, &sheet, out)?;
    // Only what was written in full counts as sent.
    if args.mark_sent {
        cases.mark_sent(&reports, asker.now, asker.who).await?;
    }
    cases.close(Duration::from_secs(5)).await;
    Ok(())
}

async fn privileges(
    args: &ExportArgs,
    asker: &Asker<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(), ExportError> {
    let settings = asker.settings;
    let source = sqlite::open(&settings.register_file).await?;
    let staff = table("surgeons").ok_or_else(|| ExportError::Table("surgeons".to_owned()))?;
    let staff = export::export(&source, staff, &settings.node.zone).await;
    source.close().await;
    let ids = staff?.column("surgeon_id");
    let register = open_register(settings).await.map_err(ExportError::Open)?;
    let privileges = Privileges::gather(&register, &ids, asker, args.department.as_deref()).await?;
    if args.format == ExportFormat::Html {
        out.write_all(privileges.page()?.as_bytes())?;
        return Ok(out.flush()?);
    }
    write(args, &privileges.sheet(), out)
}

async fn supervision(
    args: &ExportArgs,
    asker: &Asker<'_>,
    today: Date,
    out: &mut (dyn Write + Send),
) -> Result<(), ExportError> {
    let cases = open_cases(asker.settings).await.map_err(ExportError::Open)?;
    let from = args.from.unwrap_or_else(|| today.first_of_month());
    let (to, zone) = (args.to.unwrap_or(today), &asker.settings.node.zone);
    let due_days = asker.settings.report_due_days;
    let cells = cases.supervision(from, to, zone, today, due_days).await?;
    cases.close(Duration::from_secs(5)).await;
    write(args, &publication::supervision(&cells), out)
}

fn write(args: &ExportArgs, sheet: &Sheet, out: &mut dyn Write) -> Result<(), ExportError> {
    match args.format {
        ExportFormat::Csv => out.write_all(&sheet.csv(args.bom))?,
        ExportFormat::Json => out.write_all(sheet.json().as_bytes())?,
        ExportFormat::Html => return Err(ExportError::Html),
    }
    Ok(out.flush()?)
}
