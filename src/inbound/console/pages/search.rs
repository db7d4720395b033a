//! 查询 Search: decisions found again, page by page.
//!
//! A patient's or an order's number travels in the body of a form, never in an address; having looked for one is on
//! record. The rows found are masked.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::domain::rule::Rule;
use crate::gate::office::{Look, OfficeError};
use crate::gate::told::Shown;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::search_asked::Asked;
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, masked, moment};

/// Rows of one page.
const PAGE: u32 = 50;
/// What could not be known, which is found like a rule.
const GAPS: [&str; 5] = [
    "privileges-unavailable",
    "calendar-unknown",
    "message-unreadable",
    "ledger-unavailable",
    "overloaded",
];

/// Why people look; the ledger keeps the first word.
pub(super) const PURPOSES: [(&str, &str, &str); 5] = [
    ("case review", "个案查阅", "case review"),
    ("supervision", "督查", "supervision"),
    ("complaint", "投诉处理", "complaint"),
    ("quality control", "质量控制", "quality control"),
    ("fault finding", "故障排查", "fault finding"),
];

/// A purpose of the list, else the first.
pub(super) fn purpose(word: &str) -> &'static str {
    let known = PURPOSES.iter().map(|(known, _, _)| *known).find(|known| *known == word);
    known.unwrap_or("case review")
}

/// A purpose for people; what is none of the list is somebody's own words.
pub(super) fn purpose_words(word: &str, lang: Lang) -> &str {
    let known = PURPOSES.iter().find(|(known, _, _)| *known == word);
    match known {
        Some((_, zh, en)) => lang.say(zh, en),
        None if word == "override review" => lang.say("越权急诊审核", "override review"),
        None => word,
    }
}

/// A decision in a list.
struct Line {
    shown: Shown,
    at: String,
    patient: String,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/search.html")]
struct SearchPage {
    frame: Frame,
    lang: Lang,
    asked: Asked,
    routes: Arc<[Arc<str>]>,
    rules: Vec<(&'static str, String)>,
    /// `None`: nothing was sought yet.
    lines: Option<Vec<Line>>,
    next: Option<u64>,
    fault: Option<&'static str>,
    may_export: bool,
    purpose: String,
    unusual: Option<usize>,
}

impl SearchPage {
    fn purposes(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        let (lang, own) = (self.lang, purpose(&self.asked.purpose));
        PURPOSES.iter().map(move |(word, zh, en)| (*word, lang.say(zh, en), *word == own))
    }
}

/// The form; and what an address without any patient asks for.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let mut asked = Asked::read(&Form::read(query.as_deref().unwrap_or_default()));
    asked.patient.clear();
    asked.order.clear();
    match desk.search_page(&visit, asked, None).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => failed(visit.lang, &error),
    }
}

/// What a form asks for.
pub(super) async fn find(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (visit, form) = match desk.sent(&headers, peer, Permit::See, body).await {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let before = form.filled("before").and_then(|before| before.parse().ok());
    match desk.search_page(&visit, Asked::read(&form), before).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => failed(visit.lang, &error),
    }
}

impl Desk {
    async fn search_page(
        &self,
        visit: &Visit,
        asked: Asked,
        before: Option<u64>,
    ) -> Result<SearchPage, OfficeError> {
        let lang = visit.lang;
        let mut page = SearchPage {
            frame: self.frame(visit, "search").await,
            lang,
            routes: Arc::clone(&self.routes),
            rules: rules(lang),
            lines: None,
            next: None,
            fault: None,
            may_export: visit.account.may(Permit::Audit),
            purpose: utf8_percent_encode(purpose(&asked.purpose), NON_ALPHANUMERIC).to_string(),
            unusual: None,
            asked,
        };
        if page.asked.is_empty() {
            return Ok(page);
        }
        if let Some(fault) = page.asked.fault(lang) {
            page.fault = Some(fault);
            return Ok(page);
        }
        page.unusual = self.sought(visit, &page.asked).await?;
        let mut told = Default::default();
        // As people write it, and as they meant it: full width, blanks around it.
        for asked in page.asked.ways() {
            let mut query = asked.query(self.zone());
            (query.before, query.limit) = (before, PAGE);
            told = self.office.find(&visit.account, &query).await?;
            if !told.decisions.is_empty() || told.next.is_some() {
                break;
            }
        }
        page.next = told.next;
        let line = |shown: Shown| Line {
            at: moment(shown.at, self.zone()),
            patient: shown.patient.as_deref().map(masked).unwrap_or_default(),
            shown,
        };
        page.lines = Some(told.decisions.into_iter().map(line).collect());
        Ok(page)
    }

    /// Looking for a patient or an order is a look.
    async fn sought(&self, visit: &Visit, asked: &Asked) -> Result<Option<usize>, OfficeError> {
        if asked.patient.is_empty() && asked.order.is_empty() {
            return Ok(None);
        }
        let patient = (!asked.patient.is_empty()).then(|| asked.patient.clone());
        let look = Look {
            act: "searched",
            what: if patient.is_some() { "patient" } else { "order" },
            entry: None,
            patients: patient.into_iter().collect(),
            purpose: purpose(&asked.purpose).to_owned(),
        };
        Ok(unusual(self.office.looked(&visit.account, &look).await?))
    }
}

/// How many patients too many were looked at.
pub(super) fn unusual(looked: crate::gate::office::Looked) -> Option<usize> {
    match looked {
        crate::gate::office::Looked::Usual => None,
        crate::gate::office::Looked::Unusual(count) => Some(count),
    }
}

fn rules(lang: Lang) -> Vec<(&'static str, String)> {
    let rules = Rule::ALL.iter().map(|rule| rule.as_str()).chain(GAPS);
    rules.map(|rule| (rule, lang.rule(rule))).collect()
}
