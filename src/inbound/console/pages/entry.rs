//! One decision: verdict with its articles in full, the case as a time line, the message as received, the answer.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;

use crate::accounts::Permit;
use crate::domain::order::Redacted;
use crate::domain::rule::Rule;
use crate::gate::office::{Look, OfficeError, Opened};
use crate::gate::told::Shown;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::decoded::{Decoded, decoded};
use crate::inbound::console::pages::live::row_at;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, moment};
use crate::ledger::{Entry, Kind};
use crate::rules::table;
use crate::search::{Query, Term};

/// Orders whose story is told on one page; a message seldom has more.
const ORDERS_MAX: usize = 3;

struct Finding {
    rule: String,
    title: String,
    effect: String,
    text: String,
    /// Regulation with number, and the article's words.
    articles: Vec<(String, &'static str)>,
}

struct Case {
    surgeon: String,
    procedure: String,
    grade: Option<u64>,
    findings: Vec<Finding>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/entry.html")]
struct EntryPage {
    frame: Frame,
    lang: Lang,
    id: String,
    at: String,
    seq: u64,
    shown: Shown,
    cases: Vec<Case>,
    story: Vec<String>,
    told: Vec<(String, String, String)>,
    files: Vec<String>,
    message: Option<Decoded>,
    answer: Option<Decoded>,
    facts: String,
}

/// The page. What it shows belongs to a patient, so the look is recorded first.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(entry): Path<String>,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    match desk.entry_page(&visit, &entry).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => failed(visit.lang, &error),
    }
}

impl Desk {
    async fn entry_page(&self, visit: &Visit, id: &str) -> Result<EntryPage, OfficeError> {
        let Opened { entry, shown, of } = self.office.open(&visit.account, id).await?;
        let shown = shown.filter(|_| entry.kind == Kind::Decision).ok_or(OfficeError::Unknown)?;
        let look = Look {
            act: "viewed",
            what: "entry",
            entry: Some(id.to_owned()),
            patients: shown.patient.clone().into_iter().collect(),
            purpose: "supervision".to_owned(),
        };
        self.office.looked(&visit.account, &look).await?;
        let lang = visit.lang;
        let body: Value = serde_json::from_str(entry.body()).unwrap_or_default();
        let cases = body.pointer("/verdict/cases").and_then(Value::as_array);
        let files = self.office.overrides().of_entry(id).await?;
        let facts = body.get("facts").and_then(|facts| serde_json::to_string_pretty(facts).ok());
        Ok(EntryPage {
            frame: self.frame(visit, "search").await,
            lang,
            id: id.to_owned(),
            at: moment(entry.time, self.zone()),
            seq: entry.seq,
            cases: cases.into_iter().flatten().map(|case| case_of(case, lang)).collect(),
            story: self.story(visit, &shown).await?,
            told: of.iter().map(|entry| self.told(entry)).collect(),
            files: files.iter().map(|file| file.opened.id.to_string()).collect(),
            message: decoded(body.get("message")),
            answer: decoded(body.get("answer")),
            facts: facts.unwrap_or_default(),
            shown,
        })
    }

    /// Everything decided under the same order numbers, the oldest first.
    async fn story(&self, visit: &Visit, shown: &Shown) -> Result<Vec<String>, OfficeError> {
        let mut all = Vec::new();
        for order in shown.orders.iter().take(ORDERS_MAX) {
            let Some(order) = Redacted::new(order.as_str()) else { continue };
            let sought = Query { terms: vec![Term::Order(order)], ..Query::default() };
            all.extend(self.office.find(&visit.account, &sought).await?.decisions);
        }
        all.sort_by(|a, b| (a.at, &a.entry).cmp(&(b.at, &b.entry)));
        all.dedup_by(|a, b| a.entry == b.entry);
        Ok(all.iter().map(|shown| row_at(shown, visit.lang, self.zone())).collect())
    }

    /// When, what kind, and the words of an entry that tells of this one.
    fn told(&self, entry: &Entry) -> (String, String, String) {
        let body: Value = serde_json::from_str(entry.body()).unwrap_or_default();
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
        let words = match entry.kind {
            Kind::Delivery => format!("{} {}", text("outcome"), text("answer_code")),
            _ => format!("{} {} {}", text("act"), text("account"), text("purpose")),
        };
        (moment(entry.time, self.zone()), entry.kind.as_str().to_owned(), words)
    }
}

fn case_of(case: &Value, lang: Lang) -> Case {
    let text = |path: &str| case.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let findings = case.get("findings").and_then(Value::as_array);
    Case {
        surgeon: format!("{} {}", text("/surgeon/name"), text("/surgeon/id")),
        procedure: format!("{} {}", text("/procedure/name"), text("/procedure/code")),
        grade: case.pointer("/procedure/grade").and_then(Value::as_u64),
        findings: findings.into_iter().flatten().map(|found| finding(found, lang)).collect(),
    }
}

fn finding(found: &Value, lang: Lang) -> Finding {
    let text = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rule = text("rule");
    let articles = Rule::from_id(&rule).map(|rule| table::row(rule).cites).unwrap_or_default();
    let articles = articles.iter().map(|article| {
        (format!("{} {}", article.regulation.title(), article.number), article.words)
    });
    Finding {
        title: lang.rule(&rule),
        effect: text("effect"),
        text: text(if lang == Lang::Zh { "text_zh" } else { "text_en" }),
        articles: articles.collect(),
        rule,
    }
}
