//! `orgate import`: register files into the register, all or nothing.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{ArgGroup, Args};
use thiserror::Error;

use crate::cli::EXIT_USAGE;
use crate::clock::Clock;
use crate::domain::consequence::Consequence;
use crate::register::import::policy::Policy;
use crate::register::import::{self, ImportError, ImportSummary, Request, table};
use crate::register::sources::Place;

/// Options of `orgate import`.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("files").required(true).multiple(true)
    .args(["catalogue", "techniques", "dossiers", "surgeons", "grants", "roster", "discussions", "calendar"]))]
pub(super) struct ImportArgs {
    /// 手术分级管理目录 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) catalogue: Option<PathBuf>,
    /// 技术清单：禁止、限制、重点监管、特殊管理 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) techniques: Option<PathBuf>,
    /// 技术档案：自评、伦理、首例、备案 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) dossiers: Option<PathBuf>,
    /// 手术医师 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) surgeons: Option<PathBuf>,
    /// 手术授权 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) grants: Option<PathBuf>,
    /// 在院值班表 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) roster: Option<PathBuf>,
    /// 术前多学科讨论 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) discussions: Option<PathBuf>,
    /// 工作日历：与周一至周五不同的日子 (CSV or XLSX)
    #[arg(long, value_name = "FILE")]
    pub(super) calendar: Option<PathBuf>,
    /// Leave rows that the files do not name as they are, instead of ending them
    #[arg(long)]
    pub(super) merge: bool,
    /// Check and compare, change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What the configuration has to say.
#[derive(Clone, Debug)]
pub(super) struct ImportSettings<'s> {
    /// The embedded register's file.
    pub(super) database: &'s Place,
    /// Institution level and time zone.
    pub(super) policy: Policy,
    /// Who runs the command, for the history.
    pub(super) who: String,
    /// When.
    pub(super) clock: Clock,
}

/// Why the command could not do its work (a fault in the files is no such reason).
#[derive(Debug, Error)]
pub(super) enum ImportCommandError {
    /// A file or the register.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Where the result is written to.
    #[error("the result cannot be written: {0}")]
    Output(#[from] io::Error),
}

/// Imports the files named in `args` and tells the result on `out`; 0 imported or nothing to do, 2 the files
/// have faults; and what the change newly prohibits, stops or ends. The ledger entry is written by the gate
/// that sees the new version.
///
/// # Errors
/// A file cannot be read, the register cannot be used, or `out` is closed.
pub(super) async fn run(
    args: &ImportArgs,
    settings: &ImportSettings<'_>,
    out: &mut (dyn Write + Send),
) -> Result<(u8, Vec<Consequence>), ImportCommandError> {
    let given = [
        ("catalogue", &args.catalogue),
        ("techniques", &args.techniques),
        ("dossiers", &args.dossiers),
        ("surgeons", &args.surgeons),
        ("grants", &args.grants),
        ("roster", &args.roster),
        ("discussions", &args.discussions),
        ("calendar", &args.calendar),
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
    let source = settings.database.open_now().await.map_err(ImportError::from)?;
    let outcome = import::import(&source, &request).await;
    source.close().await;
    match outcome {
        Ok(summary) => {
            tell(&summary, out)?;
            Ok((0, summary.consequences))
        }
        Err(ImportError::Faults(faults)) => {
            for fault in &faults {
                writeln!(out, "{fault}")?;
            }
            let count = faults.len();
            writeln!(out, "{count} 处错误，未导入任何内容 / {count} faults, nothing was imported")?;
            Ok((EXIT_USAGE, Vec::new()))
        }
        Err(error) => Err(error.into()),
    }
}

fn tell(summary: &ImportSummary, out: &mut (dyn Write + Send)) -> io::Result<()> {
    for t in &summary.tables {
        let c = &t.counts;
        writeln!(
            out,
            "{:<11} 新增 added {}  变更 changed {}  终止 ended {}  不变 unchanged {}",
            t.table, c.added, c.changed, c.ended, c.unchanged
        )?;
    }
    for consequence in &summary.consequences {
        writeln!(out, "影响 consequence: {consequence}")?;
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

#[cfg(test)]
mod tests {
    use clap::Parser;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::cli::export::{self, ExportArgs};
    use crate::register::import::policy::InstitutionLevel;

    #[derive(Parser)]
    struct ImportLine {
        #[command(flatten)]
        args: ImportArgs,
    }

    #[derive(Parser)]
    struct ExportLine {
        #[command(flatten)]
        args: ExportArgs,
    }

    async fn import(database: &Place, line: &[&str]) -> (u8, String) {
        let args = ImportLine::try_parse_from([&["import"], line].concat()).unwrap().args;
        let policy = Policy { institution_level: InstitutionLevel::Tertiary, zone: TimeZone::UTC };
        let clock = Clock::Fixed(Timestamp::UNIX_EPOCH);
        let settings = ImportSettings { database, policy, who: "赵六".to_owned(), clock };
        let mut out = Vec::new();
        let (imported, _) = run(&args, &settings, &mut out).await.unwrap();
        (imported, String::from_utf8(out).unwrap())
    }

    #[tokio::test]
    async fn what_is_imported_is_told_entered_and_exported() {
        let folder = tempfile::TempDir::new().unwrap();
        let database = Place::File(folder.path().join("register.db"));
        let file = folder.path().join("surgeons.csv");
        std::fs::write(&file, "surgeon_id,name,licence_to\nD1,张三,2027-12-31\n").unwrap();
        let file = file.to_str().unwrap();

        let (dry, out) = import(&database, &["--surgeons", file, "--dry-run"]).await;
        assert!(dry == 0 && out.contains("dry run"), "{out}");
        let (first, out) = import(&database, &["--surgeons", file]).await;
        assert!(
            first == 0 && out.contains("added 1") && out.contains("register version 1"),
            "{out}"
        );
        let (again, out) = import(&database, &["--surgeons", file]).await;
        assert!(again == 0 && out.contains("still version 1"), "{out}");

        let json = ExportLine::try_parse_from(["export", "surgeons", "--format", "json"]);
        let mut out = Vec::new();
        export::register_table(&json.unwrap().args, &database, &TimeZone::UTC, &mut out)
            .await
            .unwrap();
        let rows: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(rows[0]["licence_to"], "2027-12-31");
        assert_eq!(rows[0].get("department"), None);
        assert!(ExportLine::try_parse_from(["export", "versions"]).is_err());
    }

    #[tokio::test]
    async fn faults_are_results_with_exit_status_two() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("surgeons.csv");
        std::fs::write(&file, "surgeon_id,name\nD1,\n,张三\n").unwrap();
        let database = Place::File(folder.path().join("register.db"));
        let (refused, out) = import(&database, &["--surgeons", file.to_str().unwrap()]).await;
        assert_eq!(refused, EXIT_USAGE);
        assert_eq!(out.lines().count(), 3, "{out}");
        assert!(out.contains("surgeons.csv:2: name: "), "{out}");
        assert!(ImportLine::try_parse_from(["import", "--dry-run"]).is_err(), "a file is needed");
    }
}
