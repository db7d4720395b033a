//! One file per command: arguments → work → exit code. Results on stdout, logs on stderr.
#![expect(
    clippy::print_stderr,
    reason = "a command speaks to whoever called it; nowhere else prints"
)]

/// Writes a line of the result. Whoever closes the pipe has seen enough; that is no fault of ours.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

mod account;
mod backup;
mod bypass;
mod check;
mod demo;
mod explain;
mod export;
mod feed;
mod health;
mod hit;
mod import;
mod ledger;
mod privileges;
mod publication;
mod pull;
mod register;
mod reindex;
mod replay;
mod retention;
mod run;
mod send;
mod sheet;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::app;
use crate::cases::Cases;
use crate::cli::import::ImportSettings;
use crate::clock::Clock;
use crate::config;
use crate::config::{Node, Settings};
use crate::register::Register;

/// The check found something: blocked, tampered, invalid.
pub const EXIT_FOUND: u8 = 1;
/// Usage or configuration.
pub const EXIT_USAGE: u8 = 2;
/// Internal.
pub const EXIT_INTERNAL: u8 = 70;

/// 术闸: checks the surgeon's grant for every surgical order between the HIS and the operating rooms.
#[derive(Debug, Parser)]
#[command(name = "orgate", version, about, propagate_version = true)]
pub struct Cli {
    /// The configuration.
    #[arg(long, global = true, value_name = "FILE", default_value = "config/orgate.toml")]
    config: PathBuf,
    /// How logs are written to stderr.
    #[arg(long, global = true, value_name = "text|json", default_value = "text")]
    log: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays a day at a sample hospital through a gate, with nothing set up
    Demo(demo::DemoArgs),
    /// Runs the gate
    Run,
    /// Checks configuration, mappings with their examples, and register; prints every fault
    Check(check::CheckArgs),
    /// Loads register files in one transaction
    Import(import::ImportArgs),
    /// Writes register tables, case reports, publication lists and supervision figures
    Export(export::ExportArgs),
    /// Judges a stored message without sending or recording it, or a ledger entry again
    Explain(explain::ExplainArgs),
    /// Judges past messages as if enforced, and reports what going live would do
    Replay(replay::ReplayArgs),
    /// Sends messages over MLLP and prints each acknowledgement and latency percentiles
    Send(send::SendArgs),
    /// Shows feeds and their dead letters, and sends those again
    Feed(feed::FeedArgs),
    /// Keeps the accounts of the console
    Account(account::AccountArgs),
    /// Lets everything pass for a time, in an outage: the switch of the running gate
    Bypass(bypass::BypassArgs),
    /// Asks whether the gate of this machine runs and is ready: for containers and supervisors
    Health(health::HealthArgs),
    /// Copies register, accounts, ledger and configuration, also while the gate runs
    Backup(backup::BackupArgs),
    /// Makes a data directory of a backup, after everything in it was verified
    Restore(backup::RestoreArgs),
    /// Verifies, shows and exports the ledger; packs and gives away its old files
    Ledger(ledger::LedgerArgs),
    /// Moves the register from a gate's own file into a database that gates share
    Register(register::RegisterArgs),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EXIT_USAGE } else { 0 });
        }
    };
    let quiet = matches!(cli.command, Command::Demo(_) | Command::Replay(_));
    crate::telemetry::logs::start(matches!(cli.log, LogFormat::Json), quiet);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("the runtime cannot start: {error}");
            return ExitCode::from(EXIT_INTERNAL);
        }
    };
    let code = runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => demo::run(args).await,
            Command::Run => run::run(&cli.config).await,
            Command::Check(args) => check::run(args, &cli.config).await,
            Command::Import(args) => import_into(&args, &cli.config).await,
            Command::Export(args) => export_from(&args, &cli.config).await,
            Command::Explain(args) => explain::run(args, &cli.config).await,
            Command::Replay(args) => replay::run(args, &cli.config).await,
            Command::Send(args) => send::run(args).await,
            Command::Feed(args) => feed::run(args, &cli.config).await,
            Command::Account(args) => account_of(&args, &cli.config).await,
            Command::Bypass(args) => bypass::run(args, &cli.config),
            Command::Health(args) => health::run(&args, &cli.config),
            Command::Backup(args) => backup::make(&args, &cli.config).await,
            Command::Restore(args) => backup::restore(&args, &cli.config).await,
            Command::Ledger(args) => ledger_of(&args, &cli.config).await,
            Command::Register(args) => match settings(&cli.config) {
                Ok(settings) => register::run(&args, &settings).await,
                Err(code) => code,
            },
        }
    });
    ExitCode::from(code)
}

