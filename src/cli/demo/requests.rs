//! The FHIR and CDS Hooks requests of the day: played over a real socket in turn, and shown with what the gate wrote
//! into its ledger for each.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::Request as HttpRequest;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::cli::decision_words_by_name;
use crate::cli::demo::DemoError;
use crate::cli::demo::day::Call;
use crate::cli::demo::fhir_stand_in::FhirStandIn;
use crate::cli::demo::show::{Body, CaseShown};
use crate::cli::table::Table;
use crate::ledger::{self, Filter, Kind};

/// What came back for one request, and what was written into the ledger for it.
pub(super) struct Answered {
    status: u16,
    body: Value,
    entries: Vec<Body>,
}

/// Sends every request in turn; `address` knows where a route, or `console`, listens.
pub(super) async fn play(
    requests: &[Call],
    address: impl Fn(&str) -> Option<SocketAddr>,
    ledger: &Path,
) -> Result<Vec<Answered>, DemoError> {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let mut answered = Vec::with_capacity(requests.len());
    let mut known = entries(ledger).len();
    for request in requests {
        let wrong = |what: &str| DemoError::Sample(format!("{}: {what}", request.file));
        let to = address(&request.route).ok_or_else(|| wrong("no such route"))?;
        let (method, target) =
            request.request.split_once(' ').ok_or_else(|| wrong("`request` is METHOD PATH"))?;
        let built = HttpRequest::builder()
            .method(method)
            .uri(format!("http://{to}{target}"))
            .header("content-type", request.content_type())
            .body(Full::new(Bytes::from(request.bytes.clone())))
            .map_err(|error| wrong(&error.to_string()))?;
        let response = client.request(built).await.map_err(|error| wrong(&error.to_string()))?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.map_err(|e| wrong(&e.to_string()))?;
        let body = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let mut entries = entries(ledger);
        let new = entries.split_off(known.min(entries.len()));
        known += new.len();
        answered.push(Answered { status, body, entries: new });
    }
    Ok(answered)
}

/// Decisions and inquiries, in the order of the ledger.
fn entries(folder: &Path) -> Vec<Body> {
    let filter = Filter { kinds: vec![Kind::Decision, Kind::Access], ..Filter::default() };
    let Ok(entries) = ledger::entries(folder, filter) else { return Vec::new() };
    entries.filter_map(|entry| serde_json::from_str(entry.ok()?.body()).ok()).collect()
}

/// Prints the requests; true when everything is as the day expects, and nothing refused went through.
pub(super) fn show(requests: &[Call], answered: &[Answered], downstream: &FhirStandIn) -> bool {
    let mut table = Table::new(vec![
        ("时间", 0),
        ("请求", 40),
        ("应答", 0),
        ("术者", 22),
        ("手术", 40),
        ("结论", 0),
        ("理由", 96),
    ]);
    let mut wrong = Vec::new();
    for (request, answered) in requests.iter().zip(answered) {
        rows(&mut table, request, answered);
        wrong.extend(difference(request, answered));
    }
    say!("\nFHIR 与 CDS Hooks requests\n");
    for line in table.lines() {
        say!("{line}");
    }
    for line in &wrong {
        say!("不符预期 NOT AS EXPECTED: {line}");
    }
    if wrong.is_empty() {
        say!("全部{}个请求的结论与预期一致 every request came out as expected", requests.len());
    }
    wrong.is_empty() && received(requests, answered, downstream)
}

fn rows(table: &mut Table, request: &Call, answered: &Answered) {
    let mut head = [request.at.clone(), request.request.clone(), answered.status.to_string()];
    let mut add = |surgeon: String, procedure: String, decision: String, reason: String| {
        let [at, asked, status] = std::mem::take(&mut head);
        table.row(vec![at, asked, status, surgeon, procedure, decision, reason]);
    };
    if answered.entries.iter().all(|entry| entry.verdict.cases.is_empty()) {
        let first = answered.entries.first();
        let decision = first.map_or("not-surgical", |entry| entry.verdict.decision.as_str());
        let why = first.and_then(|entry| entry.unreadable.clone());
        let reason = why.unwrap_or_else(|| request.title.clone());
        add(String::new(), String::new(), decision_words_by_name(decision).to_owned(), reason);
    }
    for entry in &answered.entries {
        let words = decision_words_by_name(&entry.verdict.decision);
        for CaseShown { surgeon, procedure, findings } in &entry.verdict.cases {
            let join = |parts: [Option<&str>; 2]| {
                parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
            };
            let reasons: Vec<&str> = findings.iter().map(|f| f.text_zh.as_str()).collect();
            add(
                join([surgeon.id.as_deref(), surgeon.name.as_deref()]),
                join([procedure.code.as_deref(), procedure.name.as_deref()]),
                words.to_owned(),
                reasons.join(" "),
            );
        }
    }
}

fn difference(request: &Call, answered: &Answered) -> Option<String> {
    let decisions: Vec<&str> =
        answered.entries.iter().map(|entry| entry.verdict.decision.as_str()).collect();
    let findings = answered.entries.iter().flat_map(|entry| &entry.verdict.cases);
    let findings: Vec<String> = findings
        .flat_map(|case| &case.findings)
        .map(|finding| format!("{}: {}", finding.rule, finding.effect))
        .collect();
    let cards = answered.body.get("cards").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let indicator =
        |card: &Value| card.get("indicator").and_then(Value::as_str).unwrap_or_default().to_owned();
    let cards: Vec<String> = cards.iter().map(indicator).collect();
    let Call { file, status, .. } = request;
    if answered.status != *status {
        return Some(format!("{file}: answered {}, expected {status}", answered.status));
    }
    if decisions != request.decisions || findings != request.findings || cards != request.cards {
        return Some(format!(
            "{file}: {decisions:?} {findings:?} cards {cards:?}, expected {:?} {:?} cards {:?}",
            request.decisions, request.findings, request.cards
        ));
    }
    None
}

/// What the FHIR server received, and that nothing refused is among it.
fn received(requests: &[Call], answered: &[Answered], downstream: &FhirStandIn) -> bool {
    let received = downstream.received();
    let (mut through, mut held, mut wrong) = (0, 0, Vec::new());
    for (request, answered) in requests.iter().zip(answered) {
        if request.route == "console" {
            continue;
        }
        let arrived = received.iter().any(|body| *body == request.bytes);
        let refused = answered.entries.iter().any(|entry| entry.refused());
        match (refused, arrived) {
            (true, false) => held += 1,
            (false, true) => through += 1,
            (true, true) | (false, false) => wrong.push(request.file.as_str()),
        }
    }
    say!("\nFHIR 服务器收到 the FHIR server received: {} 个写请求", received.len());
    say!("  逐字节一致 byte for byte as sent: {through}");
    say!(
        "  被拒且未到达（批处理只转发未被拒的部分） refused, and not a byte arrived (of a batch only the rest): {held}"
    );
    for file in &wrong {
        say!("  泄漏或丢失 LEAKED OR LOST: {file}");
    }
    wrong.is_empty()
}
