//! `orgate import`: register files into the register, all or nothing.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use thiserror::Error;

use crate::clock::Clock;
use crate::register::import::policy::Policy;
use crate::register::import::{self, ImportError, ImportSummary, Request, table};
use crate::register::sources::sqlite;

/// Options of `orgate import`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("files").required(true).multiple(true)
    .args(["catalogue", "surgeons", "grants", "roster"]))]
pub struct ImportArgs {
    /// 手术分级管理目录 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
    /// 手术医师 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub surgeons: Option<PathBuf>,
    /// 手术授权 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub grants: Option<PathBuf>,
    /// 在院值班表 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub roster: Option<PathBuf>,
    /// Leave rows that the files do not name as they are, instead of ending them
    #[arg(long)]
    pub merge: bool,
    /// Check and compare, change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What the configuration has to say.
#[derive(Clone, Debug)]
pub struct ImportSettings<'s> {
    /// The embedded register's file.
    pub database: &'s Path,
    /// Institution level and time zone.
    pub policy: Policy,
    /// Who runs the command, for the history.
    pub who: String,
    /// When.
    pub clock: Clock,
}

/// Why the command could not do its work (a fault in the files is no such reason).
#[derive(Debug, Error)]
pub enum ImportCommandError {
    /// A file or the register.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Where the result is written to.
    #[error("the result cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// What the command did.
#[derive(Debug)]
pub struct Imported {
    /// 0 imported or nothing to do; 1 the files have faults.
    pub exit: ExitCode,
    /// For the ledger's `register` entry: present when a new version was made.
    pub entered: Option<ImportSummary>,
}

/// Imports the files named in `args` and tells the result on `out`.
///
/// # Errors
/// A file cannot be read, the register cannot be used, or `out` is closed.
pub async fn run(
    args: &ImportArgs,
    settings: &ImportSettings<'_>,
    out: &mut (dyn Write + Send),
) -> Result<Imported, ImportCommandError> {
    let given = [
        ("catalogue", &args.catalogue),
        ("surgeons", &args.surgeons),
        ("grants", &args.grants),
        ("roster", &args.roster),
    ];
    let files =
        given.into_iter().filter_map(|(name, file)| table(name).zip(file.clone())).collect();
    let request = Request {
        files,
        merge: args.merge,
        dry_run: args.dry_run,
        who: settings.who.clone(),
        at: settings.clock.now(),
        policy: settings.policy.clone(),
    };
    let source = sqlite::open(settings.database).await.map_err(ImportError::from)?;
    let outcome = import::import(&source, &request).await;
    source.close().await;
    match outcome {
        Ok(summary) => {
            tell(&summary, out)?;
            let entered = (summary.changed && !summary.dry_run).then_some(summary);
            Ok(Imported { exit: ExitCode::SUCCESS, entered })
        }
        Err(ImportError::Faults(faults)) => {
            for fault in &faults {
                writeln!(out, "{fault}")?;
            }
            let count = faults.len();
            writeln!(out, "{count} 处错误，未导入任何内容 / {count} faults, nothing was imported")?;
            Ok(Imported { exit: ExitCode::from(1), entered: None })
        }
        Err(error) => Err(error.into()),
    }
}

fn tell(summary: &ImportSummary, out: &mut (dyn Write + Send)) -> io::Result<()> {
    for t in &summary.tables {
        let c = &t.counts;
        writeln!(
            out,
            "{:<10} 新增 added {}  变更 changed {}  终止 ended {}  不变 unchanged {}",
            t.table, c.added, c.changed, c.ended, c.unchanged
        )?;
    }
    for note in &summary.notes {
        writeln!(out, "注意 note: {note}")?;
    }
    let version = summary.version;
    match (summary.changed, summary.dry_run) {
        (false, _) => writeln!(
            out,
            "与现有登记一致，版本仍为 {version} / nothing differs, still version {version}"
        ),
        (true, true) => writeln!(out, "试运行，未写入 / dry run, nothing was written"),
        (true, false) => writeln!(out, "登记版本 {version} / register version {version}"),
    }
}
