//! Checking the chain from the files alone, streaming, down to the first broken entry.

use std::io;

use crate::ledger::chain::{Head, Line, Why};
use crate::ledger::entry::Kind;
use crate::ledger::read::{Lines, Piece};
use crate::ledger::store::{FileName, Files};
use crate::ledger::{Broken, LINE_BYTES_MAX, LedgerError};

/// What may be taken for granted of a ledger.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    /// Older files were removed when their retention ended: the first file at hand may begin at any seq.
    pub pruned: bool,
    /// A head that was noted earlier, outside the gate: the chain must go through it.
    pub head: Option<Head>,
}

/// A ledger whose chain is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries were checked.
    pub entries: u64,
    /// In how many files.
    pub files: usize,
    /// How many bytes were read.
    pub bytes: u64,
    /// The seq of the first entry at hand; 1 unless older files were removed; 0 in an empty ledger.
    pub first_seq: u64,
    /// The last entry.
    pub head: Head,
    /// An unfinished last line in the newest file: a crash, no tampering. The gate cuts it when it starts.
    pub torn: Option<Torn>,
}

/// A last line that was never finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// The file that has it.
    pub file: String,
    /// Its length; 0 if the file is empty.
    pub bytes: u64,
}

/// The part of an anchor's body that says what came before.
#[derive(serde::Deserialize)]
struct Anchor {
    previous: Option<Previous>,
}

#[derive(serde::Deserialize)]
struct Previous {
    file: String,
    hash: String,
    seq: u64,
}

/// What a file begins after.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger) enum Before {
    /// Nothing: it is the first of the ledger.
    Nothing,
    /// Files that were removed.
    Removed,
    /// This file, which ends so.
    File(FileName, Head),
}

/// How a packed file that is damaged shows.
const UNPACKABLE: [io::ErrorKind; 3] =
    [io::ErrorKind::InvalidInput, io::ErrorKind::InvalidData, io::ErrorKind::UnexpectedEof];

/// One file found whole.
pub(in crate::ledger) struct Checked {
    pub(in crate::ledger) entries: u64,
    pub(in crate::ledger) bytes: u64,
    pub(in crate::ledger) lines: u64,
    pub(in crate::ledger) first_seq: u64,
    pub(in crate::ledger) head: Head,
    pub(in crate::ledger) torn_bytes: u64,
}

/// Checks all files.
pub(in crate::ledger) fn verify(
    files: &dyn Files,
    expected: Expected,
) -> Result<Verified, LedgerError> {
    let names = files.list().map_err(|error| LedgerError::storage("list", "", &error))?;
    let empty = Head::GENESIS;
    let mut verified = Verified {
        entries: 0,
        files: names.len(),
        bytes: 0,
        first_seq: 0,
        head: empty,
        torn: None,
    };
    let mut before = if expected.pruned { Before::Removed } else { Before::Nothing };
    let mut lines_before = 0;
    for (nth, name) in names.iter().enumerate() {
        let checked = check_file(files, *name, before, lines_before, expected.head)?;
        let newest = nth + 1 == names.len();
        if !newest && checked.torn_bytes > 0 {
            let (file, line) = (name.to_string(), checked.lines + 1);
            return Err(Broken { file, line, seq: None, why: Why::Unfinished }.into());
        }
        if newest && (checked.torn_bytes > 0 || checked.lines == 0) {
            verified.torn = Some(Torn { file: name.to_string(), bytes: checked.torn_bytes });
        }
        if checked.lines == 0 {
            // Begun, and never written: what should have been in it shows in the next file's anchor.
            continue;
        }
        if verified.first_seq == 0 {
            verified.first_seq = checked.first_seq;
        }
        verified.entries += checked.entries;
        verified.bytes += checked.bytes;
        verified.head = checked.head;
        before = Before::File(*name, checked.head);
        lines_before = checked.lines;
    }
    if let Some(seq) = expected.head.map(|head| head.seq).filter(|seq| *seq > verified.head.seq) {
        let file = names.last().map_or_else(String::new, FileName::to_string);
        let (line, why) = (lines_before + 1, Why::EndsBefore(seq));
        return Err(Broken { file, line, seq: Some(verified.head.seq + 1), why }.into());
    }
    Ok(verified)
}

