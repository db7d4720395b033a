//! Feeds under test: what the tests share, and one file per concern.

mod again;
mod chain;
mod delivery;
mod mail;
mod torn;
mod watching;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::clock::Clock;
use crate::feed::alert::{Alert, Pseudonyms, Rendering};
use crate::feed::filter::Filter;
use crate::feed::pace::Backoff;
use crate::feed::sink::Letter;
use crate::feed::{Config, Destination, Ground, folder};
use crate::ledger::{self, Body, Draft, Entry, EntryId, FileStore, Kind, Ledger};

pub(in crate::feed) fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

pub(in crate::feed) fn now() -> Clock {
    Clock::Fixed(at("2026-03-02T00:30:00Z"))
}

fn zone() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

pub(in crate::feed) fn open(data: &std::path::Path) -> Ledger {
    let config = ledger::Config::new("gate-1", zone());
    Ledger::open(FileStore::open(data).unwrap(), config, now()).unwrap().0
}

pub(in crate::feed) fn ground(data: &std::path::Path) -> Ground {
    Ground {
        folder: folder(data),
        ledger_folder: data.join("ledger"),
        node: "gate-1".to_owned(),
        zone: zone(),
        clock: now(),
    }
}

/// A feed that delivers everything at once into the file of its name.
pub(in crate::feed) fn config(data: &Path, name: &str) -> Config {
    let pause = Duration::from_secs(1);
    Config {
        name: name.to_owned(),
        print: [0; 32],
        destination: Destination::File { path: data.join(name) },
        filter: Filter::default(),
        full: false,
        pseudonym_key: None,
        from_start: false,
        group: Duration::ZERO,
        per_minute: None,
        timeout: pause,
        max_attempts: 2,
        backoff: Backoff { first: pause, longest: pause },
    }
}

/// Waits for what other tasks bring about; the bound only ends a test that would hang.
pub(in crate::feed) async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), met).await.expect("the condition is never met");
}

/// Waits until a file holds this text.
pub(in crate::feed) async fn until_in(path: &Path, text: &str) {
    until(|| std::fs::read_to_string(path).is_ok_and(|held| held.contains(text))).await;
}

pub(in crate::feed) fn draft(kind: Kind, body: &Value) -> Draft {
    let time = at("2026-03-02T00:30:00Z");
    Draft { id: EntryId::new(time), time, kind, body: Body::of(body).unwrap() }
}

/// A refusal of the patient's order.
pub(in crate::feed) fn refusal(patient: u64) -> Value {
    json!({
        "route": "his", "control_id": "C",
        "facts": {"orders": [{"patient": format!("P{patient}"), "groups": []}]},
        "verdict": {"decision": "block", "stance": "enforce", "stage": "order", "gaps": [], "cases": [{
            "surgeon": {}, "procedure": {},
            "findings": [{"rule": "grant-missing", "effect": "block", "lifted": true,
                          "text_zh": "示例", "text_en": "sample"}]
        }]}
    })
}

/// The letter of a refusal.
pub(in crate::feed) fn letter() -> Letter {
    let rendering = Rendering {
        full: false,
        pseudonyms: Pseudonyms::with(b"sixteen bytes at least"),
        zone: zone(),
    };
    // On a thread of its own: the caller may be within a runtime.
    let entry = std::thread::spawn(|| entries(&[(Kind::Decision, refusal(1))]).remove(0));
    let entry = entry.join().unwrap();
    Letter::of(&Alert::of_entry(&entry).remove(0), &rendering)
}

/// The entries that these drafts become.
pub(in crate::feed) fn entries(drafts: &[(Kind, Value)]) -> Vec<Entry> {
    let data = tempfile::tempdir().unwrap();
    Runtime::new().unwrap().block_on(async {
        let ledger = open(data.path());
        for (kind, body) in drafts {
            ledger.append_later(draft(*kind, body));
        }
        ledger.close().await;
    });
    let all = ledger::entries(&data.path().join("ledger"), ledger::Filter::default()).unwrap();
    all.map(Result::unwrap).filter(|entry| entry.kind != Kind::Anchor).collect()
}
