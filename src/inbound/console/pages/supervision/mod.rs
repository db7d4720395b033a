//! 督查 Supervision: figures as charts with their tables, reviews of overrides, cases still to be reported; and the
//! export, which needs the auditor's role and a purpose, and is recorded.

mod chart;
mod charts;

use std::collections::BTreeMap;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::accounts::{Account, Permit};
use crate::cases::figures::{self, COLUMNS, Figures};
use crate::cases::report::{Report, ReportState};
use crate::domain::order::Stage;
use crate::domain::procedure::Grade;
use crate::gate::office::{Look, OfficeError};
use crate::inbound::console::caller::Peer;
use crate::inbound::console::pages::Desk;
use crate::inbound::console::pages::form::Form;
use crate::inbound::console::pages::page::{Frame, html};
use crate::inbound::console::pages::sheet::{Cell, SheetForm, download, written};
use crate::inbound::console::pages::supervision::chart::Chart;
use crate::inbound::console::pages::supervision::charts::{SurgeonLine, Totals};
use crate::inbound::console::pages::visit::{failed, unwritten};
use crate::inbound::console::pages::words::{Lang, moment};

/// Months of a page that nobody has asked for otherwise, this one included.
const MONTHS: i64 = 6;
/// Days of one question: figures of many years are an export's business.
const DAYS_MAX: i32 = 3 * 366;
/// Cases listed as still to be reported.
const OUTSTANDING_MAX: usize = 200;

/// Which days, and which checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    from: Date,
    to: Date,
    /// All of them where absent.
    stage: Option<Stage>,
}

impl Asked {
    /// What a query says, held within bounds.
    fn read(form: &Form, today: Date) -> Self {
        let day = |name| form.filled(name).and_then(|text| text.parse::<Date>().ok());
        let to = day("to").unwrap_or(today);
        let usual = to.first_of_month().saturating_sub((MONTHS - 1).months());
        let from = day("from").unwrap_or(usual).min(to);
        let from = from.max(to.saturating_sub(DAYS_MAX.days()));
        let stage = match form.get("stage") {
            "all" => None,
            "notice" => Some(Stage::Notice),
            "record" => Some(Stage::Record),
            _ => Some(Stage::Order),
        };
        Self { from, to, stage }
    }

    fn stage_name(&self) -> &'static str {
        self.stage.map_or("all", Stage::as_str)
    }
}

/// A case still to be reported. Whose it is, the case itself says: here nobody's number is shown.
struct Waiting {
    day: String,
    technique: String,
    procedure: String,
    grade: String,
    surgeon: String,
    department: String,
    overdue: bool,
    entry: String,
}

#[derive(Template)]
#[template(path = "inbound/console/pages/supervision/page.html")]
struct Page {
    frame: Frame,
    lang: Lang,
    from: String,
    to: String,
    stage: &'static str,
    counted: String,
    totals: Totals,
    charts: Vec<Chart>,
    surgeons: Vec<SurgeonLine>,
    outstanding: Vec<Waiting>,
    outstanding_count: usize,
    overdue_count: usize,
    due_days: u32,
    cut: bool,
    may_export: bool,
    departments: Option<String>,
}

/// The page.
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
    let (lang, account) = (visit.lang, &visit.account);
    let today = desk.today();
    let asked = Asked::read(&Form::read(query.as_deref().unwrap_or_default()), today);
    let mut supervised = match desk.office.supervised(account, (asked.from, asked.to)).await {
        Ok(supervised) => supervised,
        Err(error) => return failed(lang, &error),
    };
    supervised.cells.retain(|cell, _| asked.stage.is_none_or(|stage| stage == cell.stage));
    let due_days = desk.office.due_days();
    let late = |report: &&Report| report.state(today, due_days) == ReportState::Overdue;
    let reports = &supervised.outstanding;
    let page = Page {
        lang,
        from: asked.from.to_string(),
        to: asked.to.to_string(),
        stage: asked.stage_name(),
        counted: moment(supervised.counted, desk.zone()),
        totals: Totals::of(&supervised),
        charts: charts::all(&supervised, lang),
        surgeons: charts::surgeons(&supervised, lang),
        outstanding_count: reports.len(),
        overdue_count: reports.iter().filter(late).count(),
        outstanding: reports
            .iter()
            .take(OUTSTANDING_MAX)
            .map(|report| waiting(report, late(&report)))
            .collect(),
        due_days,
        cut: supervised.cut,
        may_export: account.may(Permit::Audit),
        departments: account.scope.departments().map(|own| own.join("、")),
        frame: desk.frame(&visit, "supervision").await,
    };
    html(StatusCode::OK, &page)
}