/// The checked configuration, or every fault on stderr.
fn settings(file: &Path) -> Result<Settings, u8> {
    config::load(file).map_err(|faults| {
        for fault in &faults.0 {
            eprintln!("{fault}");
        }
        eprintln!("{} fault(s); nothing was started", faults.0.len());
        EXIT_USAGE
    })
}

/// Where the gate of the configuration keeps its data, whatever else is wrong in it, or what is wrong on stderr.
fn node(file: &Path) -> Result<Node, u8> {
    config::load_node(file).map_err(|faults| {
        for fault in &faults.0 {
            eprintln!("{fault}");
        }
        EXIT_USAGE
    })
}

/// A decision in words for people.
fn decision_words(decision: crate::domain::verdict::Decision) -> &'static str {
    decision_words_by_name(decision.as_str())
}

/// A decision's public name in words for people.
fn decision_words_by_name(name: &str) -> &'static str {
    match name {
        "not-surgical" => "非手术 not-surgical",
        "forward" => "放行 forward",
        "forward-flagged" => "放行并提示 forward-flagged",
        "override" => "越权急诊 override",
        "block" => "拒绝 block",
        "unavailable" => "暂拒 unavailable",
        _ => "?",
    }
}

async fn import_into(args: &import::ImportArgs, file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let own = ImportSettings {
        database: &settings.register_at,
        policy: settings.import_policy(),
        who: who(),
        clock: Clock::System,
    };
    match import::run(args, &own, &mut std::io::stdout()).await {
        Ok((code, consequences)) => {
            if let Err(error) = hit::tell(&settings, &consequences).await {
                eprintln!("open orders and notices cannot be looked up: {error}");
            }
            code
        }
        Err(error) => failed(&error),
    }
}

/// Who ran the command, for the history: the operating system's word for it.
fn who() -> String {
    let who = std::env::var("ORGATE_WHO").or_else(|_| std::env::var("USER"));
    who.unwrap_or_else(|_| "unknown".to_owned())
}

async fn export_from(args: &export::ExportArgs, file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let asker = export::Asker { settings: &settings, who: &who(), now: Clock::System.now() };
    match export::run(args, &asker, &mut std::io::stdout()).await {
        Ok(()) => 0,
        Err(error) => failed(&error),
    }
}

async fn account_of(args: &account::AccountArgs, file: &Path) -> u8 {
    match settings(file) {
        Ok(settings) => account::run(args, &settings, &who()).await,
        Err(code) => code,
    }
}

async fn ledger_of(args: &ledger::LedgerArgs, file: &Path) -> u8 {
    if matches!(args.command, ledger::LedgerCommand::Reindex) {
        return match settings(file) {
            Ok(settings) => reindex::run(&settings).await,
            Err(code) => code,
        };
    }
    if let ledger::LedgerCommand::Archive(_) | ledger::LedgerCommand::Prune(_) = &args.command {
        return match settings(file) {
            Ok(settings) => retention::run(&args.command, &settings),
            Err(code) => code,
        };
    }
    ledger::run(args, || {
        let settings = config::load(file).map_err(|faults| faults.to_string())?;
        Ok(settings.node.data_dir)
    })
}

fn failed(error: &dyn std::fmt::Display) -> u8 {
    eprintln!("{error}");
    EXIT_USAGE
}

/// The register as the gate would see it.
async fn open_register(settings: &Settings) -> Result<Register, String> {
    let source = settings.register_at.open_now().await.map_err(|e| e.to_string())?;
    Register::open(settings.register.clone(), Arc::new(source)).await.map_err(|e| e.to_string())
}

/// The case index as the gate would see it.
async fn open_cases(settings: &Settings) -> Result<Cases, String> {
    app::open_cases(settings).await.map_err(|error| error.to_string())
}

/// What the register holds, in a line; faults in words.
async fn register_figures(settings: &Settings) -> Result<String, String> {
    let place = &settings.register_at;
    if !place.made() {
        return Ok(format!("register {place}: not made yet, `orgate import` fills it"));
    }
    let register = open_register(settings).await?;
    app::check_shared(settings).await.map_err(|error| error.to_string())?;
    let items = register.catalogue().items().len();
    let lists = register.lists();
    let (techniques, dossiers) = (lists.techniques.len(), lists.dossiers.len());
    let years: BTreeSet<i16> = register.calendar().days().map(|(day, _)| day.year()).collect();
    let years: Vec<String> = years.iter().map(ToString::to_string).collect();
    let years = if years.is_empty() { "none".to_owned() } else { years.join(" ") };
    Ok(format!(
        "register {place}, version {}: {items} catalogue items, {techniques} listed techniques, \
         {dossiers} dossiers, calendar years: {years}",
        register.version()
    ))
}
