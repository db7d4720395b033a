//! Catalogue, technique lists with their dossiers, discussions: one table each, filtered and page by page.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::accounts::Permit;
use crate::gate::office::{Look, OfficeError};
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::case_facts::{label, word};
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::register::surgeons::{next, offset};
use crate::inbound::console::pages::register::turn::notice;
use crate::inbound::console::pages::register::{Offer, silent};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, local, masked};
use crate::register::error::RegisterError;
use crate::register::import::catalogue::CATALOGUE;
use crate::register::import::discussions::DISCUSSIONS;
use crate::register::import::dossiers::DOSSIERS;
use crate::register::import::techniques::TECHNIQUES;
use crate::register::look::{self, Wanted};
use crate::register::record::Fields;
use crate::register::table::Table;

/// Rows of one page.
const PAGE: u32 = 100;

/// A row: its first cell may lead to a page of its own.
struct Line {
    class: String,
    link: Option<String>,
    cells: Vec<String>,
    offer: Option<Offer>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/table.html")]
struct TablePage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    title: String,
    hint: &'static str,
    text: String,
    head: Vec<String>,
    lines: Vec<Line>,
    next: Option<String>,
    notice: Option<String>,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/discussion.html")]
struct DiscussionPage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    id: String,
    cells: Vec<(String, String)>,
}

impl TablePage {
    /// A day is not broken over lines.
    fn is_day(&self, cell: &str) -> bool {
        cell.parse::<Date>().is_ok()
    }
}

/// What a page shows of a table.
struct Plan {
    at: &'static str,
    path: &'static str,
    title: (&'static str, &'static str),
    hint: (&'static str, &'static str),
    table: &'static Table,
    sought: &'static [&'static str],
    columns: &'static [&'static str],
}

const OF_CATALOGUE: Plan = Plan {
    at: "catalogue",
    path: "/register/catalogue",
    title: ("手术分级管理目录", "Catalogue of procedures"),
    hint: ("编码或名称", "Code or name"),
    table: &CATALOGUE,
    sought: &["code", "name", "aliases"],
    columns: &[
        "code",
        "name",
        "grade",
        "reference_grade",
        "specialty",
        "status",
        "status_reason",
        "admission",
        "ethics",
        "valid_from",
        "valid_to",
    ],
};

const OF_TECHNIQUES: Plan = Plan {
    at: "techniques",
    path: "/register/techniques",
    title: ("技术清单与档案", "Technique lists and dossiers"),
    hint: ("编号、名称或编码", "Item, name or code"),
    table: &TECHNIQUES,
    sought: &["item", "name", "codes"],
    columns: &["item", "kind", "list", "name", "codes", "valid_from", "valid_to", "document"],
};

/// What is added to a technique from its dossier.
const DOSSIER: [&str; 6] =
    ["state", "self_assessed_on", "ethics_approved_on", "first_case_on", "filed_on", "filing_no"];

const OF_DISCUSSIONS: Plan = Plan {
    at: "discussions",
    path: "/register/discussions",
    title: ("术前多学科讨论", "Multidisciplinary discussions"),
    hint: ("讨论编号", "Number of the discussion"),
    table: &DISCUSSIONS,
    sought: &["discussion_id"],
    columns: &[
        "discussion_id",
        "held_on",
        "patient_id",
        "order_no",
        "codes",
        "disciplines",
        "contents",
        "conclusion",
    ],
};

/// The head of a column. What is listed here are things: a person's name is called otherwise.
fn title(column: &str, lang: Lang) -> String {
    if column == "name" { lang.say("名称", "name").to_owned() } else { label(column, lang) }
}

/// A cell for people: words in their language, lists with blanks to break at.
fn cell(row: &Fields<'_>, column: &str, lang: Lang, zone: &TimeZone) -> String {
    let text = row.get(column);
    if column == "held_on" {
        return local(text, zone);
    }
    if matches!(column, "codes" | "disciplines" | "contents" | "aliases") {
        return text.split(';').map(|part| word(part, lang)).collect::<Vec<_>>().join("、");
    }
    word(text, lang).to_owned()
}

