//! The whole file → [`Settings`], or every fault of it and of the mappings it names.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use toml::de::DeTable;

use crate::cases::report::REPORT_DUE_DAYS;
use crate::config::console::console;
use crate::config::desk::ladder;
use crate::config::fault::{Fault, Faults};
use crate::config::feed::feed;
use crate::config::fhir;
use crate::config::privileges::register;
use crate::config::reader::{Faultfinder, Section};
use crate::config::route::route;
use crate::config::telemetry::traces;
use crate::config::written::{Written, print_of};
use crate::config::{Node, Settings};
use crate::ledger;
use crate::register::import::policy::InstitutionLevel;
use crate::register::sources::Place;
use crate::rules::Policy;
use crate::rules::effects::Effects;
use crate::rules::table::Setting;

/// Milliseconds within which a clean forward follows to the disk with `sync = "findings"`.
const SYNC_MS: u64 = 5;
/// 15 years, the retention of 住院病历 halved: IS Q10 asks for at least this.
const RETENTION_DAYS: u64 = 5_475;
/// An order is about 1 KiB; what is longer carries documents that the ledger need not hold.
const KEEP_MESSAGE_KIB: u64 = 64;
/// A second person reviews an override within this (rules.md §4).
const OVERRIDE_DEADLINE_H: u64 = 24;
/// Overrides of one surgeon in 30 days above which medical affairs is told (rules.md §4).
const OVERRIDE_ALARM: u64 = 3;
/// An outage that lasts longer is looked at anew by somebody who puts their name to it.
const BYPASS_MAX_H: u64 = 12;
/// Messages in flight get this long when the gate stops; systemd waits 90 s by default.
const DRAIN_MS: u64 = 10_000;

/// Reads and checks the configuration in `file`.
///
/// # Errors
/// Every fault, with file, line and what to write instead.
pub fn load(file: &Path) -> Result<Settings, Faults> {
    let (name, text) = text_of(file)?;
    let mut settings = read(&name, &text)?;
    settings.written.file = Some(file.to_owned());
    Ok(settings)
}

/// Only `[node]` of the configuration in `file`, whatever else in it is wrong: for commands to a gate that runs. It went by
/// other words when it started, and a file that is being edited must not be in their way.
///
/// # Errors
/// The file cannot be read, or `[node]` itself says nothing that could be used.
pub fn load_node(file: &Path) -> Result<Node, Faults> {
    let (name, text) = text_of(file)?;
    let finder = Faultfinder::new(&name, &text);
    let (table, _) = DeTable::parse_recoverable(&text);
    let named = node(&Section::root(&table, &finder));
    named.map(|named| named.node).ok_or_else(|| Faults(finder.into_faults()))
}

/// The name of a file, and what is in it.
fn text_of(file: &Path) -> Result<(String, String), Faults> {
    let name = file.display().to_string();
    match std::fs::read_to_string(file) {
        Ok(text) => Ok((name, text)),
        Err(error) => {
            let text = format!("cannot be read ({error}), name another file with --config");
            Err(Faults(vec![Fault { file: name, line: None, text }]))
        }
    }
}

/// Checks the configuration `text` of a file called `name`.
///
/// # Errors
/// Every fault, with file, line and what to write instead.
pub fn read(name: &str, text: &str) -> Result<Settings, Faults> {
    let finder = Faultfinder::new(name, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        finder.at(&error.span().unwrap_or(0..0), error.message().to_owned());
    }
    if !errors.is_empty() {
        return Err(Faults(finder.into_faults()));
    }
    let mut foreign = Vec::new();
    let settings = {
        let root = Section::root(&table, &finder);
        let settings = whole(&root, &finder, &mut foreign);
        root.finish();
        settings
    };
    let written = Written::new(text, finder.opened());
    let mut faults = finder.into_faults();
    faults.extend(foreign);
    match settings {
        Some(mut settings) if faults.is_empty() => {
            for (feed, table) in settings.feeds.iter_mut().zip(written.feeds()) {
                feed.print = print_of(table);
            }
            Ok(Settings { written, ..settings })
        }
        _ => Err(Faults(faults)),
    }
}

fn whole<'t>(
    root: &Section<'t>,
    finder: &'t Faultfinder<'t>,
    foreign: &mut Vec<Fault>,
) -> Option<Settings> {
    let node = node(root);
    let zone = node.as_ref().map_or(TimeZone::UTC, |node| node.node.zone.clone());
    let register = register(root, &zone);
    let policy = root.section("policy");
    let due = policy.number("report_due_days", u64::from(REPORT_DUE_DAYS), 0..366);
    let report_due_days = u32::try_from(due).unwrap_or(REPORT_DUE_DAYS);
    let ladder = ladder(&policy);
    let (policy, institution_level) = self::policy(policy);
    let section = root.section("ledger");
    let sync_every = section.choice("sync", true, &[("every", true), ("findings", false)]);
    let sync = Duration::from_millis(section.number("sync_ms", SYNC_MS, 1..10_001));
    let retention_days = section.number("retention_days", RETENTION_DAYS, 1..100_001);
    let keep_kib = section.number("keep_message_kib", KEEP_MESSAGE_KIB, 0..65_537);
    section.finish();
    let (mllp, fhir) = (root.sections("mllp"), root.sections("fhir"));
    if mllp.is_empty() && fhir.is_empty() {
        let text =
            "no route is set, write at least one [[mllp]] or [[fhir]] with listen and upstream";
        root.fault("mllp", text);
    }
    let mllp: Vec<_> = mllp.into_iter().map(|section| route(section, foreign)).collect();
    let fhir: Vec<_> = fhir.into_iter().map(|section| fhir::route(section, foreign)).collect();
    let feeds = feeds(root, &zone);
    let console = console(root, foreign);
    let traces = traces(root);
    let named = mllp.iter().flatten().map(|route| ("mllp", &*route.name, route.listen));
    let named = named.chain(fhir.iter().flatten().map(|r| ("fhir", &*r.name, r.listen)));
    let console_at = console.as_ref().and_then(|console| console.listen);
    distinct(&named.collect::<Vec<_>>(), console_at, root);
    let _ = finder;
    let node = node?;
    Some(Settings {
        ledger: ledger::Config {
            soon: sync,
            ..ledger::Config::new(node.node.name.clone(), node.node.zone.clone())
        },
        ledger_dir: node.node.data_dir.join("ledger"),
        register_at: match register.server? {
            Some(server) => Place::Server(server),
            None => Place::File(node.node.data_dir.join("register.db")),
        },
        register: register.config,
        fhir_source: register.fhir?,
        policy,
        ladder,
        institution_level,
        report_due_days,
        retention_days: u32::try_from(retention_days).unwrap_or(u32::MAX),
        sync_every,
        keep_message_max: usize::try_from(keep_kib).unwrap_or(usize::MAX).saturating_mul(1024),
        mllp: mllp.into_iter().collect::<Option<_>>()?,
        fhir: fhir.into_iter().collect::<Option<_>>()?,
        feeds: feeds.into_iter().collect::<Option<_>>()?,
        console: console?,
        traces,
        bypass_longest: node.bypass_longest,
        drain: Duration::from_millis(DRAIN_MS),
        watch: node.watch,
        written: Written::default(),
        node: node.node,
    })
}