/// Checks one file; `lines_before` is the length of the file before, to point at its end.
pub(in crate::ledger) fn check_file(
    files: &dyn Files,
    name: FileName,
    before: Before,
    lines_before: u64,
    noted: Option<Head>,
) -> Result<Checked, LedgerError> {
    let fault = |error: &std::io::Error| LedgerError::storage("read", name, error);
    let mut lines = Lines::new(files.read(name, 0).map_err(|error| fault(&error))?);
    let head = if let Before::File(_, head) = before { head } else { Head::GENESIS };
    let mut checked = Checked { entries: 0, bytes: 0, lines: 0, first_seq: 0, head, torn_bytes: 0 };
    loop {
        let broken = |line: u64, seq, why| Broken { file: name.to_string(), line, seq, why };
        let piece = match lines.next() {
            Ok(piece) => piece,
            // What a packed file says when it was changed or cut.
            Err(error) if UNPACKABLE.contains(&error.kind()) => {
                return Err(broken(lines.number + 1, None, Why::Unpacked).into());
            }
            Err(error) => return Err(fault(&error)),
        };
        match piece {
            Piece::End => return Ok(checked),
            Piece::Torn(bytes) => {
                checked.torn_bytes = bytes;
                return Ok(checked);
            }
            Piece::Long => {
                return Err(broken(lines.number, None, Why::Long(LINE_BYTES_MAX)).into());
            }
            Piece::Whole => {}
        }
        let raw = lines.line();
        let line = Line::parse(raw).map_err(|why| broken(lines.number, None, why))?;
        let broken = |why| broken(lines.number, Some(line.seq), why);
        if lines.number == 1 {
            line.check_hash().map_err(broken)?;
            checked.head = begin(&line, name, before, lines_before)?;
            checked.first_seq = line.seq;
        }
        checked.head = line.follow(checked.head).map_err(broken)?;
        if noted.is_some_and(|noted| noted.seq == line.seq && noted.hash != line.hash) {
            return Err(broken(Why::OtherHistory(line.seq)).into());
        }
        checked.entries += 1;
        checked.lines = lines.number;
        checked.bytes += u64::try_from(raw.len() + 1).unwrap_or(u64::MAX);
    }
}

/// Checks that a file's first entry is an anchor that names what is really before it; gives the head it follows.
fn begin(
    line: &Line<'_>,
    name: FileName,
    before: Before,
    lines_before: u64,
) -> Result<Head, Broken> {
    let here = |why| Broken { file: name.to_string(), line: 1, seq: Some(line.seq), why };
    if line.kind != Kind::Anchor {
        return Err(here(Why::NoAnchor));
    }
    let anchor: Anchor = serde_json::from_str(line.body)
        .map_err(|_| here(Why::Shape("the anchor's body lacks `previous`")))?;
    match (before, anchor.previous) {
        (Before::Nothing, None) => Ok(Head::GENESIS),
        (Before::Nothing, Some(_)) => Err(here(Why::NoBeginning(line.seq))),
        (Before::Removed, None) => Ok(Head::GENESIS),
        (Before::Removed, Some(_)) => Ok(Head { seq: line.seq.saturating_sub(1), hash: line.prev }),
        (Before::File(..), None) => Err(here(Why::Shape("a second beginning of a ledger"))),
        (Before::File(file, head), Some(previous)) => {
            if previous.file != file.to_string() {
                return Err(here(Why::MissingFile(previous.file)));
            }
            if previous.seq > head.seq {
                let why = Why::CutShort { next: name.to_string(), seq: previous.seq };
                let (line, seq) = (lines_before + 1, Some(head.seq + 1));
                return Err(Broken { file: previous.file, line, seq, why });
            }
            let claimed = (previous.seq, previous.hash);
            let agrees = claimed == (head.seq, head.hash.to_string());
            if agrees { Ok(head) } else { line.follow(head).and(Err(Why::Prev)).map_err(here) }
        }
    }
}
