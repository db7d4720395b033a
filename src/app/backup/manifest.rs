//! What a backup holds: every file with its SHA-256, and what it is of.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::app::backup::{BackupError, MANIFEST, SUMS, on};

/// The version of what a backup looks like.
pub(super) const FORMAT: u32 = 1;
/// Read at a time.
const CHUNK: usize = 128 * 1024;

/// What the backup is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    /// `SEQ:HASH`, of the last entry; absent: the ledger is empty.
    pub(super) head: Option<String>,
    pub(super) made_at: Timestamp,
    pub(super) node: String,
    pub(super) version: String,
}

/// Path below the backup → SHA-256.
pub(super) type Sums = BTreeMap<String, String>;

/// SHA-256 of a file, as text.
pub(super) fn sum(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let (mut digest, mut chunk) = (Context::new(&SHA256), vec![0; CHUNK]);
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(hex::encode(digest.finish())),
            Ok(read) => digest.update(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Every regular file below a folder, by path with `/`.
pub(super) fn files(folder: &Path) -> Result<Vec<String>, BackupError> {
    let (mut found, mut folders) = (Vec::new(), vec![(folder.to_owned(), String::new())]);
    while let Some((folder, below)) = folders.pop() {
        for one in std::fs::read_dir(&folder).map_err(on(&folder))? {
            let one = one.map_err(on(&folder))?;
            let name = format!("{below}{}", one.file_name().to_string_lossy());
            if one.file_type().map_err(on(&folder))?.is_dir() {
                folders.push((one.path(), format!("{name}/")));
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Sums up everything below a folder, makes it durable, and writes manifest and sums: they come last.
pub(super) fn write(folder: &Path, manifest: &Manifest) -> Result<Sums, BackupError> {
    let text = serde_json::to_vec_pretty(manifest).unwrap_or_default();
    let path = folder.join(MANIFEST);
    std::fs::write(&path, text).map_err(on(&path))?;
    let mut sums = Sums::new();
    for name in files(folder)? {
        let path = folder.join(&name);
        File::open(&path).and_then(|file| file.sync_all()).map_err(on(&path))?;
        sums.insert(name, sum(&path).map_err(on(&path))?);
    }
    let lines: String = sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
    let path = folder.join(SUMS);
    std::fs::write(&path, lines).map_err(on(&path))?;
    File::open(&path).and_then(|file| file.sync_all()).map_err(on(&path))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(on(folder))?;
    Ok(sums)
}

/// Reads both.
pub(super) fn read(folder: &Path) -> Result<(Manifest, Sums), BackupError> {
    let none = || BackupError::NoBackup(folder.to_owned());
    let text = std::fs::read(folder.join(MANIFEST)).map_err(|_| none())?;
    let lines = std::fs::read_to_string(folder.join(SUMS)).map_err(|_| none())?;
    let mut sums = Sums::new();
    for line in lines.lines() {
        let (sum, name) = line.split_once("  ").ok_or_else(none)?;
        let path = PathBuf::from(name);
        // Nothing of a backup leads out of it.
        let inside = path.components().all(|c| matches!(c, std::path::Component::Normal(_)));
        if !inside {
            return Err(BackupError::Foreign(name.to_owned()));
        }
        sums.insert(name.to_owned(), sum.to_owned());
    }
    let sound = sums
        .get(MANIFEST)
        .is_some_and(|own| sum(&folder.join(MANIFEST)).ok().as_ref() == Some(own));
    if !sound {
        return Err(BackupError::Damaged(MANIFEST.to_owned()));
    }
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| none())?;
    if manifest.format != FORMAT {
        return Err(BackupError::Newer(manifest.format));
    }
    Ok((manifest, sums))
}

/// Checks every file of a folder against the sums, and that there is no other.
pub(super) fn check(folder: &Path, sums: &Sums) -> Result<(), BackupError> {
    for (name, wanted) in sums {
        let path = folder.join(name);
        match sum(&path) {
            Ok(found) if found == *wanted => {}
            Ok(_) => return Err(BackupError::Damaged(name.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::Missing(name.clone()));
            }
            Err(error) => return Err(on(&path)(error)),
        }
    }
    match files(folder)?.into_iter().find(|name| name != SUMS && !sums.contains_key(name)) {
        Some(name) => Err(BackupError::Foreign(name)),
        None => Ok(()),
    }
}
