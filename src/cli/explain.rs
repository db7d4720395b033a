//! `orgate explain`: judges a stored message without sending or recording it, or a ledger entry again.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::app::open_cases;
use crate::cases::Cases;
use crate::cli::{EXIT_FOUND, EXIT_USAGE, open_register, settings};
use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::verdict::{Decision, Verdict};
use crate::gate::rederive::{Sender, rederive};
use crate::gate::stance::RouteStance;
use crate::gate::verdict_json::VerdictJson;
use crate::gate::{Knowledge, Subject, consider};
use crate::hl7::{frame, time};
use crate::inbound::mllp::intake::Intake;
use crate::inbound::{fhir, mllp};
use crate::ledger::{self, EntryId, Filter, Kind};
use crate::register::Register;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The message: HL7 v2, framed or not; FHIR JSON, or a request with its head as the ledger keeps it
    #[arg(required_unless_present = "entry", conflicts_with = "entry", value_name = "FILE")]
    file: Option<PathBuf>,
    /// The ledger entry to judge again from the facts it holds
    #[arg(long, value_name = "ID")]
    entry: Option<String>,
    /// The route it would come in by; the first that takes such messages if not given
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
        Some(entry) => again(entry, &args, &settings).await,
        None => message(&args, &settings).await,
    };
    match explained {
        Ok(explained) => {
            print(&explained, args.format, &settings);
            if explained.verdict.decision.refuses() { EXIT_FOUND } else { 0 }
        }
        Err((text, code)) => {
            eprintln!("{text}");
            code
        }
    }
}

/// A verdict, and of an entry what would be decided of the same orders now.
struct Explained {
    verdict: Verdict,
    entry: Option<String>,
    sender: Option<Sender>,
    today: Option<Verdict>,
}

/// An explanation, or why there is none and the exit code.
type Outcome = Result<Explained, (String, u8)>;

/// Judges a file as the route would.
async fn message(args: &ExplainArgs, settings: &Settings) -> Outcome {
    let wrong = |text: String| (text, EXIT_USAGE);
    let path = args.file.as_deref().unwrap_or_else(|| Path::new(""));
    let bytes = std::fs::read(path).map_err(|e| wrong(format!("{}: {e}", path.display())))?;
    let route = route(args, settings, &bytes).map_err(wrong)?;
    let now = moment(args, settings).map_err(wrong)?;
    let register = open_register(settings).await.map_err(wrong)?;
    let subject = match route {
        Route::Hl7(config) => read_hl7(config, &register, settings, &bytes),
        Route::Fhir(config) => read_fhir(config, &register, settings, bytes.into()),
    };
    let verdict = match subject {
        None => Verdict::not_surgical(),
        Some(subject) => {
            if let Subject::Unreadable { why, .. } = &subject {
                eprintln!("unreadable: {why}");
            }
            let cases = open_stories(settings).await.map_err(wrong)?;
            let knowledge = Knowledge {
                register: &register,
                cases: cases.as_ref(),
                policy: &settings.policy,
                zone: &settings.node.zone,
            };
            consider(knowledge, now, &subject, route.stance()).await
        }
    };
    Ok(Explained { verdict, entry: None, sender: None, today: None })
}

/// The route by which a message would come in.
#[derive(Clone, Copy)]
enum Route<'s> {
    Hl7(&'s mllp::Config),
    Fhir(&'s fhir::Config),
}

impl<'s> Route<'s> {
    fn name(self) -> &'s str {
        match self {
            Self::Hl7(config) => &config.name,
            Self::Fhir(config) => &config.name,
        }
    }

    fn stance(self) -> &'s RouteStance {
        match self {
            Self::Hl7(config) => config.stance.file(),
            Self::Fhir(config) => config.stance.file(),
        }
    }
}

fn read_hl7(
    config: &mllp::Config,
    register: &Register,
    settings: &Settings,
    bytes: &[u8],
) -> Option<Subject> {
    let (catalogue, lists) = (register.catalogue(), register.lists());
    let reader = mllp::intake::Reader {
        config,
        catalogue: &catalogue,
        lists: &lists,
        all_surgical: config.all_surgical,
        zone: &settings.node.zone,
        checked_order: &|_| false,
    };
    match reader.read(frame::payload(bytes)) {
        Intake::Short { .. } => None,
        Intake::Checked { read, .. } => Some(read),
    }
}

fn read_fhir(
    config: &fhir::Config,
    register: &Register,
    settings: &Settings,
    bytes: Bytes,
) -> Option<Subject> {
    let (catalogue, lists) = (register.catalogue(), register.lists());
    let reader = fhir::reader::Reader {
        config,
        catalogue: &catalogue,
        lists: &lists,
        all_surgical: config.all_surgical,
        zone: &settings.node.zone,
        checked_order: &|_| false,
        order_at: &|_| None,
    };
    let explained = fhir::explain::read(&reader, &bytes);
    if !explained.not_looked_up.is_empty() {
        let references = explained.not_looked_up.join(", ");
        eprintln!("not looked up, here they lead to nobody: {references}");
    }
    explained.subject
}