fn waiting(report: &Report, overdue: bool) -> Waiting {
    Waiting {
        day: report.day.to_string(),
        technique: report.technique.clone(),
        procedure: report.procedure.as_ref().map_or("", |code| code.as_str()).to_owned(),
        grade: report.grade.map(|grade| Grade::number(grade).to_string()).unwrap_or_default(),
        surgeon: report.surgeon.as_ref().map_or("", |surgeon| surgeon.as_str()).to_owned(),
        department: report.department.clone().unwrap_or_default(),
        overdue,
        entry: report.entry.clone(),
    }
}

/// A copy taken away: the auditor's, with a purpose, and recorded before it is given.
pub(super) async fn export(
    State(desk): State<Desk>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let sent = desk.sent_for_copy(&headers, peer, body, "purpose").await;
    let (visit, form, purpose) = match sent {
        Ok(sent) => sent,
        Err(response) => return response,
    };
    let asked = Asked::read(&form, desk.today());
    let sheet = SheetForm::named(form.get("format"));
    let cells = match desk.cells(&visit.account, asked).await {
        Ok(cells) => cells,
        Err(error) => return failed(visit.lang, &error),
    };
    let bytes = match written(sheet, &COLUMNS, move || rows(&cells)).await {
        Ok(bytes) => bytes,
        Err(error) => return unwritten(visit.lang, &error),
    };
    let look = Look { act: "exported", what: "supervision", purpose, ..Look::default() };
    if let Err(error) = desk.office.looked(&visit.account, &look).await {
        return failed(visit.lang, &error);
    }
    let name = format!("supervision-{}-{}-{}", asked.stage_name(), asked.from, asked.to);
    download(sheet, &name, bytes)
}

/// The figures as they are exported.
fn rows(cells: &BTreeMap<figures::Cell, Figures>) -> Vec<Vec<Cell>> {
    let row = |(cell, figures): (&figures::Cell, &Figures)| {
        let surgeon = cell.surgeon.as_ref().map(|surgeon| surgeon.as_str().to_owned());
        let texts = [
            cell.month.strftime("%Y-%m").to_string(),
            cell.stage.as_str().to_owned(),
            cell.department.clone().unwrap_or_default(),
            surgeon.unwrap_or_default(),
            cell.grade.map(|grade| Grade::number(grade).to_string()).unwrap_or_default(),
        ];
        let numbers = figures.numbers().map(Cell::Number);
        texts.map(Cell::Text).into_iter().chain(numbers).collect()
    };
    cells.iter().map(row).collect()
}

impl Desk {
    fn today(&self) -> Date {
        self.zone().to_datetime(self.office.gate().clock().now()).date()
    }

    async fn cells(
        &self,
        account: &Account,
        asked: Asked,
    ) -> Result<BTreeMap<figures::Cell, Figures>, OfficeError> {
        let mut cells = self.office.cells(account, (asked.from, asked.to)).await?;
        cells.retain(|cell, _| asked.stage.is_none_or(|stage| stage == cell.stage));
        Ok(cells)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn asked(query: &str) -> Asked {
        Asked::read(&Form::read(query), date(2026, 3, 15))
    }

    #[test]
    fn without_a_question_half_a_year_of_orders_is_shown_and_no_question_reaches_too_far() {
        let usual = asked("");
        assert_eq!((usual.from, usual.to), (date(2025, 10, 1), date(2026, 3, 15)));
        assert_eq!(usual.stage_name(), "order");
        let far = asked("from=0001-01-01&to=2026-01-01&stage=all");
        assert_eq!((far.from, far.stage), (date(2022, 12, 30), None));
        let backwards = asked("from=2026-03-09&to=2026-03-01");
        assert_eq!(backwards.from, backwards.to);
        assert_eq!(asked("from=x&to=y"), usual);
    }

    #[test]
    fn a_row_has_a_cell_for_every_column_and_its_counts_are_numbers() {
        let cell = figures::Cell {
            month: date(2026, 3, 1),
            stage: Stage::Order,
            department: Some("=HYPERLINK(\"x\")".to_owned()),
            surgeon: None,
            grade: None,
        };
        let cells = BTreeMap::from([(cell, Figures { checked: 3, ..Figures::default() })]);
        let [row] = rows(&cells).try_into().unwrap();
        assert_eq!(row.len(), COLUMNS.len());
        assert_eq!(row[2], Cell::Text("=HYPERLINK(\"x\")".to_owned()));
        assert_eq!(row[5], Cell::Number(3));
    }
}
