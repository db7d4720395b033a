//! Reading files back: line by line in bounded memory, and entry by entry with a filter.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};

use crate::ledger::chain::{Line, Why};
use crate::ledger::entry::{Entry, EntryId, Kind};
use crate::ledger::store::{FileName, Files};
use crate::ledger::{Broken, LINE_BYTES_MAX, LedgerError};

/// What is read at first: whoever follows the ledger opens its file again for every bunch of entries, which is some tens
/// of kilobytes.
const CHUNK_BYTES: usize = 1 << 16;
/// What is read at a time in a file that goes on and on.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// What [`Lines::next`] found.
pub(in crate::ledger) enum Piece {
    /// A line; [`Lines::line`] has it, without its line end.
    Whole,
    /// The bytes after the last line end, which make no line.
    Torn(u64),
    /// Nothing more.
    End,
    /// A line beyond [`LINE_BYTES_MAX`].
    Long,
}

/// The lines of one file. Looks at each byte once, holds one line and one chunk.
pub(in crate::ledger) struct Lines {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    filled: usize,
    chunk: usize,
    line: (usize, usize),
    next: usize,
    /// The number of the line last given, from 1.
    pub(in crate::ledger) number: u64,
}

impl Lines {
    pub(in crate::ledger) fn new(source: Box<dyn Read + Send>) -> Self {
        let (buffer, chunk) = (Vec::new(), CHUNK_BYTES);
        Self { source, buffer, filled: 0, chunk, line: (0, 0), next: 0, number: 0 }
    }

    /// The line last given.
    pub(in crate::ledger) fn line(&self) -> &[u8] {
        self.buffer.get(self.line.0..self.line.1).unwrap_or_default()
    }

    pub(in crate::ledger) fn next(&mut self) -> io::Result<Piece> {
        let mut searched = self.next;
        loop {
            let unseen = self.buffer.get(searched..self.filled).unwrap_or_default();
            if let Some(length) = memchr::memchr(b'\n', unseen) {
                self.line = (self.next, searched + length);
                self.next = searched + length + 1;
                self.number += 1;
                return Ok(Piece::Whole);
            }
            searched = self.filled;
            let pending = self.filled - self.next;
            if pending > LINE_BYTES_MAX {
                self.number += 1;
                return Ok(Piece::Long);
            }
            if self.next > 0 {
                self.buffer.copy_within(self.next..self.filled, 0);
                (self.next, self.filled, searched) = (0, pending, pending);
            }
            if self.buffer.len() - self.filled < self.chunk / 2 {
                self.buffer.resize(self.filled + self.chunk, 0);
            }
            let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
            let size = room.len();
            match self.source.read(room) {
                Ok(0) if pending == 0 => return Ok(Piece::End),
                Ok(0) => return Ok(Piece::Torn(u64::try_from(pending).unwrap_or(u64::MAX))),
                Ok(read) => {
                    self.filled += read;
                    if read == size {
                        self.chunk = (self.chunk * 2).min(CHUNK_BYTES_MAX);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Which entries to give; an empty filter gives all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// None before.
    pub since: Option<Timestamp>,
    /// None from this instant on.
    pub until: Option<Timestamp>,
    /// Only these kinds; empty = all.
    pub kinds: Vec<Kind>,
    /// Only this one.
    pub id: Option<EntryId>,
    /// Only those after this place in the chain; files before it are not read.
    pub after: Option<u64>,
}

impl Filter {
    /// No entry of an earlier day's file can pass: a file holds no entry of a later day than its own.
    fn skips(&self, file: FileName) -> bool {
        let id_time = self.id.map(EntryId::time);
        let earliest = match (self.since, id_time) {
            (Some(since), Some(time)) => Some(since.max(time)),
            (since, time) => since.or(time),
        };
        // Two days of tolerance: the zone is not known here, and an id may be older than its entry.
        let day = earliest.map(|t| jiff::tz::TimeZone::UTC.to_datetime(t).date());
        day.is_some_and(|day| day.checked_sub(2.days()).is_ok_and(|day| file.day < day))
    }

    fn passes(&self, line: &Line<'_>, entry: &Entry) -> bool {
        self.since.is_none_or(|since| entry.time >= since)
            && self.until.is_none_or(|until| entry.time < until)
            && (self.kinds.is_empty() || self.kinds.contains(&line.kind))
            && self.id.is_none_or(|id| entry.id == id)
            && self.after.is_none_or(|after| entry.seq > after)
    }
}

/// Entries in the order of the chain. Each is checked against its own hash, the links are not
/// ([`verify`](crate::ledger::verify) does that). A torn last line ends the iteration.
pub struct Entries {
    files: Arc<dyn Files>,
    names: VecDeque<FileName>,
    open: Option<(FileName, Lines)>,
    filter: Filter,
}

impl Entries {
    pub(in crate::ledger) fn new(
        files: Arc<dyn Files>,
        filter: Filter,
    ) -> Result<Self, LedgerError> {
        let names = files.list().map_err(|error| LedgerError::storage("list", "", &error))?;
        let mut names: VecDeque<FileName> =
            names.into_iter().filter(|name| !filter.skips(*name)).collect();
        if let Some(after) = filter.after {
            // From the newest on back: whoever goes on reading is seldom far behind.
            let starts_before = |name: &FileName| {
                first_seq(&*files, *name).is_some_and(|first| first <= after.saturating_add(1))
            };
            let first = names.iter().rposition(starts_before).unwrap_or(0);
            names.drain(..first);
        }
        Ok(Self { files, names, open: None, filter })
    }

    fn step(&mut self) -> Result<Option<Option<Entry>>, LedgerError> {
        let Some((name, lines)) = &mut self.open else {
            let Some(name) = self.names.pop_front() else { return Ok(None) };
            let source = self.files.read(name, 0);
            let source = source.map_err(|error| LedgerError::storage("open", name, &error))?;
            self.open = Some((name, Lines::new(source)));
            return Ok(Some(None));
        };
        let piece = lines.next().map_err(|error| LedgerError::storage("read", *name, &error))?;
        let read = match piece {
            Piece::Whole => Line::parse(lines.line()).and_then(|line| {
                line.check_hash()?;
                let entry = Entry::read(&line, lines.line())?;
                Ok(self.filter.passes(&line, &entry).then_some(entry))
            }),
            Piece::Long => Err(Why::Long(LINE_BYTES_MAX)),
            Piece::Torn(_) | Piece::End => {
                self.open = None;
                return Ok(Some(None));
            }
        };
        match read {
            Ok(entry) => Ok(Some(entry)),
            Err(why) => {
                let (file, line) = (name.to_string(), lines.number);
                Err(LedgerError::Broken(Broken { file, line, seq: None, why }))
            }
        }
    }
}

/// The number of a file's first entry; `None` where it cannot be told.
pub(in crate::ledger) fn first_seq(files: &dyn Files, name: FileName) -> Option<u64> {
    let mut lines = Lines::new(files.read(name, 0).ok()?);
    match lines.next().ok()? {
        Piece::Whole => Line::parse(lines.line()).ok().map(|line| line.seq),
        Piece::Torn(_) | Piece::End | Piece::Long => None,
    }
}

impl Iterator for Entries {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.step() {
                Ok(None) => return None,
                Ok(Some(None)) => {}
                Ok(Some(Some(entry))) => return Some(Ok(entry)),
                Err(error) => {
                    self.open = None;
                    self.names.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}