/// Judges an entry's facts again, says whether the verdict is the recorded one, and what it would be by
/// the register and the settings of today.
async fn again(entry: &str, args: &ExplainArgs, settings: &Settings) -> Outcome {
    let wrong = |text: String| (text, EXIT_USAGE);
    let id = EntryId::parse(entry)
        .ok_or_else(|| wrong(format!("`{entry}` is no entry id, write one like 01JC…")))?;
    let filter =
        Filter { id: Some(id), kinds: vec![Kind::Decision, Kind::Access], ..Filter::default() };
    let folder = settings.node.data_dir.join("ledger");
    let mut entries = ledger::entries(&folder, filter).map_err(|e| wrong(e.to_string()))?;
    let found = entries
        .next()
        .ok_or_else(|| wrong(format!("no decision or inquiry {entry} in {}", folder.display())))?
        .map_err(|e| wrong(e.to_string()))?;
    let rederived = rederive(found.body(), entry).map_err(|e| wrong(e.to_string()))?;
    if !rederived.same() {
        let text = format!(
            "the verdict derived from the entry's facts differs from the recorded one\nrecorded: {}\nderived:  {}",
            rederived.recorded, rederived.derived
        );
        return Err((text, EXIT_FOUND));
    }
    let now = moment(args, settings).map_err(wrong)?;
    let register = open_register(settings).await.map_err(wrong)?;
    let cases = open_stories(settings).await.map_err(wrong)?;
    let knowledge = Knowledge {
        register: &register,
        cases: cases.as_ref(),
        policy: &settings.policy,
        zone: &settings.node.zone,
    };
    let orders = Subject::Orders(rederived.orders);
    let today = consider(knowledge, now, &orders, &rederived.stance).await;
    Ok(Explained {
        verdict: rederived.verdict,
        entry: Some(entry.to_owned()),
        sender: rederived.sender,
        today: Some(today),
    })
}

/// The case index, so that a notice is told from its order; absent where no gate has run.
async fn open_stories(settings: &Settings) -> Result<Option<Cases>, String> {
    if !settings.cases_file().exists() {
        return Ok(None);
    }
    open_cases(settings).await.map(Some).map_err(|error| error.to_string())
}

fn route<'s>(
    args: &ExplainArgs,
    settings: &'s Settings,
    bytes: &[u8],
) -> Result<Route<'s>, String> {
    let hl7 = settings.mllp.iter().map(|config| Route::Hl7(config));
    let fhir = settings.fhir.iter().map(|config| Route::Fhir(config));
    let mut routes = hl7.chain(fhir);
    let found = match &args.route {
        None => {
            let wanted = fhir::explain::is_fhir(bytes);
            routes.clone().find(|route| matches!(route, Route::Fhir(_)) == wanted)
        }
        Some(name) => routes.clone().find(|route| route.name() == name),
    };
    let names: Vec<&str> = routes.by_ref().map(Route::name).collect();
    found.ok_or_else(|| format!("no route that takes this, choose one of: {}", names.join(", ")))
}

fn moment(args: &ExplainArgs, settings: &Settings) -> Result<Timestamp, String> {
    let Some(text) = &args.at else { return Ok(Clock::System.now()) };
    let zoned = text.parse::<Timestamp>().ok();
    zoned.or_else(|| time::parse(&text.replace('T', " "), &settings.node.zone)).ok_or_else(|| {
        format!("`{text}` is no time, write 2026-03-02T08:00:00+08:00 or 20260302080000")
    })
}

fn print(explained: &Explained, format: Format, settings: &Settings) {
    let Explained { verdict, entry, sender, today } = explained;
    let verdict_json = |verdict: &Verdict, entry: Option<&str>| {
        let written = VerdictJson::new(verdict, &settings.node.zone, entry);
        serde_json::to_value(written).unwrap_or_default()
    };
    match format {
        Format::Json => {
            let mut whole = verdict_json(verdict, entry.as_deref());
            if let Some(members) = whole.as_object_mut() {
                if let Some(Sender { certificate, name }) = sender {
                    let sender = json!({ "certificate": certificate, "name": name });
                    members.insert("sender".to_owned(), sender);
                }
                if let Some(today) = today {
                    members.insert("today".to_owned(), verdict_json(today, None));
                }
            }
            say!("{}", serde_json::to_string_pretty(&whole).unwrap_or_default());
        }
        Format::Text => {
            text(verdict);
            if let Some(Sender { certificate, name }) = sender {
                say!("发送方证书 sender: {name}  SHA-256 {certificate}");
            }
            if let Some(today) = today {
                say!("\n如按今天的登记与设置 by today's register and settings:");
                text(today);
            }
        }
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
