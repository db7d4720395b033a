//! 查询 Search: decisions found again, page by page, and taken away as a table.
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
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::domain::rule::Rule;
use crate::gate::office::{Look, OfficeError};
use crate::gate::told::Shown;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html, message};
use crate::inbound::console::pages::search_asked::Asked;
use crate::inbound::console::pages::sheet::{Cell, SheetForm, download, written};
use crate::inbound::console::pages::visit::{Visit, failed, unwritten};
use crate::inbound::console::pages::words::{Lang, masked, moment};

/// Rows of one page.
const PAGE: u32 = 50;
/// Rows of a table that is taken away.
const EXPORT_MAX: usize = 20_000;
/// Rows of one that names its patients: they are all named in the entry that records it.
const IDENTIFIED_MAX: usize = 2_000;
/// Questions put to the index for one table.
const ROUNDS_MAX: usize = 400;
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
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = match desk.form(&visit, &headers, body).await {
        Ok(form) => form,
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

    /// Everything that is asked for, up to a limit; whether that was all.
    async fn all_of(
        &self,
        visit: &Visit,
        asked: &Asked,
        most: usize,
    ) -> Result<(Vec<Shown>, bool), OfficeError> {
        let mut found: Vec<Shown> = Vec::new();
        for asked in asked.ways() {
            let mut query = asked.query(self.zone());
            for _ in 0..ROUNDS_MAX {
                let told = self.office.find(&visit.account, &query).await?;
                found.extend(told.decisions);
                query.before = told.next;
                if told.next.is_none() || found.len() >= most {
                    break;
                }
            }
            if !found.is_empty() {
                let whole = query.before.is_none() && found.len() <= most;
                found.truncate(most);
                return Ok((found, whole));
            }
        }
        Ok((found, true))
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

/// The table of what was found, taken away: recorded with its purpose first.
pub(super) async fn export(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::Audit).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = match desk.form(&visit, &headers, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let Some(why) = form.filled("export_purpose") else {
        return message(
            StatusCode::BAD_REQUEST,
            visit.lang,
            "导出须写明用途。",
            "An export needs its purpose.",
        );
    };
    let asked = Asked::read(&form);
    if let Some(fault) = asked.fault(visit.lang) {
        return message(StatusCode::BAD_REQUEST, visit.lang, fault, fault);
    }
    let identified = form.get("identified") == "1";
    let found = match desk.table_of(&visit, &asked, why, identified).await {
        Ok(found) => found,
        Err(error) => return failed(visit.lang, &error),
    };
    let form = SheetForm::named(form.get("format"));
    let (lang, zone) = (visit.lang, desk.zone().clone());
    let rows = move || table(&found, lang, &zone, identified);
    match written(form, head(lang), rows).await {
        Ok(bytes) => download(form, "orgate-search", bytes),
        Err(error) => unwritten(lang, &error),
    }
}

impl Desk {
    async fn table_of(
        &self,
        visit: &Visit,
        asked: &Asked,
        why: &str,
        identified: bool,
    ) -> Result<(Vec<Shown>, bool), OfficeError> {
        let most = if identified { IDENTIFIED_MAX } else { EXPORT_MAX };
        let (found, whole) = self.all_of(visit, asked, most).await?;
        let mut patients: Vec<String> = Vec::new();
        if identified {
            patients.extend(found.iter().filter_map(|shown| shown.patient.clone()));
        }
        patients.extend((!asked.patient.is_empty()).then(|| asked.patient.clone()));
        patients.sort();
        patients.dedup();
        let what = if identified { "search, with patients" } else { "search, masked" };
        let purpose = why.to_owned();
        let look = Look { act: "exported", what, entry: None, patients, purpose };
        self.office.looked(&visit.account, &look).await?;
        Ok((found, whole))
    }
}

/// The table of what was found; `whole` = that was all.
fn table(
    (found, whole): &(Vec<Shown>, bool),
    lang: Lang,
    zone: &TimeZone,
    identified: bool,
) -> Vec<Vec<Cell>> {
    let rows = found.iter().flat_map(|shown| rows(shown, lang, zone, identified));
    let more = (!whole).then(|| {
        let more = lang.say(
            "（超出导出上限，其余未列出）",
            "(more than one table holds; the rest is left out)",
        );
        vec![more.to_owned()]
    });
    let text = |row: Vec<String>| row.into_iter().map(Cell::Text).collect();
    rows.chain(more).map(text).collect()
}

/// One for each surgeon and procedure.
fn rows(shown: &Shown, lang: Lang, zone: &TimeZone, identified: bool) -> Vec<Vec<String>> {
    let number = |number: &str| if identified { number.to_owned() } else { masked(number) };
    let orders: Vec<String> = shown.orders.iter().map(|order| number(order)).collect();
    let row = |case: Option<&crate::gate::told::ShownCase>| {
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        let findings = case.map(|case| case.findings.as_slice()).unwrap_or_default();
        let rules = findings.iter().map(|finding| lang.rule(&finding.rule));
        let rules: Vec<String> = shown.gaps.iter().map(|g| lang.rule(g)).chain(rules).collect();
        vec![
            moment(shown.at, zone),
            lang.decision(&shown.decision).to_owned(),
            lang.stage(shown.stage.as_deref()).to_owned(),
            lang.urgency(shown.urgency.as_deref()).to_owned(),
            lang.stance(&shown.stance).to_owned(),
            shown.route.clone(),
            shown.departments.join(";"),
            text(case.and_then(|case| case.surgeon.as_ref())),
            text(case.and_then(|case| case.surgeon_name.as_ref())),
            text(case.and_then(|case| case.procedure.as_ref())),
            text(case.and_then(|case| case.procedure_name.as_ref())),
            case.and_then(|case| case.grade).map(|grade| grade.to_string()).unwrap_or_default(),
            rules.join(";"),
            shown.operating_time.clone().unwrap_or_default(),
            shown.patient.as_deref().map(number).unwrap_or_default(),
            orders.join(";"),
            shown.entry.clone(),
        ]
    };
    if shown.cases.is_empty() {
        return vec![row(None)];
    }
    shown.cases.iter().map(|case| row(Some(case))).collect()
}

const HEAD_ZH: [&str; 17] = [
    "判定时间",
    "判定",
    "环节",
    "类别",
    "处置",
    "路由",
    "科室",
    "术者工号",
    "术者",
    "手术编码",
    "手术",
    "级别",
    "依据",
    "手术时间",
    "患者",
    "申请单号",
    "账本条目",
];

const HEAD_EN: [&str; 17] = [
    "decided",
    "decision",
    "stage",
    "urgency",
    "stance",
    "route",
    "department",
    "surgeon_id",
    "surgeon",
    "code",
    "procedure",
    "grade",
    "findings",
    "operating_time",
    "patient",
    "order_no",
    "entry",
];

fn head(lang: Lang) -> &'static [&'static str] {
    match lang {
        Lang::Zh => &HEAD_ZH,
        Lang::En => &HEAD_EN,
    }
}
