//! What happened: the append-only, hash-chained ledger.
//!
//! # Files
//!
//! `data_dir/ledger/2026-03-02.jsonl`, one per local day of the hospital; a further part
//! (`2026-03-02.2.jsonl`, `.3.` …) when [`Config::part_bytes`] is reached or a sync has failed. Their order is
//! day, then part as a number. A new day's file begins with the first entry of that day; days without
//! entries have no file; a clock that is set back does not: entries then follow in the newest file.
//! `.lock` is held by the running gate; other names are not the ledger's. A file that the writer has left may be packed
//! (`archive`): `2026-03-02.jsonl.gz` stands for the file of that name without `.gz`, beside it its checksum.
//!
//! # Lines
//!
//! One entry a line, ended by LF. A line is canonical JSON ([`canonical()`]): keys sorted by code point, no
//! blanks, UTF-8 unescaped, whole numbers only. Members, in the order in which they therefore stand:
//!
//! | member | holds |
//! |---|---|
//! | `body` | an object; what it holds depends on `kind` |
//! | `hash` | SHA-256, in lower-case hexadecimal, of the line without this member and without its line end |
//! | `id` | ULID, the public id |
//! | `kind` | `decision` `delivery` `override` `register` `access` `bypass` `anchor` |
//! | `node` | name of the gate |
//! | `prev` | `hash` of the line before, across files; 64 zeros in the first |
//! | `seq` | from 1, without gaps, across files |
//! | `time` | RFC 3339, six digits of a second, offset of the hospital's zone, `Z` where that is zero |
//!
//! The line without `hash` is the line with the bytes from `"hash":"` to the next `",` taken out, so a
//! verifier needs no JSON writer. `time` is when the thing happened; entries are in the order in which
//! they were written, so times may run back a little.
//!
//! # Anchors
//!
//! The first entry of every file, and of every start and recovery, has kind `anchor`. Body: `format` (1),
//! `previous` (`null`, or `file`, `seq`, `hash` of the last entry before: a file that is missing or cut off
//! at its end shows here), `reason` (`start` `day` `size` `write-error` `sync-error`), `sync_us` (the
//! medium's time for a small durable write, measured at the start, or `null`), `torn_bytes` (cut at this
//! start), `version` (of the program).
//!
//! # Writing
//!
//! One thread (`writer`) drains everything queued, writes it with one write, calls fdatasync once, and
//! only then gives the [`Receipt`]s; while it waits for the disk the next batch forms by itself. Files are
//! not preallocated, though that would save a third of a sync here: a tail of zeros is not JSON Lines, and
//! every reader would have to know of it. A new file's name is made durable before its first entry.
//!
//! # Faults
//!
//! - **A write fails** (disk full): everybody who waits gets [`LedgerError::Unavailable`], those entries are
//!   forgotten, and the ledger is unhealthy. Every [`Config::retry`] the writer cuts the file back to the
//!   length of the last successful sync and tries an anchor. What it already answers for ([`Durability::Soon`],
//!   [`Ledger::append_later`]) is kept in bounded memory and written then.
//! - **A sync fails**: the kernel may have dropped the pages and marked them clean, so that the next sync
//!   succeeds without having written them, and reading gives what memory holds, not what the disk holds.
//!   So the failed batch is never synced again. The file is opened anew, cut to what the last *successful*
//!   sync covered, its last page written again (dirty again, so that this sync means something), its
//!   last entry compared with the head, and then left: writing goes on in a new part.
//! - **A crash**: the bytes after the last line end of the newest file are cut when the gate starts, and the
//!   anchor of that start says how many. Nobody held a receipt for them. An entry may be found for which
//!   no receipt was given either: then its message did not move.
//! - **Any other break** is not repaired. The gate does not start on it; the error says what to do.
//!
//! # Assumed of the medium
//!
//! 1. After fdatasync has succeeded, the bytes survive a crash and a power cut. (A disk that lies about its
//!    cache breaks this; `sync_us` far below 100 suggests it.)
//! 2. A file's size grows only after the bytes below it are written (ext4 `data=ordered`, XFS, btrfs): a crash
//!    leaves a prefix of what was appended. If it does not hold, a start after a power cut reports a break.
//! 3. Cutting a file does not harm the bytes before the cut; file locks work (NFS only with version 4).
//! 4. A process that is killed between a failed sync and its repair leaves a tail that memory shows and the
//!    disk may lack; a power cut before the next successful sync then reports a break.
//!
//! # What the chain proves
//!
//! That no entry was changed, removed or put between others without rewriting everything after it. Who can
//! rewrite everything to the end can forge; the defence is a head ([`Ledger::head`], `SEQ:HASH`) noted outside
//! the gate, which [`verify`] compares.
//!
//! # Changes of the format
//!
//! `format` in the anchors is 1. A change that a verifier of 1 would reject gets a new number.

pub mod archive;
pub mod canonical;
pub mod chain;
pub mod entry;
pub mod receipt;
pub mod store;

mod intake;
mod read;
mod recover;
mod tail;
mod verify;
mod writer;

#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

