//! The index against a plain list: whatever is asked, the same entries in the same order.

mod model;
mod taking;

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyPoolOptions;

use crate::domain::order::Redacted;
use crate::search::Search;
use crate::search::row::{Row, Term};

pub(super) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000).unwrap() + SignedDuration::from_mins(minutes)
}

pub(super) async fn index() -> Search {
    sqlx::any::install_default_drivers();
    let pool = AnyPoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    Search::open(pool, "begin").await.unwrap()
}

pub(super) fn row(seq: u64, terms: Vec<Term>) -> Row {
    Row {
        seq,
        entry: format!("E{seq}"),
        at: at(i64::try_from(seq).unwrap()),
        kind: "decision",
        file: "2026-03-02.jsonl".to_owned(),
        offset: seq * 100,
        terms,
        summary: format!("{{\"seq\":{seq}}}"),
    }
}

pub(super) fn patient(number: &str) -> Term {
    Term::Patient(Redacted::new(number).unwrap())
}
