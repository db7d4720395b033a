//! 查询 Search: decisions by patient, order, surgeon, procedure, day, rule, decision, route, department.

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::domain::order::Redacted;
use crate::domain::procedure::ProcedureCode;
use crate::gate::office::Look;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::live::row_at;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::visit::failed;
use crate::inbound::console::pages::words::Lang;
use crate::search::{Query, Term};

/// Rows of one page.
const PAGE: u32 = 50;

/// The fields of the form: name, Chinese, English.
const FIELDS: [(&str, &str, &str); 9] = [
    ("patient", "患者号", "Patient"),
    ("order", "申请单号", "Order number"),
    ("surgeon", "术者工号", "Surgeon's number"),
    ("procedure", "手术编码", "Procedure code"),
    ("day", "手术日期", "Operating day"),
    ("rule", "规则", "Rule"),
    ("decision", "判定", "Decision"),
    ("route", "路由", "Route"),
    ("department", "科室", "Department"),
];

#[derive(Template)]
#[template(path = "inbound/console/pages/find.html")]
struct FindPage {
    frame: Frame,
    lang: Lang,
    /// Name, label, what was typed, kind of input.
    fields: Vec<(&'static str, &'static str, String, &'static str)>,
    since: String,
    until: String,
    asked: bool,
    rows: Vec<String>,
    next: Option<String>,
}

fn term(name: &str, text: &str) -> Option<Term> {
    Some(match name {
        "patient" => Term::Patient(Redacted::new(text)?),
        "order" => Term::Order(Redacted::new(text)?),
        "surgeon" => Term::Surgeon(text.to_owned()),
        "procedure" => Term::Procedure(ProcedureCode::new(text)?.to_string()),
        "day" => Term::Day(text.parse().ok()?),
        "rule" => Term::Rule(text.to_owned()),
        "decision" => Term::Decision(text.to_owned()),
        "route" => Term::Route(text.to_owned()),
        "department" => Term::Department(text.to_owned()),
        _ => return None,
    })
}

/// The form, and what it finds. A search for a patient is on record before anything is found.
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
    let (lang, form) = (visit.lang, Form::read(query.as_deref().unwrap_or_default()));
    let terms: Vec<Term> =
        FIELDS.iter().filter_map(|(name, _, _)| term(name, form.filled(name)?)).collect();
    let midnight = |name: &str, later: bool| {
        let day: jiff::civil::Date = form.filled(name)?.parse().ok()?;
        let day = if later { day.tomorrow().ok()? } else { day };
        desk.zone().to_timestamp(day.at(0, 0, 0, 0)).ok()
    };
    let sought = Query {
        since: midnight("since", false),
        until: midnight("until", true),
        before: form.filled("before").and_then(|before| before.parse().ok()),
        terms,
        departments: None,
        limit: PAGE,
    };
    let asked = !sought.terms.is_empty() || sought.since.is_some() || sought.until.is_some();
    if let Some(patient) = form.filled("patient") {
        let patients = vec![patient.to_owned()];
        let purpose = form.get("purpose").to_owned();
        let look = Look { act: "searched", what: "search", entry: None, patients, purpose };
        if let Err(error) = desk.office.looked(&visit.account, &look).await {
            return failed(lang, &error);
        }
    }
    let found = if asked {
        desk.office.find(&visit.account, &sought).await
    } else {
        Ok(Default::default())
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return failed(lang, &error),
    };
    let rows = found.decisions.iter().map(|shown| row_at(shown, lang, desk.zone()));
    let fields = FIELDS.iter().map(|(name, zh, en)| {
        let kind = if *name == "day" { "date" } else { "text" };
        (*name, if lang == Lang::Zh { *zh } else { *en }, form.get(name).to_owned(), kind)
    });
    let page = FindPage {
        frame: desk.frame(&visit, "search").await,
        lang,
        fields: fields.collect(),
        since: form.get("since").to_owned(),
        until: form.get("until").to_owned(),
        asked,
        rows: rows.collect(),
        next: found.next.map(|next| again(&form, next)),
    };
    html(StatusCode::OK, &page)
}

/// The same question for the next page.
fn again(form: &Form, next: u64) -> String {
    let names = FIELDS.iter().map(|(name, _, _)| *name).chain(["since", "until"]);
    let pairs = names.filter_map(|name| {
        let value = utf8_percent_encode(form.filled(name)?, NON_ALPHANUMERIC).to_string();
        Some(format!("{name}={value}&"))
    });
    format!("{}before={next}", pairs.collect::<String>())
}
