//! A gate's data directory, made of a backup: only of one that is whole, and only where nothing is.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use crate::app::backup::manifest::{self, Sums};
use crate::app::backup::{
    BackupError, DATABASES, MANIFEST, RESTORED, SUMS, UNFINISHED, is_empty, on,
};
use crate::ledger::{self, Expected, Verified};
use crate::register::sources::keep;

/// As the ledger's own.
const FOLDER_MODE: u32 = 0o750;

/// What was restored.
#[derive(Debug)]
pub struct Restored {
    /// The gate it was made of.
    pub node: String,
    /// When the backup was made.
    pub made_at: Timestamp,
    /// How many files.
    pub files: usize,
    /// The ledger, verified.
    pub ledger: Option<Verified>,
}

/// Whether a restore into this data directory has begun and not ended.
pub fn unfinished(data_dir: &Path) -> bool {
    data_dir.join(UNFINISHED).exists()
}

/// Restores the backup `from` into the new or empty folder `data_dir`: sums are checked before and after, the chain and
/// the databases verified, and only then it is done.
///
/// # Errors
/// The backup is damaged, the folder is not empty, or the disk does not take it; what was written is removed again.
pub async fn restore(from: &Path, data_dir: &Path, by: &str) -> Result<Restored, BackupError> {
    let (own, sums) = manifest::read(from)?;
    manifest::check(from, &sums)?;
    if !is_empty(data_dir)? {
        return Err(BackupError::NotEmpty(data_dir.to_owned()));
    }
    let was_there = data_dir.exists();
    let data = sums.iter().filter(|(name, _)| !name.starts_with("config/") && *name != MANIFEST);
    let data: Sums = data.map(|(name, sum)| (name.clone(), sum.clone())).collect();
    let written = write(from, data_dir, &data).await;
    let verified = match written {
        Ok(()) => verify(data_dir, own.head.as_deref()).await,
        Err(error) => Err(error),
    };
    let ledger = match verified {
        Ok(ledger) => ledger,
        Err(error) => {
            undo(data_dir, &data, was_there);
            return Err(error);
        }
    };
    // The next start tells the ledger that it was restored, and of what.
    let told = json!({ "by": by, "head": own.head, "made_at": own.made_at, "node": own.node });
    let path = data_dir.join(RESTORED);
    std::fs::write(&path, told.to_string()).map_err(on(&path))?;
    sync(&path)?;
    let marker = data_dir.join(UNFINISHED);
    std::fs::remove_file(&marker).map_err(on(&marker))?;
    sync(data_dir)?;
    Ok(Restored { node: own.node, made_at: own.made_at, files: data.len(), ledger })
}

async fn write(from: &Path, data_dir: &Path, data: &Sums) -> Result<(), BackupError> {
    let folder = |path: &Path| {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(on(path))
    };
    folder(data_dir)?;
    let marker = data_dir.join(UNFINISHED);
    std::fs::write(&marker, b"").map_err(on(&marker))?;
    // After a power cut as well, what stands there half is known as such.
    sync(data_dir)?;
    let mut folders = BTreeSet::from([data_dir]);
    let targets: Vec<PathBuf> = data.keys().map(|name| data_dir.join(name)).collect();
    folders.extend(targets.iter().flat_map(|target| above(data_dir, target)));
    for (name, wanted) in data {
        let target = data_dir.join(name);
        folder(target.parent().unwrap_or(data_dir))?;
        std::fs::copy(from.join(name), &target).map_err(on(&target))?;
        sync(&target)?;
        if manifest::sum(&target).map_err(on(&target))? != *wanted {
            return Err(BackupError::Damaged(name.clone()));
        }
    }
    folders.into_iter().try_for_each(sync)
}

/// Makes a file, or the names in a folder, durable.
fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(on(path))
}

/// The folders between the data directory and what stands in it, the innermost first.
fn above<'p>(data_dir: &'p Path, target: &'p Path) -> impl Iterator<Item = &'p Path> {
    target.ancestors().skip(1).take_while(move |folder| *folder != data_dir)
}

async fn verify(data_dir: &Path, head: Option<&str>) -> Result<Option<Verified>, BackupError> {
    for name in DATABASES {
        let file = data_dir.join(name);
        if file.exists() {
            let checked = keep::check(&file).await;
            checked.map_err(|error| BackupError::Database(name.to_owned(), error))?;
        }
    }
    let folder = ledger::store::folder(data_dir);
    if !folder.is_dir() {
        return Ok(None);
    }
    let head = head.and_then(|text| text.parse().ok());
    Ok(Some(ledger::verify(&folder, Expected { pruned: true, head })?))
}

/// What a failed restore has written is no data directory.
fn undo(data_dir: &Path, data: &Sums, was_there: bool) {
    for name in data.keys().map(String::as_str).chain([SUMS]) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(data_dir.join(format!("{name}{end}")));
        }
    }
    for name in data.keys() {
        let target = data_dir.join(name);
        // Those that are empty by now.
        above(data_dir, &target).for_each(|folder| drop(std::fs::remove_dir(folder)));
    }
    let _ = std::fs::remove_file(data_dir.join(UNFINISHED));
    if !was_there {
        let _ = std::fs::remove_dir(data_dir);
    }
}
