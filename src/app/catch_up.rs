//! Brings the case index up to the ledger: at start, and when it had no room for what was entered.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::cases::error::CasesError;
use crate::cases::{Cases, STORY_DAYS};
use crate::clock::Clock;
use crate::gate::of_entry;
use crate::ledger::{self, Filter, Kind, LedgerError};
use crate::telemetry::events;

/// How often the index is looked after; it is behind only after its database was down.
const EVERY: Duration = Duration::from_secs(5);

/// Why the index stays behind.
#[derive(Debug, thiserror::Error)]
pub(super) enum CatchUpError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Cases(#[from] CasesError),
}

/// How long a start waits for an index that is shared, and may be down; it is read on behind then.
const AT_START: Duration = Duration::from_secs(5);

/// Catches up before anything is judged. A shared index that does not answer is caught up with later.
pub(super) async fn at_start(
    cases: &Cases,
    (folder, shared): (&Path, bool),
    now: Timestamp,
) -> Result<(), CatchUpError> {
    let work = catch_up(cases, folder, now);
    if !shared {
        return work.await;
    }
    let slow = Err(CatchUpError::Cases(CasesError::Slow(AT_START)));
    match tokio::time::timeout(AT_START, work).await.unwrap_or(slow) {
        Err(CatchUpError::Cases(error)) => {
            events::CasesUnwritten { error: &error }.emit();
            Ok(())
        }
        done => done,
    }
}

/// Reads the ledger on from where the index stands. Without an index, as far back as stories reach; older
/// entries count only in figures, and `orgate ledger reindex` reads them all.
pub(super) async fn catch_up(
    cases: &Cases,
    folder: &Path,
    now: Timestamp,
) -> Result<(), CatchUpError> {
    let begun = cases.begin_catch_up().await?;
    let horizon = now.saturating_sub(SignedDuration::from_hours(24 * STORY_DAYS));
    let filter = Filter {
        since: Some(horizon.unwrap_or(Timestamp::MIN)),
        kinds: vec![Kind::Decision],
        after: Some(begun.after),
        ..Filter::default()
    };
    let (mut seq, mut documents) = (begun.after, 0);
    for entry in ledger::entries(folder, filter)? {
        let entry = entry?;
        seq = entry.seq;
        // What another version wrote differently is not in the story; the ledger keeps it all the same.
        let told = of_entry(&entry.id.to_string(), entry.body()).unwrap_or_default();
        documents += u64::try_from(told.len()).unwrap_or(0);
        cases.catch_up(told, seq).await;
    }
    cases.caught_up(begun, seq).await?;
    events::CasesCaughtUp { seq, documents }.emit();
    Ok(())
}

/// Catches up again whenever the index is behind, until the gate stops.
pub(super) async fn follow(
    cases: Cases,
    folder: PathBuf,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if !cases.behind() {
            continue;
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            caught_up = catch_up(&cases, &folder, clock.now()) => {
                if let Err(error) = caught_up {
                    events::CasesUnwritten { error: &error }.emit();
                }
            }
        }
    }
}
