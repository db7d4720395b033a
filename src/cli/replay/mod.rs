//! `orgate replay`: judges past messages as if the gate had enforced, without sending or recording.
//!
//! | file | what belongs there |
//! |---|---|
//! | `files`, `read` | a folder → its files · bytes → messages |
//! | `chunk`, `pipeline` | messages read on all cores, judged in their order |
//! | `tally`, `ranked` | what is counted, in bounded memory |
//! | `report`, `words` | the figures as told, also as JSON · names for people |
//! | `html`, `charts` | the page |
//! | `record` | handed to the running gate, which records it |
//! | `progress` | the bar on a terminal |

mod charts;
mod chunk;
mod files;
mod html;
mod pipeline;
mod progress;
mod ranked;
mod read;
mod record;
mod report;
mod tally;
mod words;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::replay::chunk::Route;
use crate::cli::replay::files::total_bytes;
use crate::cli::replay::pipeline::{AsOf, Replay, Replayed};
use crate::cli::replay::progress::Progress;
use crate::cli::replay::report::{Basis, Report};
use crate::cli::table::Table;
use crate::cli::{EXIT_FOUND, EXIT_INTERNAL, EXIT_USAGE, open_register, settings};
use crate::clock::Clock;
use crate::config::Settings;
use crate::hl7::time;

/// What is replayed, and where the report goes.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ReplayArgs {
    /// The messages
    #[arg(value_name = "DIR_OR_FILE")]
    start: PathBuf,
    /// The route they came in by: its mapping reads them
    #[arg(long, value_name = "NAME")]
    route: String,
    /// Where the report goes: one HTML page that needs nothing else
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The same figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Judge as of each message's own time, as of now, or as of a moment (`2026-03-02T08:00:00+08:00`)
    #[arg(long, value_name = "message|now|TIME", default_value = "message")]
    at: String,
    /// Record them as decisions made afterwards: they passed while no gate was there. The gate must run; nothing is sent
    #[arg(long, requires = "by", requires = "reason", conflicts_with_all = ["out", "json", "threads"])]
    record: bool,
    /// --record: who
    #[arg(long, value_name = "NAME", requires = "record")]
    by: Option<String>,
    /// --record: why there was no gate
    #[arg(long, value_name = "TEXT", requires = "record")]
    reason: Option<String>,
    /// --record: leave out what this ledger of another gate knows; may be repeated
    #[arg(long, value_name = "DIR", requires = "record")]
    known: Vec<PathBuf>,
    /// Threads that read messages; as many as there are cores if not given
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

const AFTER_HELP: &str = "\
Reads a file, or a folder with all its folders: HL7 v2 messages with or without MLLP frames, one or many \
in a file, captures with anything between the frames. All are judged as if the route enforced for every \
department, against the register of today; nothing is sent or recorded. The same bytes again count once.

With --record, the running gate judges each as of its own time and records the decision, marked as made afterwards \
(docs/outage.md): override files, case reports and alerts follow. What a ledger knows already is left out.

Exit 0 when all was read, whatever was found; 1 when files could not be read; 2 for usage and configuration.";

/// Why a replay ended early, and the exit code.
type Stopped = (String, u8);

pub(super) async fn run(args: ReplayArgs, file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    match replayed(&args, &settings).await {
        Ok(code) => code,
        Err((text, code)) => {
            eprintln!("{text}");
            code
        }
    }
}

async fn replayed(args: &ReplayArgs, settings: &Settings) -> Result<u8, Stopped> {
    let wrong = |text: String| (text, EXIT_USAGE);
    let zone = settings.node.zone.clone();
    let now = Clock::System.now();
    let as_of = as_of(&args.at, now, &zone).map_err(wrong)?;
    if !args.start.exists() {
        return Err(wrong(format!("{}: there is no such file or folder", args.start.display())));
    }
    if args.record {
        let (by, reason) = (args.by.as_deref(), args.reason.as_deref());
        let (start, route, known) = (&*args.start, &*args.route, &*args.known);
        let (by, reason) = (by.unwrap_or_default(), reason.unwrap_or_default());
        let job = record::Job { start, route, by, reason, as_of, known, now };
        return Ok(record::run(&job, settings));
    }
    if !settings.register_file.exists() {
        let register = settings.register_file.display();
        return Err(wrong(format!("{register}: no register yet, fill it with `orgate import`")));
    }
    // Made now, so that an hour's work is not lost to a path that cannot be written.
    let mut outputs = Outputs::create(args).map_err(wrong)?;
    let (basis, replay) = prepare(args, settings, (now, as_of)).await.map_err(wrong)?;
    let mut progress = Progress::new(total_bytes(&args.start));
    let Replayed { tally, faults } =
        replay.run(&mut progress).await.map_err(|e| (e.to_string(), EXIT_INTERNAL))?;
    let report = Report::new(&tally, basis);
    outputs.write(&report).map_err(|text| (text, EXIT_INTERNAL))?;
    for fault in &faults {
        eprintln!("{fault}");
    }
    print(&report, args, progress.elapsed().as_secs_f64());
    let failed = report.sources.failed;
    if failed > 0 {
        eprintln!("{failed} file(s) could not be read and are not in the figures");
    }
    Ok(if failed > 0 { EXIT_FOUND } else { 0 })
}

