//! The list of surgeons.

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::case_facts::word;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::register::silent;
use crate::inbound::console::pages::words::{Lang, moment};
use crate::register::import::surgeons::SURGEONS;
use crate::register::look::{self, Wanted};
use crate::register::record::Fields;
use crate::register::sources::fhir::status::Standing;

/// Surgeons of one page.
const PAGE: u32 = 100;

struct Line {
    link: String,
    id: String,
    name: String,
    department: String,
    status: String,
    status_word: String,
    licence_to: String,
    base: String,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/surgeons.html")]
struct SurgeonsPage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    text: String,
    version: i64,
    pulled: Option<String>,
    lines: Vec<Line>,
    next: Option<String>,
}

/// Where the next page is, if there is one.
pub(super) fn next(path: &str, text: &str, offset: u32, page: u32, more: bool) -> Option<String> {
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    more.then(|| format!("{path}?text={text}&from={}", offset.saturating_add(page)))
}

/// Where a page begins.
pub(super) fn offset(form: &Form) -> u32 {
    form.filled("from").and_then(|from| from.parse().ok()).unwrap_or(0)
}

/// When the register was last pulled from a FHIR server, where it is; and whether that fails now.
fn pulled(desk: &Desk, lang: Lang) -> Option<String> {
    let Standing { pulled_at, failing } = desk.pulls.as_ref()?.now();
    let zone = desk.office.gate().zone();
    let at = pulled_at.map(|at| moment(at, zone));
    let last = lang.say("上次从 FHIR 服务器拉取", "last pulled from the FHIR server");
    let never = || lang.say("尚未", "never").to_owned();
    let fails = if failing.is_some() {
        lang.say(
            "；目前拉取失败，沿用已拉取的授权",
            "; pulls fail now, what was pulled stays in force",
        )
    } else {
        ""
    };
    Some(format!("{last} {}{fails}", at.unwrap_or_else(never)))
}

/// The list.
pub(super) async fn list(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    let (text, from) = (form.get("text").trim().to_owned(), offset(&form));
    let own = visit.account.scope.departments().map(<[String]>::to_vec);
    let wanted = Wanted {
        text: (!text.is_empty())
            .then(|| (text.clone(), &["surgeon_id", "name", "department"] as &[_])),
        among: own.map(|own| ("department", own)),
        offset: from,
        limit: PAGE,
    };
    let listed = match look::list(desk.office.source(), &SURGEONS, &wanted).await {
        Ok(listed) => listed,
        Err(error) => return silent(&visit, error),
    };
    let lang = visit.lang;
    let line = |record: &String| {
        let row = Fields::split(&SURGEONS, record);
        let text = |column| row.get(column).to_owned();
        Line {
            link: utf8_percent_encode(row.get("surgeon_id"), NON_ALPHANUMERIC).to_string(),
            id: text("surgeon_id"),
            name: text("name"),
            department: text("department"),
            status: text("status"),
            status_word: word(row.get("status"), lang).to_owned(),
            licence_to: text("licence_to"),
            base: word(row.get("base"), lang).to_owned(),
        }
    };
    let page = SurgeonsPage {
        frame: desk.frame(&visit, "register").await,
        lang,
        at: "surgeons",
        version: listed.version,
        pulled: pulled(&desk, lang),
        lines: listed.records.iter().map(line).collect(),
        next: next("/register", &text, from, PAGE, listed.more),
        text,
    };
    html(StatusCode::OK, &page)
}
