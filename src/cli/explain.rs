//! `orgate explain`: judges a stored message without sending or recording it, or a ledger entry again.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use crate::cli::{EXIT_FOUND, EXIT_USAGE, open_register, settings};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::rederive::rederive;
use crate::gate::verdict_json::VerdictJson;
use crate::gate::{Subject, consider};
use crate::hl7::{frame, time};
use crate::inbound::mllp::Config;
use crate::inbound::mllp::intake::{Intake, Reader};
use crate::ledger::{self, EntryId, Filter, Kind};

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The message, framed or not
    #[arg(required_unless_present = "entry", conflicts_with = "entry", value_name = "FILE")]
    file: Option<PathBuf>,
    /// The ledger entry to judge again from the facts it holds
    #[arg(long, value_name = "ID")]
    entry: Option<String>,
    /// The route it would come in by; the first if not given
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// Judge as of this moment (`2026-03-02T08:00:00+08:00`, `20260302080000`)
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[arg(long, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Json,
    Text,
}

pub(super) async fn run(args: ExplainArgs, file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let explained = match &args.entry {
        Some(entry) => again(entry, &settings),
        None => message(&args, &settings).await,
    };
    match explained {
        Ok((verdict, entry)) => {
            print(&verdict, entry.as_deref(), args.format, &settings);
            if verdict.decision.refuses() { EXIT_FOUND } else { 0 }
        }
        Err((text, code)) => {
            eprintln!("{text}");
            code
        }
    }
}

type Explained = Result<(Verdict, Option<String>), (String, u8)>;

/// Judges a file as the route would.
async fn message(args: &ExplainArgs, settings: &Settings) -> Explained {
    let wrong = |text: String| (text, EXIT_USAGE);
    let path = args.file.as_deref().unwrap_or_else(|| Path::new(""));
    let bytes = std::fs::read(path).map_err(|e| wrong(format!("{}: {e}", path.display())))?;
    let route = route(args, settings).map_err(wrong)?;
    let now = moment(args, settings).map_err(wrong)?;
    let register = open_register(settings).await.map_err(wrong)?;
    let catalogue = register.catalogue();
    let reader = Reader {
        config: route,
        catalogue: &catalogue,
        zone: &settings.node.zone,
        checked_order: &|_| false,
    };
    let verdict = match reader.read(frame::payload(&bytes)) {
        Intake::Short { .. } => Verdict::not_surgical(),
        Intake::Checked { read, .. } => {
            if let Subject::Unreadable { why, .. } = &read {
                eprintln!("unreadable: {why}");
            }
            consider(&register, &settings.policy, &settings.node.zone, now, &read, &route.stance)
                .await
        }
    };
    Ok((verdict, None))
}

/// Judges an entry's facts again and says whether the verdict is the recorded one.
fn again(entry: &str, settings: &Settings) -> Explained {
    let wrong = |text: String| (text, EXIT_USAGE);
    let id = EntryId::parse(entry)
        .ok_or_else(|| wrong(format!("`{entry}` is no entry id, write one like 01JC…")))?;
    let filter = Filter { id: Some(id), kinds: vec![Kind::Decision], ..Filter::default() };
    let folder = settings.node.data_dir.join("ledger");
    let mut entries = ledger::entries(&folder, filter).map_err(|e| wrong(e.to_string()))?;
    let found = entries
        .next()
        .ok_or_else(|| wrong(format!("no decision entry {entry} in {}", folder.display())))?
        .map_err(|e| wrong(e.to_string()))?;
    let rederived = rederive(found.body(), entry).map_err(|e| wrong(e.to_string()))?;
    if !rederived.same() {
        let text = format!(
            "the verdict derived from the entry's facts differs from the recorded one\nrecorded: {}\nderived:  {}",
            rederived.recorded, rederived.derived
        );
        return Err((text, EXIT_FOUND));
    }
    Ok((rederived.verdict, Some(entry.to_owned())))
}

fn route<'s>(args: &ExplainArgs, settings: &'s Settings) -> Result<&'s Config, String> {
    let mut routes = settings.mllp.iter();
    let found = match &args.route {
        None => routes.next(),
        Some(name) => routes.find(|route| *route.name == **name),
    };
    let names: Vec<&str> = settings.mllp.iter().map(|route| &*route.name).collect();
    found
        .map(std::convert::AsRef::as_ref)
        .ok_or_else(|| format!("no such route, choose one of: {}", names.join(", ")))
}

fn moment(args: &ExplainArgs, settings: &Settings) -> Result<Timestamp, String> {
    let Some(text) = &args.at else { return Ok(Clock::System.now()) };
    let zoned = text.parse::<Timestamp>().ok();
    zoned.or_else(|| time::parse(&text.replace('T', " "), &settings.node.zone)).ok_or_else(|| {
        format!("`{text}` is no time, write 2026-03-02T08:00:00+08:00 or 20260302080000")
    })
}

fn print(verdict: &Verdict, entry: Option<&str>, format: Format, settings: &Settings) {
    match format {
        Format::Json => {
            let json = VerdictJson::new(verdict, &settings.node.zone, entry);
            say!("{}", serde_json::to_string_pretty(&json).unwrap_or_default());
        }
        Format::Text => text(verdict),
    }
}

fn text(verdict: &Verdict) {
    say!("结论 decision: {}", super::decision_words(verdict.decision));
    if verdict.decision == Decision::NotSurgical {
        return;
    }
    let stage = verdict.stage.map_or("?", |s| s.as_str());
    let urgency = verdict.urgency.map_or("?", |u| u.as_str());
    say!(
        "环节 stage: {stage}  紧急程度 urgency: {urgency}  方式 stance: {}",
        verdict.stance.as_str()
    );
    for gap in &verdict.gaps {
        say!("未知 gap: {}", gap.as_str());
    }
    for case in &verdict.cases {
        let surgeon = case.surgeon.as_ref().map_or("?", |id| id.as_str());
        let name = case.surgeon_name.as_deref().unwrap_or("");
        let code = case.procedure.as_ref().map_or("?", |code| code.as_str());
        let procedure = case.procedure_name.as_deref().unwrap_or("");
        let grade = case.grade.map_or("", |grade| grade.chinese());
        say!("术者 {surgeon} {name}  手术 {code} {procedure} {grade}");
        for finding in &case.findings {
            say!("  {} [{}] {}", finding.rule, finding.effect.as_str(), finding.text_zh);
            say!("    {}", finding.text_en);
            for article in finding.cites {
                say!("    {} {} “{}”", article, article.regulation.title(), article.words);
            }
        }
    }
}
