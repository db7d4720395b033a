//! One surgeon: every grant with its paper, what was changed since, and overrides that were rejected (SG 17).

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::civil::Date;

use crate::accounts::Permit;
use crate::domain::procedure::ProcedureCode;
use crate::gate::office::OfficeError;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::case_facts::word;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::register::turn::notice;
use crate::inbound::console::pages::register::{Offer, silent};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::{Lang, masked, moment};
use crate::overrides::{Act, OverrideFile, Sought, State as FileState};
use crate::register::error::RegisterError;
use crate::register::import::grants::GRANTS;
use crate::register::import::surgeons::SURGEONS;
use crate::register::look::{self, Past};
use crate::register::record::Fields;

/// Changes that are shown; the history page has the others.
const CHANGES_MAX: usize = 100;

/// A grant.
struct GrantLine {
    code: String,
    name: String,
    grade: String,
    right: String,
    sites: String,
    term: String,
    status: String,
    status_word: String,
    document: String,
    evaluated_on: String,
    trained_on: String,
    supervision: String,
    /// `now`, `later`, `over`.
    when: &'static str,
    offer: Option<Offer>,
}

/// A row that began or ended.
struct ChangeLine {
    version: i64,
    what: String,
    before: String,
    after: String,
}

/// An override that a reviewer did not confirm.
struct Rejected {
    id: String,
    at: String,
    procedure: String,
    patient: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/register/dossier.html")]
struct DossierPage {
    frame: Frame,
    lang: Lang,
    at: &'static str,
    link: String,
    id: String,
    name: String,
    department: String,
    status: String,
    status_word: String,
    licence_to: String,
    base: String,
    offer: Option<Offer>,
    grants: Vec<GrantLine>,
    changes: Vec<ChangeLine>,
    rejected: Vec<Rejected>,
    notice: Option<String>,
    printed: String,
}

/// The page.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    match desk.dossier(&visit, id.trim()).await {
        Ok(Some(mut page)) => {
            page.notice = notice(&form, visit.lang);
            html(StatusCode::OK, &page)
        }
        Ok(None) => failed(visit.lang, &OfficeError::Unknown),
        Err(error) => silent(&visit, error),
    }
}

