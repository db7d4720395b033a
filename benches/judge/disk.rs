//! The ledger on a disk, beside the same bytes written and synced one after the other.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use orgate::clock::{Clock, monotonic};
use orgate::ledger::{Body, Config, Draft, Durability, EntryId, FileStore, Kind, Ledger};
use tokio::runtime::Builder;

use crate::{median, micros};

/// Alternating rounds.
const ROUNDS: usize = 7;
/// How long a round lasts.
const ROUND: Duration = Duration::from_millis(250);
/// The length of a decision's body.
const BODY_BYTES: usize = 4000;

pub(crate) fn ledger(folder: &Path) {
    let config = Config::new("bench", TimeZone::UTC);
    let store = FileStore::open(&folder.join("disk")).unwrap();
    let (ledger, _) = Ledger::open(store, config, Clock::System).unwrap();
    let mut bare = OpenOptions::new().append(true).create(true).open(folder.join("bare")).unwrap();
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    println!("\nledger, {BODY_BYTES} bytes an entry, on disk before the receipt");
    println!(
        "{:26}{:>12}{:>14}{:>24}",
        "writers", "entries/s", "µs an append", "bare write + fdatasync"
    );
    for writers in [1, 8, 64] {
        let (mut rates, mut waits, mut syncs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            syncs.push(sync(&mut bare));
            let (rate, wait) = runtime.block_on(round(&ledger, writers));
            rates.push(rate);
            waits.push(wait);
        }
        let (rate, wait, sync) = (median(rates), median(waits), median(syncs));
        println!("{writers:<26}{rate:12.0}{wait:14.0}{sync:18.0} ({:.2} ×)", wait / sync);
    }
    runtime.block_on(ledger.close());
}

/// Entries a second, and the median wait of one in µs.
async fn round(ledger: &Ledger, writers: usize) -> (f64, f64) {
    let began = monotonic();
    let write = |_| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            let mut waits = Vec::new();
            while began.elapsed() < ROUND {
                let began = monotonic();
                let _receipt = ledger.append(draft(), Durability::OnDisk).await.unwrap();
                waits.push(micros(began.elapsed()));
            }
            waits
        })
    };
    let tasks: Vec<_> = (0..writers).map(write).collect();
    let mut waits = Vec::new();
    for task in tasks {
        waits.append(&mut task.await.unwrap());
    }
    let count = f64::from(u32::try_from(waits.len()).unwrap());
    (count / began.elapsed().as_secs_f64(), median(waits))
}

fn draft() -> Draft {
    let time = Clock::System.now();
    let body = Body::new(format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_BYTES))).unwrap();
    Draft { id: EntryId::new(time), time, kind: Kind::Decision, body }
}

/// The median of writing and syncing the same bytes without a ledger, in µs.
fn sync(file: &mut std::fs::File) -> f64 {
    let line = [b'x'; BODY_BYTES + 300];
    let mut waits = Vec::new();
    let began = monotonic();
    while began.elapsed() < ROUND {
        let began = monotonic();
        file.write_all(&line).unwrap();
        file.sync_data().unwrap();
        waits.push(micros(began.elapsed()));
    }
    median(waits)
}