pub use crate::ledger::canonical::{NotCanonical, canonical};
pub use crate::ledger::chain::{Hash, Head, Why};
pub use crate::ledger::entry::{Body, Draft, Entry, EntryId, Kind};
pub use crate::ledger::intake::{Durability, Figures, Ledger, Status};
pub use crate::ledger::read::{Entries, Filter};
pub use crate::ledger::receipt::Receipt;
pub use crate::ledger::recover::Recovered;
pub use crate::ledger::store::{Directory, FileName, FileStore};
pub use crate::ledger::tail::{Batch, Place, Reached, Tail, entry_at};
pub use crate::ledger::verify::{Expected, Torn, Verified};

/// The version of the file format.
pub const FORMAT: u32 = 1;

/// The longest line: a message of the largest frame that may be configured, in base64, with room to spare.
pub const LINE_BYTES_MAX: usize = 64 << 20;

/// Entries wait for the disk in at most so much memory: about 10,000 of them, 0.1 s of the fastest disk.
pub const QUEUE_BYTES: usize = 16 << 20;

/// A queue that stays full so long will not empty in time for a sender that waits for its answer.
pub const QUEUE_WAIT: Duration = Duration::from_millis(500);

/// What may be handed over while the disk is down: a day of emergencies, many times over.
pub const LATER_BYTES: usize = 32 << 20;

/// Larger files are slow to open in an editor and to check at a start (half a second).
pub const PART_BYTES: u64 = 256 << 20;

/// A full disk is looked at so often.
pub const RETRY: Duration = Duration::from_secs(1);

/// Default of `sync_ms`.
pub const SOON: Duration = Duration::from_millis(5);

/// How a ledger is kept.
#[derive(Clone, Debug)]
pub struct Config {
    /// The gate's name, in every entry.
    pub node: String,
    /// The hospital's: days and offsets are its.
    pub zone: TimeZone,
    /// When entries are on disk for which nobody waits.
    pub soon: Duration,
    /// Entries on their way, in bytes; beyond, appends wait.
    pub queue_bytes: usize,
    /// How long they wait before they are refused.
    pub queue_wait: Duration,
    /// Entries handed over with [`Ledger::append_later`], in bytes; beyond, they are lost and counted.
    pub later_bytes: usize,
    /// A file that has reached this size gets no further batch.
    pub part_bytes: u64,
    /// How often a failed disk is tried again.
    pub retry: Duration,
}

impl Config {
    /// The defaults for a gate.
    pub fn new(node: impl Into<String>, zone: TimeZone) -> Self {
        Self {
            node: node.into(),
            zone,
            soon: SOON,
            queue_bytes: QUEUE_BYTES,
            queue_wait: QUEUE_WAIT,
            later_bytes: LATER_BYTES,
            part_bytes: PART_BYTES,
            retry: RETRY,
        }
    }
}

/// The first thing wrong with a ledger, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}{}: {why}", .seq.map_or_else(String::new, |seq| format!(" (seq {seq})")))]
pub struct Broken {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 = the last one.
    pub line: u64,
    /// The entry's number, as far as it can be told.
    pub seq: Option<u64>,
    /// What is wrong.
    pub why: Why,
}

/// Why the ledger does not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The disk does not take entries. Side: us; the sender may try again.
    #[error(
        "the ledger cannot be written ({kind}): free or repair the disk of data_dir, the gate retries by itself"
    )]
    Unavailable {
        /// What the disk reported.
        kind: io::ErrorKind,
    },
    /// The queue stays full. Side: us; the sender may try again.
    #[error("the ledger's queue is full: the disk of data_dir is too slow for this load")]
    Overloaded,
    /// The gate is stopping.
    #[error("the ledger is closed")]
    Closed,
    /// The body is too large for a line.
    #[error("an entry of {bytes} bytes is longer than the ledger takes")]
    TooLong {
        /// The body's length.
        bytes: usize,
    },
    /// Anchors are the ledger's own.
    #[error("entries of kind `anchor` are written by the ledger only")]
    Reserved,
    /// Another gate uses the folder.
    #[error(
        "`{place}` is in use by another gate: give each gate its own data_dir, or stop the other one"
    )]
    Locked {
        /// The folder.
        place: String,
    },
    /// The chain is broken, and not by a crash.
    #[error(
        "the ledger is broken: {0}; nothing is written after a break: keep all its files as evidence, \
         move them out of data_dir/ledger, and start again with a new ledger"
    )]
    Broken(#[from] Broken),
    /// The disk cannot be read or prepared.
    #[error("cannot {what} the ledger file or folder `{place}`: {kind}")]
    Storage {
        /// What was tried.
        what: &'static str,
        /// On what.
        place: String,
        /// What the system reported.
        kind: io::ErrorKind,
    },
}

impl LedgerError {
    pub(in crate::ledger) fn storage(
        what: &'static str,
        place: impl ToString,
        error: &io::Error,
    ) -> Self {
        Self::Storage { what, place: place.to_string(), kind: error.kind() }
    }
}

/// Checks the whole chain in a folder, from the files alone and in bounded memory.
///
/// # Errors
/// [`LedgerError::Broken`] names the first broken entry; [`LedgerError::Storage`] if files cannot be read.
pub fn verify(folder: &Path, expected: Expected) -> Result<Verified, LedgerError> {
    verify::verify(&Directory::new(folder), expected)
}

/// Reads entries from a folder, oldest first, also while a gate writes there.
///
/// # Errors
/// [`LedgerError::Storage`] if the folder cannot be listed; the iterator gives further ones.
pub fn entries(folder: &Path, filter: Filter) -> Result<Entries, LedgerError> {
    Entries::new(Arc::new(Directory::new(folder)), filter)
}
