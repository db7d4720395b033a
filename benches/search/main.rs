//! Search over a million entries: how long an index takes to build, and each kind of question to answer.
//!
//! `cargo bench --bench search [-- ENTRIES]`. To reach: 200 ms for any question (the console's promise).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its figures, and ends where it cannot go on"
)]

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use orgate::clock::monotonic;
use orgate::domain::order::Redacted;
use orgate::register::sources::sqlite::{Keeping, connect};
use orgate::search::{Query, Row, Search, Term};

const BATCH: u64 = 500;
const TRIES: usize = 21;

/// An entry of a hospital with 60 departments, 800 surgeons and 3,000 procedures; one in twenty is refused.
fn row(seq: u64) -> Row {
    let spread = |of: u64| (seq.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20) % of;
    let refused = seq.is_multiple_of(20);
    let decision = if refused { "block" } else { "forward-flagged" };
    let rule = if refused { "grant-missing" } else { "emergency-surgery" };
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    let at = at + SignedDuration::from_secs(i64::try_from(seq).unwrap() * 30);
    let day = at.to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let text = |name: &str, number: u64| format!("{name}{number:05}");
    let terms = vec![
        Term::Patient(Redacted::new(text("P26", seq / 3)).unwrap()),
        Term::Order(Redacted::new(text("SQ26", seq / 2)).unwrap()),
        Term::Surgeon(text("D", spread(800))),
        Term::Procedure(text("51.", spread(3_000))),
        Term::Day(day),
        Term::Rule(rule.to_owned()),
        Term::Rule("operating-time-past".to_owned()),
        Term::Decision(decision.to_owned()),
        Term::Route(text("route", seq % 3)),
        Term::Department(text("03", spread(60))),
        Term::Stage("order".to_owned()),
    ];
    Row {
        seq,
        entry: format!("01JQ{seq:022}"),
        at,
        kind: "decision",
        file: "2026-03-02.jsonl".to_owned(),
        offset: seq * 4_000,
        terms,
        summary: "{\"decision\":\"block\",\"cases\":[]}".repeat(12),
    }
}

fn questions(entries: u64) -> Vec<(&'static str, Vec<Term>)> {
    let sample = row(entries / 2 / 20 * 20).terms;
    let [patient, order, surgeon, procedure, day, rule, common, decision, route, department, ..] =
        sample.as_slice()
    else {
        return Vec::new();
    };
    let of = |terms: &[&Term]| terms.iter().map(|term| (*term).clone()).collect::<Vec<_>>();
    vec![
        ("patient", of(&[patient])),
        ("order", of(&[order])),
        ("surgeon", of(&[surgeon])),
        ("procedure", of(&[procedure])),
        ("day", of(&[day])),
        ("rule", of(&[rule])),
        ("rule of every entry", of(&[common])),
        ("department, decision", of(&[department, decision])),
        ("surgeon, rule, department", of(&[surgeon, rule, department])),
        ("route, decision: both common", of(&[route, decision])),
        ("common terms, nothing bears both", {
            let flagged = Term::Rule("emergency-surgery".to_owned());
            vec![flagged, decision.clone()]
        }),
        ("nothing bears it", vec![Term::Surgeon("nobody".to_owned())]),
    ]
}

fn main() {
    let count = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let entries: u64 = count.unwrap_or(1_000_000);
    tokio::runtime::Runtime::new().unwrap().block_on(run(entries));
}

async fn run(entries: u64) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("search.db");
    let pool = connect(&file, Keeping::Index).await.unwrap();
    let search = Search::open(pool, "begin immediate").await.unwrap();
    let began = monotonic();
    let mut seq = 0;
    while seq < entries {
        let last = (seq + BATCH).min(entries);
        let rows: Vec<Row> = (seq + 1..=last).map(row).collect();
        search.take(&rows, last).await.unwrap();
        seq = last;
    }
    let took = began.elapsed();
    let bytes = std::fs::metadata(&file).unwrap().len();
    println!("{entries} entries taken in {took:.1?}, {} MiB", bytes >> 20);
    println!("{:36} {:>10} {:>10} {:>7}", "question", "median", "worst", "found");
    for (name, terms) in questions(entries) {
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..TRIES {
            let query = Query { terms: terms.clone(), limit: 50, ..Query::default() };
            let began: Instant = monotonic();
            found = search.find(&query).await.unwrap().found.len();
            times.push(began.elapsed());
        }
        times.sort();
        let of = |at: usize| times.get(at).copied().unwrap_or(Duration::MAX);
        println!("{name:36} {:>10.2?} {:>10.2?} {found:>7}", of(TRIES / 2), of(TRIES - 1));
    }
    search.close().await;
}
