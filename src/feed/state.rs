//! How a feed stands, from its files alone, and dead letters sent again: for commands and the console.

use std::collections::HashSet;
use std::io;

use crate::feed::alert::Alert;
use crate::feed::cursor::{Cursor, CursorError};
use crate::feed::dead::{DeadLetter, DeadLetters};
use crate::feed::gone::Gone;
use crate::feed::sink::{Failure, Letter};
use crate::feed::start::{Config, FeedError, Ground, sink};
use crate::ledger::{Batch, LedgerError, Tail};

/// Entries looked at together.
const ENTRIES: usize = 1024;
/// And bytes.
const BYTES: usize = 8 << 20;

/// How a feed stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The last entry it is done with; `None` = it has not begun.
    pub seq: Option<u64>,
    /// Entries behind it in the ledger.
    pub behind: u64,
    /// Alerts among them that the feed wants.
    pub waiting: u64,
    /// Laid aside.
    pub dead: usize,
    /// Why it is disabled, if it is.
    pub disabled: Option<String>,
}

/// How a feed stands, without what costs reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The last entry it is done with; `None` = it has not begun.
    pub seq: Option<u64>,
    /// Entries behind it in the ledger, wanted or not.
    pub behind: u64,
    /// Laid aside.
    pub dead: usize,
    /// Why it is disabled, if it is.
    pub disabled: Option<String>,
}

/// Why its state cannot be told, or letters not be sent.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The cursor.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The dead letters.
    #[error(
        "the feed's dead letters cannot be read or written ({0}), look at the disk of data_dir"
    )]
    Dead(io::ErrorKind),
    /// The receiver's client.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Looks at the files of a feed and of the ledger.
///
/// # Errors
/// They cannot be read.
pub fn state(config: &Config, ground: &Ground) -> Result<State, StateError> {
    let mark = Cursor::new(&ground.folder, &config.name).load()?;
    let (mut behind, mut waiting) = (0, 0);
    if let Some(mark) = mark {
        let mut tail = Tail::new(&ground.ledger_folder, mark.ledger);
        loop {
            let batch = Batch { up_to: u64::MAX, entries: ENTRIES, bytes: BYTES };
            let entries = tail.take(batch)?;
            if entries.is_empty() {
                break;
            }
            behind += u64::try_from(entries.len()).unwrap_or(0);
            let alerts = entries.iter().flat_map(|(entry, _)| Alert::of_entry(entry));
            let wanted = alerts.filter(|alert| config.filter.wants(alert)).count();
            waiting += u64::try_from(wanted).unwrap_or(0);
        }
    }
    let dead = letters(config, ground)?.len();
    let disabled = Gone::new(&ground.folder, &config.name).why();
    Ok(State { seq: mark.map(|mark| mark.ledger.seq), behind, waiting, dead, disabled })
}

/// The same for a page that people leave open: the ledger, which may be long behind a feed, is not read. `head` = its
/// last entry.
///
/// # Errors
/// The feed's files cannot be read.
pub fn glance(config: &Config, ground: &Ground, head: u64) -> Result<Glance, StateError> {
    let mark = Cursor::new(&ground.folder, &config.name).load()?;
    let seq = mark.map(|mark| mark.ledger.seq);
    Ok(Glance {
        seq,
        behind: head.saturating_sub(seq.unwrap_or(head)),
        dead: letters(config, ground)?.len(),
        disabled: Gone::new(&ground.folder, &config.name).why(),
    })
}

/// The dead letters of a feed, oldest first.
///
/// # Errors
/// They cannot be read.
pub fn letters(config: &Config, ground: &Ground) -> Result<Vec<DeadLetter>, StateError> {
    let dead = DeadLetters::new(&ground.folder, &config.name);
    dead.list().map_err(|error| StateError::Dead(error.kind()))
}

/// What became of a dead letter that was sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resent {
    /// The alert.
    pub id: String,
    /// Why it still lies there, if it does.
    pub failure: Option<Failure>,
}

/// Sends dead letters once more, in their order; those that are taken lie there no longer. `ids` empty = all. Ends at
/// the first failure that is not of the letter itself.
///
/// # Errors
/// They cannot be read, or the receiver's client not be made.
pub async fn resend(
    config: &Config,
    ground: &Ground,
    ids: &[String],
) -> Result<Vec<Resent>, StateError> {
    let dead = DeadLetters::new(&ground.folder, &config.name);
    let mut sink = sink(config, ground)?;
    let mut out = Vec::new();
    for letter in letters(config, ground)? {
        let id = letter.id().to_owned();
        if !ids.is_empty() && !ids.contains(&id) {
            continue;
        }
        let done = sink.deliver(&[Letter { id: id.clone(), event: letter.event }]).await;
        if done.is_ok() {
            let taken = HashSet::from([id.clone()]);
            dead.remove(&taken).map_err(|error| StateError::Dead(error.kind()))?;
        }
        let failure = done.err();
        let away = failure.as_ref().is_some_and(|f| !matches!(f, Failure::Refused(_)));
        out.push(Resent { id, failure });
        if away {
            break;
        }
    }
    Ok(out)
}