impl Desk {
    async fn dossier(&self, visit: &Visit, id: &str) -> Result<Option<DossierPage>, RegisterError> {
        let source = self.office.source();
        let persons = look::past(source, &SURGEONS, "surgeon_id", id).await?;
        let Some(current) = persons.iter().find(|past| past.to.is_none()) else { return Ok(None) };
        let row = Fields::split(&SURGEONS, &current.record);
        let department = Some(row.get("department")).filter(|text| !text.is_empty());
        if !visit.account.scope.sees(department) {
            return Ok(None);
        }
        let grants = look::past(source, &GRANTS, "surgeon_id", id).await?;
        let may = visit.account.may(Permit::ChangeRegister);
        let now = self.office.gate().clock().now();
        let (lang, today) = (visit.lang, self.zone().to_datetime(now).date());
        let mut lines: Vec<&Past> = grants.iter().filter(|past| past.to.is_none()).collect();
        lines.sort_by(|one, other| one.record.cmp(&other.record));
        let offer = Offer::of("surgeon", row.get("status")).filter(|_| may);
        let offer = offer.map(|offer| Offer { surgeon: id.to_owned(), ..offer });
        let text = |column| row.get(column).to_owned();
        Ok(Some(DossierPage {
            frame: self.frame(visit, "register").await,
            lang,
            at: "surgeons",
            link: percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC)
                .to_string(),
            id: text("surgeon_id"),
            name: text("name"),
            department: text("department"),
            status: text("status"),
            status_word: word(row.get("status"), lang).to_owned(),
            licence_to: text("licence_to"),
            base: word(row.get("base"), lang).to_owned(),
            offer,
            grants: lines.iter().map(|past| self.grant(past, (lang, today, may))).collect(),
            changes: changes(&persons, &grants, lang),
            rejected: self.rejected(visit, id).await,
            notice: None,
            printed: moment(now, self.zone()),
        }))
    }

    fn grant(&self, past: &Past, (lang, today, may): (Lang, Date, bool)) -> GrantLine {
        let row = Fields::split(&GRANTS, &past.record);
        let text = |column| row.get(column).to_owned();
        let code = row.get("code");
        let catalogue = self.office.gate().register().catalogue();
        let item = ProcedureCode::new(code).and_then(|code| catalogue.resolve(&code).cloned());
        let grade = match (&item, row.get("grade")) {
            (Some(item), _) => item.grade.number().to_string(),
            (None, grade) => grade.to_owned(),
        };
        let name = match (&item, code) {
            (Some(item), _) => item.name.clone(),
            (None, "") => {
                lang.say("该级及以下全部手术", "every procedure up to this grade").to_owned()
            }
            (None, _) => String::new(),
        };
        let day = |column| row.get(column).parse::<Date>().ok();
        let when = match (day("valid_from"), day("valid_to")) {
            (Some(from), _) if today < from => "later",
            (_, Some(to)) if today > to => "over",
            _ => "now",
        };
        let of = if code.is_empty() { "grade" } else { "grant" };
        let offer =
            Offer::of(of, row.get("status")).filter(|_| may && row.get("right") == "perform");
        let offer = offer.map(|offer| Offer {
            surgeon: text("surgeon_id"),
            code: code.to_owned(),
            grade: text("grade"),
            ..offer
        });
        GrantLine {
            code: code.to_owned(),
            name,
            grade,
            right: word(row.get("right"), lang).to_owned(),
            sites: text("sites"),
            term: format!("{} – {}", row.get("valid_from"), row.get("valid_to")),
            status: text("status"),
            status_word: word(row.get("status"), lang).to_owned(),
            document: format!("{} {}", row.get("document_no"), row.get("document_on")),
            evaluated_on: text("evaluated_on"),
            trained_on: text("trained_on"),
            supervision: word(row.get("supervision"), lang).to_owned(),
            when,
            offer,
        }
    }

    /// An index that does not answer leaves the rest of the dossier readable.
    async fn rejected(&self, visit: &Visit, id: &str) -> Vec<Rejected> {
        let sought = Sought {
            open: Some(false),
            surgeon: Some(id.to_owned()),
            departments: visit.account.scope.departments().map(<[String]>::to_vec),
            ..Sought::default()
        };
        let files = self.office.overrides().list(&sought).await.unwrap_or_default();
        let rejected = files.iter().filter(|file| file.state == FileState::Rejected);
        rejected.map(|file| self.rejection(file)).collect()
    }

    fn rejection(&self, file: &OverrideFile) -> Rejected {
        let opened = &file.opened;
        let reviews = file.history.iter().rev().map(|step| &step.recorded.act);
        let review =
            reviews.filter(|act| matches!(act, Act::Reviewed { .. })).find_map(Act::reason);
        let code = opened.procedure.clone().unwrap_or_default();
        let name = opened.procedure_name.clone().unwrap_or_default();
        Rejected {
            id: opened.id.to_string(),
            at: moment(opened.at, self.zone()),
            procedure: format!("{name} {code}"),
            patient: opened.patient.as_ref().map(|no| masked(no.reveal())).unwrap_or_default(),
            reason: review.unwrap_or_default().to_owned(),
        }
    }
}

/// What a row says, in short.
fn short(table: &'static crate::register::table::Table, record: &str, lang: Lang) -> String {
    let row = Fields::split(table, record);
    let cells = table.columns.iter().skip(1).zip(row.cells().iter().skip(1));
    let filled = cells.filter(|(_, cell)| !cell.is_empty());
    filled.map(|(_, cell)| word(cell, lang).to_owned()).collect::<Vec<_>>().join(" · ")
}

/// What was changed, the newest first: each row with the one of the same key that it took the place of.
fn changes(persons: &[Past], grants: &[Past], lang: Lang) -> Vec<ChangeLine> {
    let mut lines: Vec<ChangeLine> = Vec::new();
    for (table, rows) in [(&SURGEONS, persons), (&GRANTS, grants)] {
        let key = |past: &Past| table.key_of(&Fields::split(table, &past.record));
        let what = lang.say(if table.name == "grants" { "授权" } else { "人员" }, table.name);
        for past in rows {
            let before = rows.iter().find(|b| b.to == Some(past.from) && key(b) == key(past));
            lines.push(ChangeLine {
                version: past.from,
                what: what.to_owned(),
                before: before.map(|before| short(table, &before.record, lang)).unwrap_or_default(),
                after: short(table, &past.record, lang),
            });
            let Some(to) = past.to else { continue };
            if !rows.iter().any(|after| after.from == to && key(after) == key(past)) {
                lines.push(ChangeLine {
                    version: to,
                    what: what.to_owned(),
                    before: short(table, &past.record, lang),
                    after: String::new(),
                });
            }
        }
    }
    lines.sort_by_key(|line| std::cmp::Reverse(line.version));
    lines.truncate(CHANGES_MAX);
    lines
}