async fn prepare(
    args: &ReplayArgs,
    settings: &Settings,
    (now, as_of): (Timestamp, AsOf),
) -> Result<(Basis, Replay), String> {
    let mut routes = settings.mllp.iter();
    let config = routes.find(|route| *route.name == *args.route).ok_or_else(|| {
        let names: Vec<&str> = settings.mllp.iter().map(|route| &*route.name).collect();
        format!("no route `{}`, choose one of: {}", args.route, names.join(", "))
    })?;
    let register = open_register(settings).await?;
    let (catalogue, lists) = (register.catalogue(), register.lists());
    let zone = settings.node.zone.clone();
    let moment = match as_of {
        AsOf::Message => None,
        AsOf::Moment(moment) => Some(moment),
    };
    let basis = Basis::new(
        (&config.name, config.mapping.name()),
        &zone,
        (now, moment),
        (register.version(), catalogue.items().len()),
    );
    let cores = std::thread::available_parallelism();
    let replay = Replay {
        start: args.start.clone(),
        route: Route { config: Arc::clone(config), catalogue, lists, zone },
        register,
        policy: settings.policy.clone(),
        as_of,
        now,
        threads: args.threads.or(cores.ok()).map_or(1, NonZeroUsize::get),
    };
    Ok((basis, replay))
}

fn as_of(text: &str, now: Timestamp, zone: &TimeZone) -> Result<AsOf, String> {
    match text {
        "message" => return Ok(AsOf::Message),
        "now" => return Ok(AsOf::Moment(now)),
        _ => {}
    }
    let moment = text.parse().ok().or_else(|| time::parse(&text.replace('T', " "), zone));
    moment.map(AsOf::Moment).ok_or_else(|| {
        format!("`{text}` is no time, write message, now, or 2026-03-02T08:00:00+08:00")
    })
}

/// The files of the report, made before the work begins.
struct Outputs {
    html: Option<(PathBuf, File)>,
    json: Option<(PathBuf, File)>,
}

impl Outputs {
    fn create(args: &ReplayArgs) -> Result<Self, String> {
        let create = |path: &Option<PathBuf>| {
            let created = path.clone().map(|path| {
                File::create(&path)
                    .map(|file| (path.clone(), file))
                    .map_err(|error| format!("{}: {error}", path.display()))
            });
            created.transpose()
        };
        Ok(Self { html: create(&args.out)?, json: create(&args.json)? })
    }

    fn write(&mut self, report: &Report) -> Result<(), String> {
        if let Some((path, file)) = &mut self.html {
            let page = html::render(report).map_err(|e| e.to_string())?;
            write(path, file, page.as_bytes())?;
        }
        if let Some((path, file)) = &mut self.json {
            let mut text = serde_json::to_vec_pretty(report).map_err(|e| e.to_string())?;
            text.push(b'\n');
            write(path, file, &text)?;
        }
        Ok(())
    }
}

fn write(path: &Path, file: &mut File, bytes: &[u8]) -> Result<(), String> {
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|error| format!("{}: {error}", path.display()))
}

fn print(report: &Report, args: &ReplayArgs, seconds: f64) {
    say!("{}\n{}", html::summary_zh(report), html::summary_en(report));
    let mut table = Table::new(vec![
        ("会拒绝最多的规则 costliest rules", 60),
        ("报文 messages", 0),
        ("仅因此条 alone", 0),
        ("术者 surgeons", 0),
        ("手术 procedures", 0),
    ]);
    for rule in &report.costliest_rules {
        table.row(vec![
            format!("{} {}", rule.title_zh, rule.rule),
            rule.blocked.to_string(),
            rule.blocked_alone.to_string(),
            rule.surgeons.to_string(),
            rule.procedures.to_string(),
        ]);
    }
    if !report.costliest_rules.is_empty() {
        say!();
        table.lines().iter().for_each(|line| say!("{line}"));
    }
    say!();
    let rate = report.messages.total as f64 / seconds.max(0.001);
    say!("用时 took {seconds:.1} s, {rate:.0} messages/s");
    for path in [&args.out, &args.json].into_iter().flatten() {
        say!("报告 report: {}", path.display());
    }
}
