//! What is done when a gate starts: check the newest file, cut a torn last line, find the head to go on from.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::ledger::chain::{Head, Line, Why};
use crate::ledger::read::{Entries, Filter};
use crate::ledger::store::{FileName, Files, Store};
use crate::ledger::verify::{self, Before, Checked, Torn};
use crate::ledger::{Broken, LINE_BYTES_MAX, LedgerError};

/// What a gate found when it opened its ledger.
pub struct Recovered {
    /// The last entry before this start.
    pub head: Head,
    /// How many files there are.
    pub files: usize,
    /// A torn last line that was cut. The anchor of this start says so too.
    pub torn: Option<Torn>,
    /// How long the medium takes for one small durable write; `None` if it could not be measured.
    pub sync_time: Option<Duration>,
    pub(in crate::ledger) source: Arc<dyn Files>,
}

impl Recovered {
    /// The entries since an instant, so that a gate can remember what it did before it stopped.
    ///
    /// # Errors
    /// [`LedgerError::Storage`] if the files cannot be listed; the iterator gives further ones.
    pub fn recent(&self, since: Timestamp) -> Result<Entries, LedgerError> {
        let filter = Filter { since: Some(since), ..Filter::default() };
        Entries::new(Arc::clone(&self.source), filter)
    }
}

/// Where the writer goes on.
pub(in crate::ledger) struct Found {
    pub(in crate::ledger) file: Option<(FileName, u64)>,
    pub(in crate::ledger) head: Head,
    pub(in crate::ledger) files: usize,
    pub(in crate::ledger) torn: Option<Torn>,
}

/// Checks the newest file and its link to the one before. Cutting is left to the writer, which does it
/// for every way in which a tail can become doubtful; only files without a single entry are removed here.
pub(in crate::ledger) fn recover(store: &mut dyn Store) -> Result<Found, LedgerError> {
    let files = store.files();
    let mut torn = None;
    loop {
        let names = files.list().map_err(|error| LedgerError::storage("list", "", &error))?;
        let Some(newest) = names.last().copied() else {
            return Ok(Found { file: None, head: Head::GENESIS, files: 0, torn });
        };
        let checked = check_newest(&*files, &names, newest)?;
        if checked.torn_bytes > 0 {
            torn = Some(Torn { file: newest.to_string(), bytes: checked.torn_bytes });
        }
        if checked.lines > 0 {
            let file = Some((newest, checked.bytes));
            return Ok(Found { file, head: checked.head, files: names.len(), torn });
        }
        // A crash between creating a file and its first sync: nobody holds a receipt for anything in it.
        let removed = store.remove(newest);
        removed.map_err(|error| LedgerError::storage("remove", newest, &error))?;
    }
}

fn check_newest(
    files: &dyn Files,
    names: &[FileName],
    newest: FileName,
) -> Result<Checked, LedgerError> {
    let mut older = names.iter().rev().skip(1).copied();
    let previous = loop {
        let Some(name) = older.next() else { break None };
        let length = files.length(name);
        if length.map_err(|error| LedgerError::storage("read", name, &error))? > 0 {
            break Some(name);
        }
    };
    let before = match previous {
        Some(name) => Before::File(name, last_head(files, name)?),
        None => Before::Removed,
    };
    let checked = verify::check_file(files, newest, before, 0, None);
    match (checked, previous) {
        (Err(LedgerError::Broken(mut broken)), Some(previous))
            if matches!(broken.why, Why::CutShort { .. }) =>
        {
            let whole = verify::check_file(files, previous, Before::Removed, 0, None)?;
            broken.line = whole.lines + 1;
            Err(LedgerError::Broken(broken))
        }
        (checked, _) => checked,
    }
}

/// The head of a chain that ends with this file, from its last line alone.
pub(in crate::ledger) fn last_head(files: &dyn Files, name: FileName) -> Result<Head, LedgerError> {
    let fault = |error: &std::io::Error| LedgerError::storage("read", name, error);
    let broken = |why| {
        let file = name.to_string();
        LedgerError::Broken(Broken { file, line: 0, seq: None, why })
    };
    let length = files.length(name).map_err(|error| fault(&error))?;
    let mut window: u64 = 1 << 16;
    loop {
        let from = length.saturating_sub(window);
        let mut tail = Vec::new();
        let mut source = files.read(name, from).map_err(|error| fault(&error))?.take(window);
        source.read_to_end(&mut tail).map_err(|error| fault(&error))?;
        let Some((b'\n', lines)) = tail.split_last() else {
            return Err(broken(Why::Unfinished));
        };
        let start = memchr::memrchr(b'\n', lines).map(|at| at + 1);
        if let Some(start) = start.or((from == 0).then_some(0)) {
            let line = Line::parse(lines.get(start..).unwrap_or_default()).map_err(broken)?;
            line.check_hash().map_err(broken)?;
            return Ok(line.head());
        }
        if lines.len() > LINE_BYTES_MAX {
            return Err(broken(Why::Long(LINE_BYTES_MAX)));
        }
        window *= 8;
    }
}
