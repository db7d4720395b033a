//! How far a feed has come, kept over restarts: written after what it covers was delivered, so that a crash
//! repeats and never skips.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::ledger::{FileName, Reached};

/// How a cursor's file name ends.
const ENDING: &str = "cursor";

/// A feed's place in both sources.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// In the ledger.
    pub ledger: Reached,
    /// The last notice; 0 = none.
    pub notice: u64,
}

#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    seq: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    offset: Option<u64>,
    notice: u64,
}

/// Why a cursor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The disk.
    #[error(
        "the feed's cursor `{place}` cannot be read or written ({kind}), look at the disk of data_dir"
    )]
    File {
        /// Which file.
        place: String,
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// It holds something else.
    #[error(
        "the feed's cursor `{0}` holds no cursor of this version: remove it, and the feed begins anew"
    )]
    Content(String),
}

/// The file `NAME.cursor`.
#[derive(Clone, Debug)]
pub struct Cursor {
    path: PathBuf,
    /// One write at a time: one that nobody waits for any more may still be under way.
    turn: Arc<Mutex<()>>,
}

impl Cursor {
    /// Of a feed called `name`, in the folder of the feeds.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(format!("{name}.{ENDING}")), turn: Arc::default() }
    }

    /// Holds writes back.
    pub(in crate::feed) fn hold(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it says; `None` where the feed has not begun yet.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn load(&self) -> Result<Option<Mark>, CursorError> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.fault(&error)),
        };
        let content = || CursorError::Content(self.path.display().to_string());
        let written: Written = serde_json::from_slice(&text).map_err(|_| content())?;
        if written.format != 1 {
            return Err(content());
        }
        let file = written.file.as_deref().and_then(FileName::parse);
        let end = file.zip(written.offset);
        let ledger = Reached { seq: written.seq, end };
        Ok(Some(Mark { ledger, notice: written.notice }))
    }

    /// Writes it durably, whole or not at all.
    ///
    /// # Errors
    /// The disk does not take it; what it said before stands.
    pub fn save(&self, mark: Mark) -> Result<(), CursorError> {
        let _turn = self.hold();
        let written = Written {
            format: 1,
            seq: mark.ledger.seq,
            file: mark.ledger.end.map(|(file, _)| file.to_string()),
            offset: mark.ledger.end.map(|(_, offset)| offset),
            notice: mark.notice,
        };
        let text = serde_json::to_vec(&written).unwrap_or_default();
        replace(&self.path, &text).map_err(|error| self.fault(&error))
    }

    fn fault(&self, error: &io::Error) -> CursorError {
        CursorError::File { place: self.path.display().to_string(), kind: error.kind() }
    }
}

/// The last notice of every cursor in the folder of the feeds, as far as they can be read.
pub(in crate::feed) fn notices(folder: &Path) -> io::Result<Vec<u64>> {
    let mut marks = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        let cursor = path.extension().is_some_and(|end| end == ENDING);
        let name = path.file_stem().and_then(OsStr::to_str).filter(|_| cursor);
        marks.extend(name.and_then(|name| Cursor::new(folder, name).load().ok().flatten()));
    }
    Ok(marks.iter().map(|mark| mark.notice).collect())
}

/// Replaces a file's content durably, whole or not at all. Read by the gate alone.
pub(in crate::feed) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
