//! The case index over real SQLite files, against plain readings of the rules. Invented people only.

mod faults;
mod model;
mod overrides;
mod reports;
mod scans;
mod stories;

use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;

use crate::cases::document::{Asked, Booked, Document, Judged, Outcome, ReportKind, Reportable};
use crate::cases::{Cases, Config};
use crate::domain::consequence::{Consequence, ConsequenceKind};
use crate::domain::order::{Action, Redacted, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::Decision;

fn now() -> Timestamp {
    "2026-03-02T00:00:00Z".parse().unwrap()
}

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn day(nth: i8) -> Date {
    jiff::civil::date(2026, 3, nth)
}

fn code(text: &str) -> ProcedureCode {
    ProcedureCode::new(text).unwrap()
}

/// Hits every procedure, of a surgeon or of anybody.
fn of(surgeon_id: Option<&str>) -> Consequence {
    Consequence {
        kind: ConsequenceKind::SurgeonNotLicensed,
        subject: String::new(),
        codes: Vec::new(),
        up_to_grade: None,
        diagnoses: Vec::new(),
        surgeon: surgeon_id.map(surgeon),
        from: None,
        to: None,
    }
}

fn surgeon(text: &str) -> SurgeonId {
    SurgeonId::new(text).unwrap()
}

async fn pool(folder: &Path) -> AnyPool {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode=rwc", folder.join("cases.db").display());
    let options = AnyPoolOptions::new().max_connections(4).after_connect(|connection, _| {
        Box::pin(async move {
            let pragmas = "pragma busy_timeout = 30000; pragma journal_mode = wal;";
            sqlx::raw_sql(pragmas).execute(connection).await.map(|_| ())
        })
    });
    options.connect(&url).await.unwrap()
}

fn config() -> Config {
    let wait = Duration::from_secs(60);
    Config { gather: Duration::ZERO, wait, emergency_wait: wait, ..Config::embedded("gate-1") }
}

async fn open(folder: &Path) -> Cases {
    Cases::open(pool(folder).await, config()).await.unwrap()
}

/// For tests that are not asynchronous themselves.
fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).enable_all().build().unwrap()
}

/// An accepted new order 1 of patient P for code A by D1 on the 5th.
fn order(entry: &str) -> Document {
    Document {
        entry: entry.to_owned(),
        nth: 0,
        at: now(),
        message: Some(entry.to_owned()),
        supersedes: None,
        stage: Stage::Order,
        action: Action::New,
        decision: Decision::Forward,
        enforced: true,
        refused: false,
        urgency: Some(Urgency::Elective),
        order_no: Redacted::new("1"),
        patient: Redacted::new("P"),
        day: day(5),
        timed: true,
        codes: vec![code("A")],
        procedures: vec![code("A")],
        surgeons: vec![surgeon("D1")],
        grade: Some(Grade::Four),
        department: Some("普外科".to_owned()),
        bookings: Vec::new(),
        cases: Vec::new(),
        reportable: Vec::new(),
    }
}

/// Its notice, from 8 to 10.
fn notice(entry: &str) -> Document {
    let from: Timestamp = "2026-03-05T08:00:00Z".parse().unwrap();
    let to = from + SignedDuration::from_hours(2);
    Document {
        stage: Stage::Notice,
        bookings: vec![Booked { surgeon: surgeon("D1"), from, to }],
        ..order(entry)
    }
}

fn refused(document: Document) -> Document {
    Document { decision: Decision::Block, refused: true, ..document }
}

fn withdrawn(document: Document) -> Document {
    Document { action: Action::Withdraw, bookings: Vec::new(), ..document }
}

fn overridden(document: Document) -> Document {
    let case = Judged {
        surgeon: Some(surgeon("D1")),
        procedure: Some(code("A")),
        grade: Some(Grade::Four),
        outcome: Outcome::Overridden,
        unattested: true,
        restricted: false,
    };
    Document { decision: Decision::Override, cases: vec![case], ..document }
}

fn restricted(document: Document) -> Document {
    let reportable = Reportable {
        technique: "ECMO".to_owned(),
        kind: ReportKind::Restricted,
        surgeon: Some(surgeon("D1")),
        procedure: Some(code("A")),
    };
    Document { reportable: vec![reportable], ..document }
}

fn unnumbered(document: Document) -> Document {
    Document { order_no: None, ..document }
}

fn asked(order_no: Option<&str>) -> Asked {
    Asked {
        order_no: order_no.and_then(Redacted::new),
        patient: Redacted::new("P"),
        codes: vec![code("A")],
        day: day(5),
        emergency: false,
        now: later(1_000_000),
    }
}

/// Enters documents one entry each, a second after another, with their places in the ledger.
fn enter_all(cases: &Cases, documents: &[Document]) {
    for (nth, document) in (1_u32..).zip(documents) {
        let document = Document { at: later(i64::from(nth)), ..document.clone() };
        cases.enter(vec![document], Some(u64::from(nth)));
    }
}
