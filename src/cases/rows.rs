//! A document as the text of its row, and back.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::cases::document::{Booked, Document, Judged, Outcome, ReportKind, Reportable};
use crate::domain::indexed::literal;
use crate::domain::order::{Action, Redacted, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::Decision;

#[derive(Serialize, Deserialize)]
struct Written {
    entry: String,
    nth: u32,
    at: Timestamp,
    message: Option<String>,
    supersedes: Option<String>,
    stage: String,
    action: String,
    decision: String,
    enforced: bool,
    refused: bool,
    urgency: Option<String>,
    order_no: Option<String>,
    patient: Option<String>,
    day: Date,
    timed: bool,
    codes: Vec<String>,
    procedures: Vec<String>,
    surgeons: Vec<String>,
    grade: Option<u8>,
    department: Option<String>,
    bookings: Vec<(String, Timestamp, Timestamp)>,
    cases: Vec<WrittenCase>,
    reportable: Vec<WrittenReportable>,
}

#[derive(Serialize, Deserialize)]
struct WrittenCase {
    surgeon: Option<String>,
    procedure: Option<String>,
    grade: Option<u8>,
    outcome: String,
    unattested: bool,
    restricted: bool,
}

#[derive(Serialize, Deserialize)]
struct WrittenReportable {
    technique: String,
    kind: String,
    surgeon: Option<String>,
    procedure: Option<String>,
}

const STAGES: [Stage; 3] = [Stage::Order, Stage::Notice, Stage::Record];
const ACTIONS: [Action; 4] = [Action::New, Action::Change, Action::Withdraw, Action::Other];
const URGENCIES: [Urgency; 3] = [Urgency::Elective, Urgency::Urgent, Urgency::Emergency];
const OUTCOMES: [Outcome; 4] =
    [Outcome::Clean, Outcome::Flagged, Outcome::Overridden, Outcome::Blocked];
const KINDS: [ReportKind; 2] = [ReportKind::Restricted, ReportKind::CityMonitored];

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Clean => "clean",
        Outcome::Flagged => "flagged",
        Outcome::Overridden => "overridden",
        Outcome::Blocked => "blocked",
    }
}

fn of_word<T: Copy>(all: &[T], word: &str, name: impl Fn(T) -> &'static str) -> Option<T> {
    all.iter().copied().find(|value| name(*value) == word)
}

/// The pattern (`like … escape '\'`) of every row that names a surgeon somewhere, and perhaps of others.
pub(in crate::cases) fn naming(surgeon: &SurgeonId) -> String {
    let written = serde_json::Value::from(surgeon.as_str()).to_string();
    format!("%{}%", literal(&written))
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn reveal(text: Option<&Redacted>) -> Option<String> {
    text.map(|text| text.reveal().to_owned())
}

fn codes(texts: &[String]) -> Option<Vec<ProcedureCode>> {
    texts.iter().map(|text| ProcedureCode::new(text)).collect()
}

/// Reads what may be absent; `None` when it is there and makes no sense.
fn maybe<T, R>(value: Option<&T>, read: impl Fn(&T) -> Option<R>) -> Option<Option<R>> {
    match value {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

/// The text of a document's row.
pub(in crate::cases) fn write(document: &Document) -> String {
    let d = document;
    let case = |case: &Judged| WrittenCase {
        surgeon: case.surgeon.as_ref().map(ToString::to_string),
        procedure: case.procedure.as_ref().map(ToString::to_string),
        grade: case.grade.map(Grade::number),
        outcome: outcome_word(case.outcome).to_owned(),
        unattested: case.unattested,
        restricted: case.restricted,
    };
    let reportable = |report: &Reportable| WrittenReportable {
        technique: report.technique.clone(),
        kind: report.kind.as_str().to_owned(),
        surgeon: report.surgeon.as_ref().map(ToString::to_string),
        procedure: report.procedure.as_ref().map(ToString::to_string),
    };
    let booking = |booked: &Booked| (booked.surgeon.to_string(), booked.from, booked.to);
    let written = Written {
        entry: d.entry.clone(),
        nth: d.nth,
        at: d.at,
        message: d.message.clone(),
        supersedes: d.supersedes.clone(),
        stage: d.stage.as_str().to_owned(),
        action: d.action.as_str().to_owned(),
        decision: d.decision.as_str().to_owned(),
        enforced: d.enforced,
        refused: d.refused,
        urgency: d.urgency.map(|urgency| urgency.as_str().to_owned()),
        order_no: reveal(d.order_no.as_ref()),
        patient: reveal(d.patient.as_ref()),
        day: d.day,
        timed: d.timed,
        codes: texts(&d.codes),
        procedures: texts(&d.procedures),
        surgeons: texts(&d.surgeons),
        grade: d.grade.map(Grade::number),
        department: d.department.clone(),
        bookings: d.bookings.iter().map(booking).collect(),
        cases: d.cases.iter().map(case).collect(),
        reportable: d.reportable.iter().map(reportable).collect(),
    };
    // Texts, numbers and lists: writing them cannot fail.
    serde_json::to_string(&written).unwrap_or_default()
}

/// The document of a row's text; `None` when the row was not written by this program.
pub(in crate::cases) fn read(text: &str) -> Option<Document> {
    let w: Written = serde_json::from_str(text).ok()?;
    let surgeon = |text: &String| SurgeonId::new(text);
    let procedure = |text: &String| ProcedureCode::new(text);
    let grade = |number: &u8| Grade::from_number(*number);
    let booking = |(surgeon, from, to): &(String, Timestamp, Timestamp)| {
        Some(Booked { surgeon: SurgeonId::new(surgeon)?, from: *from, to: *to })
    };
    let case = |case: &WrittenCase| {
        Some(Judged {
            surgeon: maybe(case.surgeon.as_ref(), surgeon)?,
            procedure: maybe(case.procedure.as_ref(), procedure)?,
            grade: maybe(case.grade.as_ref(), grade)?,
            outcome: of_word(&OUTCOMES, &case.outcome, outcome_word)?,
            unattested: case.unattested,
            restricted: case.restricted,
        })
    };
    let reportable = |report: &WrittenReportable| {
        Some(Reportable {
            technique: report.technique.clone(),
            kind: of_word(&KINDS, &report.kind, ReportKind::as_str)?,
            surgeon: maybe(report.surgeon.as_ref(), surgeon)?,
            procedure: maybe(report.procedure.as_ref(), procedure)?,
        })
    };
    let urgency = |word: &String| of_word(&URGENCIES, word, Urgency::as_str);
    Some(Document {
        stage: of_word(&STAGES, &w.stage, Stage::as_str)?,
        action: of_word(&ACTIONS, &w.action, Action::as_str)?,
        decision: Decision::from_name(&w.decision)?,
        urgency: maybe(w.urgency.as_ref(), urgency)?,
        order_no: w.order_no.and_then(Redacted::new),
        patient: w.patient.and_then(Redacted::new),
        codes: codes(&w.codes)?,
        procedures: codes(&w.procedures)?,
        surgeons: w.surgeons.iter().map(surgeon).collect::<Option<_>>()?,
        grade: maybe(w.grade.as_ref(), grade)?,
        bookings: w.bookings.iter().map(booking).collect::<Option<_>>()?,
        cases: w.cases.iter().map(case).collect::<Option<_>>()?,
        reportable: w.reportable.iter().map(reportable).collect::<Option<_>>()?,
        entry: w.entry,
        nth: w.nth,
        at: w.at,
        message: w.message,
        supersedes: w.supersedes,
        enforced: w.enforced,
        refused: w.refused,
        day: w.day,
        timed: w.timed,
        department: w.department,
    })
}