impl Desk {
    /// A page of a table; `line` makes a row of a record.
    async fn table_page(
        &self,
        visit: &Visit,
        plan: &Plan,
        form: &Form,
        line: &(dyn Fn(&Fields<'_>) -> Line + Sync),
    ) -> Result<TablePage, RegisterError> {
        let (lang, from) = (visit.lang, offset(form));
        let text = form.get("text").trim().to_owned();
        let wanted = Wanted {
            text: (!text.is_empty()).then(|| (text.clone(), plan.sought)),
            among: None,
            offset: from,
            limit: PAGE,
        };
        let listed = look::list(self.office.source(), plan.table, &wanted).await?;
        let rows = listed.records.iter().map(|record| Fields::split(plan.table, record));
        Ok(TablePage {
            frame: self.frame(visit, "register").await,
            lang,
            at: plan.at,
            title: lang.say(plan.title.0, plan.title.1).to_owned(),
            hint: lang.say(plan.hint.0, plan.hint.1),
            head: plan.columns.iter().map(|column| title(column, lang)).collect(),
            lines: rows.map(|row| line(&row)).collect(),
            next: next(plan.path, &text, from, PAGE, listed.more),
            notice: notice(form, lang),
            text,
        })
    }
}

/// Whether the account may change what is of the whole house.
fn may_change(visit: &Visit) -> bool {
    visit.account.may(Permit::ChangeRegister) && visit.account.scope.departments().is_none()
}

/// The catalogue.
pub(super) async fn catalogue(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let (may, lang, zone) = (may_change(&visit), visit.lang, desk.zone());
    let line = |row: &Fields<'_>| {
        let offer = Offer::of("procedure", row.get("status")).filter(|_| may);
        Line {
            class: row.get("status").to_owned(),
            link: None,
            cells: OF_CATALOGUE
                .columns
                .iter()
                .map(|column| cell(row, column, lang, zone))
                .collect(),
            offer: offer.map(|offer| Offer { code: row.get("code").to_owned(), ..offer }),
        }
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    match desk.table_page(&visit, &OF_CATALOGUE, &form, &line).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => silent(&visit, error),
    }
}

/// Technique lists, each item with the dossier of this house.
pub(super) async fn techniques(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let (may, lang, zone) = (may_change(&visit), visit.lang, desk.zone());
    let wanted = Wanted { limit: look::ROWS_MAX, ..Wanted::default() };
    let dossiers = match look::list(desk.office.source(), &DOSSIERS, &wanted).await {
        Ok(listed) => listed.records,
        Err(error) => return silent(&visit, error),
    };
    let line = |row: &Fields<'_>| {
        let item = row.get("item");
        let rows = dossiers.iter().map(|record| Fields::split(&DOSSIERS, record));
        let dossier = rows.into_iter().find(|dossier| dossier.get("item") == item);
        let state = dossier.as_ref().map_or("", |dossier| dossier.get("state"));
        // A technique without a dossier can be suspended too: one is begun.
        let offer = Offer::of("technique", if dossier.is_some() { state } else { "active" });
        let offer = offer.filter(|_| may).map(|offer| Offer { item: item.to_owned(), ..offer });
        let mut cells: Vec<String> =
            OF_TECHNIQUES.columns.iter().map(|column| cell(row, column, lang, zone)).collect();
        cells.extend(DOSSIER.iter().map(|column| {
            dossier.as_ref().map(|dossier| cell(dossier, column, lang, zone)).unwrap_or_default()
        }));
        Line { class: state.to_owned(), link: None, cells, offer }
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    match desk.table_page(&visit, &OF_TECHNIQUES, &form, &line).await {
        Ok(mut page) => {
            page.head.extend(DOSSIER.iter().map(|column| label(column, lang)));
            html(StatusCode::OK, &page)
        }
        Err(error) => silent(&visit, error),
    }
}

/// Discussions with their patients masked. They are of no department, so only who sees all sees them.
pub(super) async fn discussions(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if visit.account.scope.departments().is_some() {
        return failed(visit.lang, &OfficeError::Unknown);
    }
    let (lang, zone) = (visit.lang, desk.zone());
    let line = |row: &Fields<'_>| {
        let cells = OF_DISCUSSIONS.columns.iter().map(|column| match *column {
            "patient_id" | "order_no" => masked(row.get(column)),
            column => cell(row, column, lang, zone),
        });
        let id = utf8_percent_encode(row.get("discussion_id"), NON_ALPHANUMERIC);
        Line {
            class: row.get("conclusion").to_owned(),
            link: Some(format!("/register/discussions/{id}")),
            cells: cells.collect(),
            offer: None,
        }
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    match desk.table_page(&visit, &OF_DISCUSSIONS, &form, &line).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => silent(&visit, error),
    }
}

/// One discussion, opened: recorded first.
pub(super) async fn discussion(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if visit.account.scope.departments().is_some() {
        return failed(visit.lang, &OfficeError::Unknown);
    }
    let source = desk.office.source();
    let past = match look::past(source, &DISCUSSIONS, "discussion_id", &id).await {
        Ok(past) => past,
        Err(error) => return silent(&visit, error),
    };
    let Some(current) = past.into_iter().find(|past| past.to.is_none()) else {
        return failed(visit.lang, &OfficeError::Unknown);
    };
    let row = Fields::split(&DISCUSSIONS, &current.record);
    let look = Look {
        act: "viewed",
        what: "discussion",
        entry: None,
        patients: vec![row.get("patient_id").to_owned()],
        purpose: "case review".to_owned(),
    };
    if let Err(error) = desk.office.looked(&visit.account, &look).await {
        return failed(visit.lang, &error);
    }
    let lang = visit.lang;
    let columns = DISCUSSIONS.columns.iter().map(|column| column.name);
    let page = DiscussionPage {
        frame: desk.frame(&visit, "register").await,
        lang,
        at: "discussions",
        id: row.get("discussion_id").to_owned(),
        cells: columns
            .map(|column| (label(column, lang), cell(&row, column, lang, desk.zone())))
            .collect(),
    };
    html(StatusCode::OK, &page)
}