/// `[node]`: which gate, whether it looks after its files by itself, and how long a bypass may last.
struct Named {
    node: Node,
    watch: bool,
    bypass_longest: SignedDuration,
}

fn node(root: &Section<'_>) -> Option<Named> {
    let section = root.section("node");
    let name = section.text("name", "gate-1");
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
        section.fault("name", "`name` must be of printable ASCII without blanks, \"gate-1\"");
    }
    let data_dir = PathBuf::from(section.text("data_dir", "data"));
    let zone = section.text("timezone", "Asia/Shanghai");
    let zone = TimeZone::get(&zone).map_err(|_| {
        section.fault("timezone", "`timezone` must be an IANA name, \"Asia/Shanghai\"");
    });
    let watch = section.choice("reload", true, &[("watch", true), ("signal", false)]);
    let hours = section.number("bypass_max_h", BYPASS_MAX_H, 1..169);
    let bypass_longest = SignedDuration::from_hours(i64::try_from(hours).unwrap_or(i64::MAX));
    section.finish();
    Some(Named { node: Node { name, data_dir, zone: zone.ok()? }, watch, bypass_longest })
}

fn policy(section: Section<'_>) -> (Policy, InstitutionLevel) {
    let deadline = section.number("override_deadline_h", OVERRIDE_DEADLINE_H, 1..8_761);
    let alarm = section.number("override_alarm_count", OVERRIDE_ALARM, 1..1_001);
    let require_attestation = section.flag("require_attestation", false);
    let levels = [
        ("tertiary", InstitutionLevel::Tertiary),
        ("secondary", InstitutionLevel::Secondary),
        ("primary", InstitutionLevel::Primary),
    ];
    let level = section.choice("institution_level", InstitutionLevel::Tertiary, &levels);
    let specialties = section.texts("specialties");
    let mut effects = Effects::default();
    let own = section.section("effects");
    for (rule, words) in own.free_keys() {
        let setting = |word: &String| match word.as_str() {
            "block" => Some(Setting::Block),
            "flag" => Some(Setting::Flag),
            "off" => Some(Setting::Off),
            _ => None,
        };
        let settings: Option<Vec<Setting>> = words.iter().map(setting).collect();
        match settings.as_deref() {
            Some([order, notice, record]) => {
                if let Err(error) = effects.set(rule, [*order, *notice, *record]) {
                    own.fault(rule, error.to_string());
                }
            }
            _ => own.fault(
                rule,
                format!("`{rule}` must be three of \"block\", \"flag\", \"off\": at order, notice, record"),
            ),
        }
    }
    own.finish();
    section.finish();
    let override_deadline_h = u32::try_from(deadline).unwrap_or(u32::MAX);
    let override_alarm_count = u32::try_from(alarm).unwrap_or(u32::MAX);
    let policy = Policy {
        effects,
        require_attestation,
        override_deadline_h,
        specialties,
        override_alarm_count,
    };
    (policy, level)
}

/// Every feed, each with a name of its own.
fn feeds(root: &Section<'_>, zone: &TimeZone) -> Vec<Option<crate::feed::Config>> {
    let feeds: Vec<_> =
        root.sections("feed").into_iter().map(|section| feed(section, zone)).collect();
    let mut names = std::collections::HashSet::new();
    for config in feeds.iter().flatten() {
        if !names.insert(config.name.as_str()) {
            root.fault("feed", format!("two feeds are called `{}`, rename one", config.name));
        }
    }
    feeds
}

/// No two routes of one name or address. `routes`: table, name, address.
fn distinct<'t>(
    routes: &[(&'t str, &str, std::net::SocketAddr)],
    console: Option<std::net::SocketAddr>,
    root: &Section<'t>,
) {
    for (index, (table, name, listen)) in routes.iter().enumerate() {
        for (_, other, at) in routes.iter().take(index) {
            if other == name {
                root.fault(table, format!("two routes are called `{name}`, rename one"));
            }
            if at == listen && listen.port() != 0 {
                root.fault(table, format!("two routes listen on {listen}, change one"));
            }
        }
        if console == Some(*listen) && listen.port() != 0 {
            root.fault("console", format!("console and route listen on {listen}"));
        }
    }
}
