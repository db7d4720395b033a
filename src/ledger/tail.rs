//! Reading on from a place as the files grow: for whoever must see every entry once, in the order of the chain.

use std::path::Path;
use std::sync::Arc;

use crate::ledger::chain::{Line, Why};
use crate::ledger::entry::Entry;
use crate::ledger::read::{Lines, Piece, first_seq};
use crate::ledger::store::{Directory, FileName, Files};
use crate::ledger::{Broken, LINE_BYTES_MAX, LedgerError};

/// How far a reader has come, and where the next entry stands if that is known: only a hint, for files
/// may be moved or removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The last entry taken; 0 = none.
    pub seq: u64,
    /// The file in which it stands, and the offset behind its line end.
    pub end: Option<(FileName, u64)>,
}

/// Where an entry stands, so that it is found again without reading what stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Its first byte.
    pub offset: u64,
}

/// How much is taken at once.
#[derive(Clone, Copy, Debug)]
pub struct Batch {
    /// No entry after this place in the chain: what is on disk for sure ([`Ledger::head`](crate::ledger::Ledger::head)).
    pub up_to: u64,
    /// So many entries.
    pub entries: usize,
    /// No further entry once lines of so many bytes were read.
    pub bytes: usize,
}

/// Follows a ledger's files, be it another process's. Holds no file open between two batches.
pub struct Tail {
    files: Arc<dyn Files>,
    place: Reached,
    /// The place was read by this tail, so a fault behind it is the ledger's.
    proved: bool,
}

/// Why reading in a file stopped.
enum Stop {
    /// The batch is full, or its end is reached, or the file is still growing.
    Enough,
    /// The file has ended.
    End(FileName),
}

impl Tail {
    /// Goes on after `place` in the folder that holds the files.
    pub fn new(folder: &Path, place: Reached) -> Self {
        Self::of(Arc::new(Directory::new(folder)), place)
    }

    /// Goes on after entry number `seq`; 0 = from the beginning.
    pub fn after(folder: &Path, seq: u64) -> Self {
        Self::new(folder, Reached { seq, end: None })
    }

    pub(in crate::ledger) fn of(files: Arc<dyn Files>, place: Reached) -> Self {
        Self { files, place, proved: false }
    }

    /// Behind the last entry given.
    pub fn place(&self) -> Reached {
        self.place
    }

    /// The next entries and where they stand; none where `up_to` is reached. Each is checked against its own
    /// hash, and its place in the chain must follow.
    ///
    /// # Errors
    /// [`LedgerError::Storage`] as the disk reports; [`LedgerError::Broken`] at a line that is no entry or
    /// leaves a gap. Whole entries before it are given first; nothing is skipped, however often it is asked.
    pub fn take(&mut self, batch: Batch) -> Result<Vec<(Entry, Place)>, LedgerError> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while self.place.seq < batch.up_to && taken.len() < batch.entries && bytes < batch.bytes {
            let Some((file, offset)) = self.position()? else { break };
            match self.read(file, offset, batch, &mut taken, &mut bytes) {
                Ok(Stop::Enough) => break,
                Ok(Stop::End(file)) => {
                    let names = self.names()?;
                    let Some(next) = names.into_iter().find(|name| *name > file) else { break };
                    self.place.end = Some((next, 0));
                }
                Err(_) if !taken.is_empty() => break,
                Err(_) if !self.proved => {
                    self.place.end = None;
                    self.proved = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    fn names(&self) -> Result<Vec<FileName>, LedgerError> {
        self.files.list().map_err(|error| LedgerError::storage("list", "", &error))
    }

    /// Where to read on; searched for where it is not known.
    fn position(&mut self) -> Result<Option<(FileName, u64)>, LedgerError> {
        if let Some((file, offset)) = self.place.end
            && self.files.length(file).is_ok_and(|length| offset <= length)
        {
            return Ok(Some((file, offset)));
        }
        let names = self.names()?;
        let next = self.place.seq.saturating_add(1);
        let begins =
            |name: &&FileName| first_seq(&*self.files, **name).is_some_and(|first| first <= next);
        let found = names.iter().rev().find(begins).or(names.first());
        self.place.end = found.map(|file| (*file, 0));
        self.proved = true;
        Ok(self.place.end)
    }

    fn read(
        &mut self,
        file: FileName,
        mut offset: u64,
        batch: Batch,
        taken: &mut Vec<(Entry, Place)>,
        bytes: &mut usize,
    ) -> Result<Stop, LedgerError> {
        let source = self.files.read(file, offset);
        let source = source.map_err(|error| LedgerError::storage("open", file, &error))?;
        let mut lines = Lines::new(source);
        while taken.len() < batch.entries && *bytes < batch.bytes {
            let piece = lines.next().map_err(|error| LedgerError::storage("read", file, &error))?;
            match piece {
                Piece::Whole => {}
                Piece::Torn(_) => return Ok(Stop::Enough),
                Piece::End => return Ok(Stop::End(file)),
                Piece::Long => return Err(broken(file, Why::Long(LINE_BYTES_MAX))),
            }
            let line = lines.line();
            let entry = read(line).map_err(|why| broken(file, why))?;
            if entry.seq > batch.up_to {
                return Ok(Stop::Enough);
            }
            let (known, at_begin) = (self.place.seq, offset == 0);
            if entry.seq > known + 1 && !(at_begin && self.names()?.first() == Some(&file)) {
                let why = Why::Gap { expected: known + 1, found: entry.seq };
                return Err(broken(file, why));
            }
            let begin = Place { file: file.to_string(), offset };
            offset += u64::try_from(line.len()).unwrap_or(u64::MAX).saturating_add(1);
            self.proved = true;
            self.place.end = Some((file, offset));
            // A file that was searched for begins before the place. Older files may be gone: retention.
            if entry.seq > known {
                self.place.seq = entry.seq;
                *bytes += line.len();
                taken.push((entry, begin));
            }
        }
        Ok(Stop::Enough)
    }
}

fn read(line: &[u8]) -> Result<Entry, Why> {
    let parts = Line::parse(line)?;
    parts.check_hash()?;
    Entry::read(&parts, line)
}

fn broken(file: FileName, why: Why) -> LedgerError {
    LedgerError::Broken(Broken { file: file.to_string(), line: 0, seq: None, why })
}

/// The entry at a place; `None` where there is none: the file was removed at the end of its retention.
///
/// # Errors
/// The file cannot be read, or the line is broken.
pub fn entry_at(folder: &Path, place: &Place) -> Result<Option<Entry>, LedgerError> {
    let Some(name) = FileName::parse(&place.file) else { return Ok(None) };
    let source = match Directory::new(folder).read(name, place.offset) {
        Ok(source) => source,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LedgerError::storage("open", name, &error)),
    };
    let mut lines = Lines::new(source);
    match lines.next().map_err(|error| LedgerError::storage("read", name, &error))? {
        Piece::Whole => read(lines.line()).map(Some).map_err(|why| broken(name, why)),
        Piece::Torn(_) | Piece::End | Piece::Long => Ok(None),
    }
}
