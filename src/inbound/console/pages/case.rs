//! One case as a time line: order → notice → record, whatever was judged under the same number, or of the same
//! patient, procedure and day. The patient is shown, so the look is recorded first.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use crate::accounts::{Account, Permit};
use crate::domain::order::Redacted;
use crate::gate::office::{Look, OfficeError};
use crate::gate::told::Shown;
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::case_entry::{Step, step};
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::search::{purpose, purpose_words, unusual};
use crate::inbound::console::pages::visit::{Visit, failed};
use crate::inbound::console::pages::words::Lang;
use crate::ledger::EntryId;
use crate::ledger::Kind;
use crate::search::{Query, Term};

/// Steps of one page; a case has an order, its changes, a notice, a record.
const STEPS_MAX: usize = 40;
/// Look-ups that find them.
const LOOKUPS_MAX: usize = 12;

#[derive(Template)]
#[template(path = "inbound/console/pages/case.html")]
struct CasePage {
    frame: Frame,
    lang: Lang,
    id: String,
    purpose: &'static str,
    patients: String,
    orders: String,
    departments: String,
    steps: Vec<Step>,
    /// Asked beforehand, and no order.
    inquiry: bool,
    files: Vec<String>,
    left_out: usize,
    unusual: Option<usize>,
}

impl CasePage {
    fn purpose_words(&self) -> &str {
        purpose_words(self.purpose, self.lang)
    }
}

/// The case of an entry.
pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    Path(entry): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = match desk.permitted(&headers, peer, Permit::See).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let form = Form::read(query.as_deref().unwrap_or_default());
    match desk.case_page(&visit, &entry, purpose(form.get("purpose"))).await {
        Ok(page) => html(StatusCode::OK, &page),
        Err(error) => failed(visit.lang, &error),
    }
}

/// What finds the rest of a case.
fn lookups(shown: &Shown) -> Vec<Vec<Term>> {
    let orders = shown.orders.iter().filter_map(|order| Redacted::new(order.as_str()));
    let mut all: Vec<Vec<Term>> = orders.map(|order| vec![Term::Order(order)]).collect();
    let patient = shown.patient.as_deref().and_then(Redacted::new);
    let day = shown.operating_time.as_deref().and_then(|time| time.get(..10));
    let day = day.and_then(|day| day.parse().ok());
    if let (Some(patient), Some(day)) = (patient, day) {
        for code in shown.cases.iter().filter_map(|case| case.procedure.clone()) {
            let patient = Term::Patient(patient.clone());
            all.push(vec![patient, Term::Procedure(code), Term::Day(day)]);
        }
    }
    all.truncate(LOOKUPS_MAX);
    all
}

/// Numbers are used again after years: what is of another patient is another case.
fn same_patient(one: &Shown, other: &Shown) -> bool {
    match (&one.patient, &other.patient) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

impl Desk {
    /// Everything of the case, the oldest first.
    async fn related(&self, account: &Account, first: &Shown) -> Result<Vec<Shown>, OfficeError> {
        let mut all = vec![first.clone()];
        for terms in lookups(first) {
            let told = self.office.find(account, &Query { terms, ..Query::default() }).await?;
            for shown in told.decisions {
                let fresh = !all.iter().any(|known| known.entry == shown.entry);
                if fresh && same_patient(first, &shown) {
                    all.push(shown);
                }
            }
        }
        all.sort_by_key(|shown| (shown.at, shown.entry.clone()));
        Ok(all)
    }

    async fn case_page(
        &self,
        visit: &Visit,
        entry: &str,
        purpose: &'static str,
    ) -> Result<CasePage, OfficeError> {
        let id = EntryId::parse(entry).ok_or(OfficeError::Unknown)?.to_string();
        let account = &visit.account;
        let opened = self.office.open(account, &id).await?;
        let inquiry = opened.entry.kind == Kind::Access;
        let shown = opened.shown.filter(|_| inquiry || opened.entry.kind == Kind::Decision);
        let shown = shown.ok_or(OfficeError::Unknown)?;
        // An inquiry stands by itself: nothing moved, and no case came of it.
        let mut all = if inquiry { vec![shown] } else { self.related(account, &shown).await? };
        let left_out = all.len().saturating_sub(STEPS_MAX);
        let mut nth = 0;
        // The newest stay, and the one that was asked for.
        all.retain(|one| {
            nth += 1;
            nth > left_out || one.entry == id
        });
        let texts = |of: &dyn Fn(&Shown) -> Vec<String>| {
            let mut texts: Vec<String> = all.iter().flat_map(of).collect();
            texts.sort();
            texts.dedup();
            texts
        };
        let patients = texts(&|shown| shown.patient.iter().cloned().collect());
        // Each entry that is shown, so that each tells who looked at it.
        let mut too_many = None;
        for one in &all {
            let look = Look {
                act: "viewed",
                what: if inquiry { "inquiry" } else { "case" },
                entry: Some(one.entry.clone()),
                patients: one.patient.iter().cloned().collect(),
                purpose: purpose.to_owned(),
            };
            too_many = unusual(self.office.looked(account, &look).await?).or(too_many);
        }
        let (mut steps, mut files) = (Vec::new(), Vec::new());
        for one in &all {
            let opened = self.office.open(account, &one.entry).await?;
            let looks = account.may(Permit::Audit);
            if let Some(step) = step(&opened, visit.lang, self, looks) {
                let current = one.entry == id;
                steps.push(Step { current, ..step });
            }
            let opened = self.office.overrides().of_entry(&one.entry).await?;
            files.extend(opened.iter().map(|file| file.opened.id.to_string()));
        }
        Ok(CasePage {
            frame: self.frame(visit, "search").await,
            lang: visit.lang,
            id,
            purpose,
            patients: patients.join("、"),
            orders: texts(&|shown| shown.orders.clone()).join("、"),
            departments: texts(&|shown| shown.departments.clone()).join("、"),
            steps,
            inquiry,
            files,
            left_out,
            unusual: too_many,
        })
    }
}
