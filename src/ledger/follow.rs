//! Reading on as the ledger grows: only what is durable, each entry with its place, from where it was left.

use std::path::Path;
use std::sync::Arc;

use crate::ledger::chain::{Line, Why};
use crate::ledger::entry::Entry;
use crate::ledger::read::{Lines, Piece, first_seq};
use crate::ledger::store::{Directory, FileName, Files};
use crate::ledger::{Broken, LINE_BYTES_MAX, LedgerError};

/// Where an entry stands, so that it is found again without reading what stands before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Its first byte.
    pub offset: u64,
}

/// Follows a ledger. It may be of another process's; then `head` is what that process says.
pub struct Follower {
    files: Arc<dyn Files>,
    place: Option<(FileName, u64)>,
    seq: u64,
}

impl Follower {
    /// Reads on after an entry; 0 = from the beginning.
    pub fn after(folder: &Path, seq: u64) -> Self {
        Self::of(Arc::new(Directory::new(folder)), seq)
    }

    pub(in crate::ledger) fn of(files: Arc<dyn Files>, seq: u64) -> Self {
        Self { files, place: None, seq }
    }

    /// The last entry read.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The next entries up to number `head`, at most `most`. What stands behind `head` is not yet durable, and
    /// the writer may cut it off again.
    ///
    /// # Errors
    /// Files cannot be read, or a line is broken; the next call tries the same again.
    pub fn read(&mut self, head: u64, most: usize) -> Result<Vec<(Entry, Place)>, LedgerError> {
        let mut found = Vec::new();
        if head <= self.seq {
            return Ok(found);
        }
        // Listed before reading: a file that has a successor by now is complete.
        let names = self.files.list();
        let names = names.map_err(|error| LedgerError::storage("list", "", &error))?;
        // A file that is not there any more was removed at the end of its retention.
        let place = self.place.filter(|(name, _)| names.contains(name));
        let mut at = match place {
            Some(place) => place,
            None => match self.first(&names) {
                Some(name) => (name, 0),
                None => return Ok(found),
            },
        };
        loop {
            let done = self.read_file(&mut at, head, most, &mut found)?;
            self.place = Some(at);
            if done {
                return Ok(found);
            }
            let Some(next) = names.iter().copied().find(|name| *name > at.0) else {
                return Ok(found);
            };
            at = (next, 0);
        }
    }

    /// The file that holds the next entry.
    fn first(&self, names: &[FileName]) -> Option<FileName> {
        let wanted = self.seq.saturating_add(1);
        let starts_before =
            |name: &&FileName| first_seq(&*self.files, **name).is_some_and(|seq| seq <= wanted);
        names.iter().rev().find(starts_before).or_else(|| names.first()).copied()
    }

    /// Reads on in one file; whether that was all for now.
    fn read_file(
        &mut self,
        (name, offset): &mut (FileName, u64),
        head: u64,
        most: usize,
        found: &mut Vec<(Entry, Place)>,
    ) -> Result<bool, LedgerError> {
        let source = self.files.read(*name, *offset);
        let source = source.map_err(|error| LedgerError::storage("open", *name, &error))?;
        let mut lines = Lines::new(source);
        loop {
            let piece = lines.next();
            let piece = piece.map_err(|error| LedgerError::storage("read", *name, &error))?;
            let entry = match piece {
                Piece::Whole => read_line(lines.line()),
                Piece::Long => Err(Why::Long(LINE_BYTES_MAX)),
                Piece::Torn(_) | Piece::End => return Ok(false),
            };
            let entry = entry.map_err(|why| {
                LedgerError::Broken(Broken { file: name.to_string(), line: 0, seq: None, why })
            })?;
            if entry.seq > head {
                return Ok(true);
            }
            let place = Place { file: name.to_string(), offset: *offset };
            *offset += u64::try_from(lines.line().len() + 1).unwrap_or(0);
            if entry.seq > self.seq {
                self.seq = entry.seq;
                found.push((entry, place));
                if found.len() >= most {
                    return Ok(true);
                }
            }
        }
    }
}

fn read_line(line: &[u8]) -> Result<Entry, Why> {
    let parsed = Line::parse(line)?;
    parsed.check_hash()?;
    Entry::read(&parsed, line)
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
        Piece::Whole => read_line(lines.line()).map(Some).map_err(|why| {
            LedgerError::Broken(Broken { file: name.to_string(), line: 0, seq: None, why })
        }),
        Piece::Torn(_) | Piece::End | Piece::Long => Ok(None),
    }
}
