//! Shows what happened: the table of the day, and what the downstream system received.

use std::collections::HashMap;
use std::path::Path;

use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::cli::decision_words_by_name;
use crate::cli::demo::day::{Day, Expected, Message};
use crate::cli::demo::play::Played;
use crate::cli::demo::stand_in::StandIn;
use crate::cli::table::Table;
use crate::hl7::frame::wrap;
use crate::inbound::mllp::intake::acknowledges;
use crate::ledger::{self, Filter, Kind};

/// What an entry says, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Body {
    message_sha256: String,
    #[serde(default)]
    route: String,
    pub(super) verdict: VerdictShown,
    pub(super) unreadable: Option<String>,
}

impl Body {
    pub(super) fn refused(&self) -> bool {
        refused(&self.verdict.decision)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct VerdictShown {
    pub(super) decision: String,
    pub(super) cases: Vec<CaseShown>,
    gaps: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CaseShown {
    pub(super) surgeon: SurgeonShown,
    pub(super) procedure: ProcedureShown,
    pub(super) findings: Vec<FindingShown>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SurgeonShown {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ProcedureShown {
    pub(super) code: Option<String>,
    grade: Option<u8>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FindingShown {
    pub(super) rule: String,
    pub(super) effect: String,
    pub(super) text_zh: String,
}

/// Prints everything; true when every verdict is the expected one and nothing refused went through.
pub(super) fn show(
    day: &Day,
    played: &[Played],
    downstream: &StandIn,
    ledger: &Path,
    zone: &TimeZone,
) -> bool {
    let entries = entries(ledger);
    let mut table = Table::new(vec![
        ("时间", 0),
        ("路由", 0),
        ("术者", 22),
        ("手术", 40),
        ("级", 0),
        ("结论", 0),
        ("理由", 96),
        ("+µs", 0),
    ]);
    let mut wrong = Vec::new();
    for (message, played) in day.messages.iter().zip(played) {
        let entry = entries.get(&key(message));
        rows(&mut table, message, entry, played);
        wrong.extend(difference(message, entry, played));
    }
    say!(
        "术闸 orgate — 样例医院的一天 a day at the sample hospital（{}，{}）\n",
        day.clock,
        zone_name(zone)
    );
    for line in table.lines() {
        say!("{line}");
    }
    let clean = received(day, downstream, &entries);
    for line in &wrong {
        say!("不符预期 NOT AS EXPECTED: {line}");
    }
    if wrong.is_empty() {
        say!("全部{}条报文的结论与预期一致 every verdict is the expected one", day.messages.len());
    }
    wrong.is_empty() && clean
}

fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// The decision entries by route and message.
fn entries(folder: &Path) -> HashMap<(String, String), Body> {
    let filter = Filter { kinds: vec![Kind::Decision], ..Filter::default() };
    let Ok(entries) = ledger::entries(folder, filter) else { return HashMap::new() };
    let bodies = entries.filter_map(|entry| serde_json::from_str::<Body>(entry.ok()?.body()).ok());
    bodies.map(|body| ((body.route.clone(), body.message_sha256.clone()), body)).collect()
}

fn key(message: &Message) -> (String, String) {
    let digest = ring::digest::digest(&ring::digest::SHA256, &message.bytes);
    (message.route.clone(), hex::encode(digest))
}

/// One row a case; a message without cases has one.
fn rows(table: &mut Table, message: &Message, entry: Option<&Body>, played: &Played) {
    let added = played.added.as_micros().to_string();
    let decision = entry.map_or("not-surgical", |body| body.verdict.decision.as_str());
    let words = decision_words_by_name(decision).to_owned();
    let mut first = true;
    let mut add = |surgeon: String, procedure: String, grade: String, reason: String| {
        let (at, route, words, added) = if first {
            (message.at.clone(), message.route.clone(), words.clone(), added.clone())
        } else {
            Default::default()
        };
        first = false;
        table.row(vec![at, route, surgeon, procedure, grade, words, reason, added]);
    };
    let cases = entry.map(|body| body.verdict.cases.as_slice()).unwrap_or_default();
    if cases.is_empty() {
        let gaps = entry.map(|body| body.verdict.gaps.join(" ")).unwrap_or_default();
        let why = entry.and_then(|body| body.unreadable.clone()).unwrap_or_default();
        let gap = [gaps, why].join(" ");
        let reason = if gap.trim().is_empty() { message.title.clone() } else { gap };
        add(String::new(), String::new(), String::new(), reason);
    }
    for case in cases {
        let surgeon = [case.surgeon.id.as_deref(), case.surgeon.name.as_deref()];
        let surgeon = surgeon.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let procedure = [case.procedure.code.as_deref(), case.procedure.name.as_deref()];
        let procedure = procedure.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let grade = case.procedure.grade.map_or_else(String::new, |grade| grade.to_string());
        let reasons: Vec<&str> = case.findings.iter().map(|f| f.text_zh.as_str()).collect();
        add(surgeon, procedure, grade, reasons.join(" "));
    }
}

/// How a message's verdict differs from what the day expects.
fn difference(message: &Message, entry: Option<&Body>, played: &Played) -> Option<String> {
    let got = entry.map_or("not-surgical", |body| body.verdict.decision.as_str());
    let found = entry.map(|body| body.verdict.cases.as_slice()).unwrap_or_default();
    let found: Vec<Expected> = found
        .iter()
        .flat_map(|case| &case.findings)
        .map(|f| Expected { rule: f.rule.clone(), effect: f.effect.clone() })
        .collect();
    let gaps = entry.map(|body| body.verdict.gaps.clone()).unwrap_or_default();
    if got != message.decision {
        return Some(format!("{}: {got}, expected {}", message.file, message.decision));
    }
    if found != message.findings || gaps != message.gaps {
        return Some(format!(
            "{}: findings {found:?} gaps {gaps:?}, expected {:?} {:?}",
            message.file, message.findings, message.gaps
        ));
    }
    let code = played.reply.as_deref().and_then(answer_code);
    let good =
        if refused(got) { code.as_deref() != Some("AA") } else { code.as_deref() == Some("AA") };
    (!good).then(|| format!("{}: {got}, but the answer was {code:?}", message.file))
}

fn refused(decision: &str) -> bool {
    matches!(decision, "block" | "unavailable")
}

fn answer_code(reply: &[u8]) -> Option<String> {
    acknowledges(&wrap(reply)).map(|ack| String::from_utf8_lossy(ack.code).into_owned())
}

/// What the downstream system received, and that nothing refused is among it.
fn received(day: &Day, downstream: &StandIn, entries: &HashMap<(String, String), Body>) -> bool {
    let received = downstream.received();
    let decision = |message: &Message| {
        entries.get(&key(message)).map_or("not-surgical", |body| body.verdict.decision.as_str())
    };
    let (mut through, mut held, mut leaked, mut lost) = (0, 0, Vec::new(), Vec::new());
    for message in &day.messages {
        let arrived = received.contains(&message.bytes);
        match (refused(decision(message)), arrived) {
            (true, false) => held += 1,
            (true, true) => leaked.push(message.file.as_str()),
            (false, true) => through += 1,
            (false, false) => lost.push(message.file.as_str()),
        }
    }
    say!("\n下游系统收到 the downstream system received: {} 条", received.len());
    say!("  逐字节一致 byte for byte as sent: {through}");
    say!("  被拒且未到达 refused, and not a byte arrived: {held}");
    if !leaked.is_empty() {
        say!("  泄漏 LEAKED: {}", leaked.join(", "));
    }
    if !lost.is_empty() {
        say!("  丢失 LOST: {}", lost.join(", "));
    }
    say!();
    let sum = through == received.len();
    leaked.is_empty() && lost.is_empty() && sum
}
