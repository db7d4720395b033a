//! Copies of everything that cannot be made again, and a gate made of one (IS Q10): register, accounts, case index,
//! ledger, stances, how far feeds are, configuration.
//!
//! What is derived (search index) or of this gate's life only (lock, admin channel, outage switch) is left out; so are
//! secrets, which stand in files of their own.

mod configuration;
mod make;
mod manifest;
mod restore;

pub use make::{Made, make};
pub use restore::{Restored, restore, unfinished};

use std::path::{Path, PathBuf};

use crate::ledger::LedgerError;
use crate::register::sources::keep::KeepError;

/// The databases that are copied, if they are there.
const DATABASES: [&str; 3] = ["register.db", "accounts.db", "cases.db"];
/// Stands in a data directory until what was restored there has been verified.
const UNFINISHED: &str = "restore-unfinished";
/// Tells the next start that the data directory was restored, until the ledger tells.
pub const RESTORED: &str = "restored.json";
/// The sums, in the form of `sha256sum`.
const SUMS: &str = "SHA256SUMS";
/// What the backup is of.
const MANIFEST: &str = "manifest.json";

/// Why nothing is backed up or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something is there already.
    #[error("`{0}` is not empty: name a folder that is new or empty")]
    NotEmpty(PathBuf),
    /// No backup.
    #[error(
        "`{0}` is no backup of orgate: it holds no manifest.json and SHA256SUMS that can be read"
    )]
    NoBackup(PathBuf),
    /// Made by a newer program.
    #[error("the backup is of format {0}, this version of orgate knows 1: use the newer one")]
    Newer(u32),
    /// A file is not what it was.
    #[error("`{0}` is damaged: it is not what the backup's SHA256SUMS says; nothing was restored")]
    Damaged(String),
    /// A file is gone.
    #[error("`{0}` is missing from the backup; nothing was restored")]
    Missing(String),
    /// A file that nobody vouches for.
    #[error("`{0}` does not belong to the backup; nothing was restored")]
    Foreign(String),
    /// A database.
    #[error("`{0}`: {1}")]
    Database(String, KeepError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file.
    #[error("`{0}` cannot be read or written: {1}")]
    File(PathBuf, std::io::Error),
}

/// Names the file that a fault was met on.
fn on(path: &Path) -> impl FnOnce(std::io::Error) -> BackupError {
    let path = path.to_owned();
    move |error| BackupError::File(path, error)
}

/// Whether nothing stands there: no folder, or an empty one (a file system's own `lost+found` aside).
fn is_empty(folder: &Path) -> Result<bool, BackupError> {
    let found = match std::fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(on(folder)(error)),
    };
    for one in found {
        if one.map_err(on(folder))?.file_name() != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}
