//! The book against the bytes that arrived downstream and against the ledgers.

use std::collections::HashMap;
use std::time::Duration;

use orgate::clock::monotonic;
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
    let nothing = OnFile::default();
    for (id, told) in book {
        let came = came.get(id.as_str()).copied().unwrap_or_default();
        let on_file = on_file.get(id).unwrap_or(&nothing);
        one(id, told, came, on_file, arrived.pen).unwrap_or_else(|why| panic!("{why}"));
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

fn one(id: &str, told: &Told, came: usize, on_file: &OnFile, pen: &Pen) -> Result<(), String> {
    let answers = |said: Said| told.answers.iter().filter(move |answer| answer.1 == said);
    let (sent, turned_away) = (told.sent.len(), answers(Said::Again).count());
    let must = |holds: bool, what: &str| {
        let OnFile { let_through, blocked, afterwards } = on_file;
        holds.then_some(()).ok_or_else(|| {
            format!(
                "{id}: {what} (sent {sent} times, turned away {turned_away}, came {came}; on file: \
                 {let_through} let through, {blocked} refused, {afterwards} afterwards)"
            )
        })
    };
    must(came + turned_away <= sent, "what was turned away arrived")?;
    must(told.kind == Kind::Short || came <= on_file.let_through, "it moved without an entry")?;
    let emergency = told.kind == Kind::Emergency;
    must(on_file.afterwards == 0 || emergency, "it was no emergency, and moved unrecorded")?;
    for (_, _, answer) in answers(Said::Accepted) {
        must(pen.gave(id, answer), "an acceptance that nobody downstream gave")?;
        must(came > 0, "it was accepted and never arrived")?;
    }
    let done = told.done().map(|(_, said)| said);
    must(done.is_some(), "it was never answered")?;
    match told.kind {
        Kind::Probe => {}
        Kind::Refused => {
            must(came == 0 && done == Some(Said::Refused), "it was not refused")?;
            must(on_file.blocked > 0, "it was refused without an entry")?;
        }
        Kind::Clean | Kind::Emergency | Kind::Short => {
            for (_, _, answer) in answers(Said::Refused) {
                let what = format!("the gate refused it: {}", text(answer));
                must(pen.gave(id, answer), &what)?;
            }
        }
    }
    Ok(())
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

/// A story of one message that nothing is wrong with; each test makes one thing wrong.
fn story(kind: Kind, said: Said, pen: &Pen) -> (Told, OnFile) {
    let (now, id) = (monotonic(), kind.word());
    let answer = if said == Said::Accepted { pen.answer("AA", id) } else { b"no".to_vec() };
    let told =
        Told { kind, bytes: Vec::new(), sent: vec![now], answers: vec![(now, said, answer)] };
    let refused = usize::from(said == Said::Refused);
    (told, OnFile { let_through: 1 - refused, blocked: refused, afterwards: 0 })
}

fn wrong(told: &Told, came: usize, on_file: &OnFile, pen: &Pen) -> String {
    one(told.kind.word(), told, came, on_file, pen).err().unwrap_or_default()
}

#[test]
fn the_judge_finds_each_thing_that_must_not_be() {
    let pen = Pen::default();
    let (clean, filed) = story(Kind::Clean, Said::Accepted, &pen);
    assert_eq!(wrong(&clean, 1, &filed, &pen), "");
    assert!(wrong(&clean, 1, &OnFile::default(), &pen).contains("without an entry"));
    assert!(wrong(&clean, 1, &filed, &Pen::default()).contains("nobody downstream gave"));
    assert!(wrong(&clean, 0, &filed, &pen).contains("never arrived"));
    assert!(wrong(&clean, 2, &OnFile { let_through: 2, ..filed }, &pen).contains("turned away"));
    let unrecorded = || OnFile { let_through: 1, blocked: 0, afterwards: 1 };
    assert!(wrong(&clean, 1, &unrecorded(), &pen).contains("no emergency"));
    let (emergency, filed) = story(Kind::Emergency, Said::Accepted, &pen);
    assert_eq!(wrong(&emergency, 1, &unrecorded(), &pen), "");
    assert!(
        wrong(&Told { answers: Vec::new(), ..emergency }, 1, &filed, &pen).contains("answered")
    );
    let (refused, filed) = story(Kind::Refused, Said::Refused, &pen);
    assert_eq!(wrong(&refused, 0, &filed, &pen), "");
    assert!(wrong(&refused, 0, &OnFile::default(), &pen).contains("without an entry"));
    assert!(wrong(&refused, 1, &OnFile { let_through: 1, ..filed }, &pen).contains("not refused"));
    let again = Told { answers: vec![(monotonic(), Said::Again, Vec::new())], ..clean.clone() };
    assert!(wrong(&again, 1, &story(Kind::Clean, Said::Accepted, &pen).1, &pen).contains("turned"));
    let (by_the_gate, filed) = story(Kind::Clean, Said::Refused, &pen);
    assert!(wrong(&by_the_gate, 0, &filed, &pen).contains("the gate refused it"));
}
