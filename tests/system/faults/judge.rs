//! The book against the bytes that arrived downstream and against the ledgers.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::faults::his::Told;
use crate::faults::scene::Site;
use crate::faults::standin::Pen;
use crate::faults::table::Row;
use crate::faults::wire::{Kind, Said};
use crate::support::gate::text;
use crate::support::ledger::{decision, decisions};

/// What the ledgers say of one message.
#[derive(Default)]
struct OnFile {
    let_through: usize,
    blocked: usize,
    /// Moved while there was no ledger, and entered afterwards.
    afterwards: usize,
}

/// What was found downstream.
pub(super) struct Arrived<'a> {
    /// Ids and messages, as they came.
    pub(super) whole: Vec<(String, Vec<u8>)>,
    /// Every byte, whole or not.
    pub(super) bytes: Vec<u8>,
    pub(super) pen: &'a Pen,
}

/// Fails the test unless everything is as it must be; what the row says of it.
pub(super) fn judge(book: &HashMap<String, Told>, arrived: &Arrived<'_>, sites: &[Site]) -> Row {
    for site in sites {
        let out = site.run(&["ledger", "verify"]);
        assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    }
    let on_file = on_file(sites);
    let refused = Kind::Refused.word().as_bytes();
    let slipped = arrived.bytes.windows(refused.len()).any(|window| window == refused);
    assert!(!slipped, "bytes of a refused message arrived");
    let mut came: HashMap<&str, usize> = HashMap::new();
    for (id, bytes) in &arrived.whole {
        let told = book.get(id).unwrap_or_else(|| panic!("{id} arrived and was never sent"));
        assert!(*bytes == told.bytes, "{id} arrived with other bytes than were sent");
        *came.entry(id).or_default() += 1;
    }
    for (id, told) in book {
        let came = came.get(id.as_str()).copied().unwrap_or_default();
        let nothing = OnFile::default();
        one(id, told, came, on_file.get(id).unwrap_or(&nothing), arrived.pen);
    }
    row(book, &on_file)
}

fn on_file(sites: &[Site]) -> HashMap<String, OnFile> {
    let mut all: HashMap<String, OnFile> = HashMap::new();
    for entry in sites.iter().flat_map(|site| decisions(&site.data())) {
        let id = entry["body"]["control_id"].as_str().expect("a text").to_owned();
        let own = all.entry(id).or_default();
        let afterwards = &entry["body"]["without_ledger"]["moved"];
        if matches!(decision(&entry), "block" | "unavailable") || *afterwards == Value::Bool(false)
        {
            own.blocked += 1;
        } else {
            own.let_through += 1;
        }
        own.afterwards += usize::from(*afterwards == Value::Bool(true));
    }
    all
}

fn one(id: &str, told: &Told, came: usize, on_file: &OnFile, pen: &Pen) {
    let answers = |said: Said| told.answers.iter().filter(move |answer| answer.1 == said);
    let not_let_through = answers(Said::Again).count();
    assert!(
        came + not_let_through <= told.sent.len(),
        "{id} came {came} times: sent {} times, turned away {not_let_through} times",
        told.sent.len()
    );
    if told.kind != Kind::Short {
        assert!(
            came <= on_file.let_through,
            "{id} came {came} times, and is on file {} times",
            on_file.let_through
        );
    }
    assert!(on_file.afterwards == 0 || told.kind == Kind::Emergency, "{id} moved unrecorded");
    for (_, _, answer) in answers(Said::Accepted) {
        assert!(pen.gave(id, answer), "{id}: an acceptance that nobody downstream gave");
        assert!(came > 0, "{id} was accepted and never arrived");
    }
    let (_, last) = told.done().unwrap_or_else(|| panic!("{id} was not answered: {told:?}"));
    if told.kind == Kind::Refused {
        assert_eq!((came, last), (0, Said::Refused), "{id}");
        assert!(on_file.blocked > 0, "{id} was refused without an entry");
    } else if last == Said::Refused {
        for (_, _, answer) in answers(Said::Refused) {
            assert!(pen.gave(id, answer), "{id} was refused by the gate: {}", text(answer));
        }
    }
}

fn row(book: &HashMap<String, Told>, on_file: &HashMap<String, OnFile>) -> Row {
    let said = |what: Said| {
        let answers = book.values().flat_map(|told| &told.answers);
        answers.filter(|answer| answer.1 == what).count()
    };
    let waited = book.values().filter(|told| told.kind == Kind::Emergency).filter_map(|told| {
        let (answered, _) = told.done()?;
        told.sent.first().map(|sent| answered.duration_since(*sent))
    });
    Row {
        messages: book.len(),
        answered: book.values().filter(|told| told.done().is_some()).count(),
        refused: said(Said::Refused),
        again: said(Said::Again),
        repeated: book.values().map(|told| told.sent.len().saturating_sub(1)).sum(),
        entered_afterwards: on_file.values().map(|own| own.afterwards).sum(),
        longest_emergency: waited.max().unwrap_or_default(),
        recovery: Duration::ZERO,
    }
}
