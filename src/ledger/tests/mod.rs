//! The ledger under test: what the tests share, and one file per concern.

mod archive;
mod disk;
mod faults;
mod format;
mod lines;
mod model;
mod places;
mod tail;
mod tamper;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::clock::Clock;
use crate::ledger::store::{self, Store};
use crate::ledger::{
    Body, Config, Draft, EntryId, Expected, FileStore, Kind, Ledger, LedgerError, Recovered,
    Verified,
};

/// 2026-03-02 08:30 in Shanghai.
const MORNING: &str = "2026-03-02T00:30:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn config() -> Config {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    Config { retry: Duration::from_millis(1), ..Config::new("gate-\"1\" 东院", zone) }
}

fn draft(nth: u64, time: Timestamp) -> Draft {
    let body =
        json!({"nth": nth, "surgeon": "李\t示例\u{1}\u{7f}", "hash": "0".repeat(64), "id": "x"});
    Draft { id: EntryId::new(time), time, kind: Kind::Decision, body: Body::of(&body).unwrap() }
}

fn open(store: impl Store, config: Config) -> (Ledger, Recovered) {
    Ledger::open(store, config, Clock::Fixed(at(MORNING))).unwrap()
}

fn open_folder(data_dir: &Path, config: Config) -> (Ledger, Recovered) {
    open(FileStore::open(data_dir).unwrap(), config)
}

fn verify(data_dir: &Path) -> Result<Verified, LedgerError> {
    crate::ledger::verify(&store::folder(data_dir), Expected::default())
}

/// Waits for a condition that another thread brings about; the bound only ends a test that would hang.
async fn until(condition: impl Fn() -> bool) {
    const HANGS: Duration = Duration::from_secs(60);
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    };
    tokio::time::timeout(HANGS, met).await.expect("the condition is never met");
}
