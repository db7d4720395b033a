//! A backup, made while the gate runs or stands.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use jiff::Timestamp;

use crate::app::backup::manifest::{self, FORMAT, Manifest};
use crate::app::backup::{BackupError, DATABASES, configuration, is_empty, on};
use crate::config::Settings;
use crate::feed;
use crate::ledger::archive;
use crate::ledger::{Head, Verified};
use crate::register::sources::keep;

/// Holds patient data: for its owner only.
const FOLDER_MODE: u32 = 0o700;

/// A backup that was made.
#[derive(Debug)]
pub struct Made {
    /// How many files.
    pub files: usize,
    /// Its ledger, verified.
    pub ledger: Option<Verified>,
    /// Databases that are not there, and so not in it.
    pub absent: Vec<&'static str>,
}

/// Copies everything into the new or empty folder `to`. `head`: how far a running gate's ledger is on disk for sure.
///
/// The databases come first and the ledger last: what an index or a feed has not seen yet, it takes from the ledger
/// after a restore; the other way round it would miss it.
///
/// # Errors
/// The folder is not empty, or something cannot be read, written, or verified: then there is no `SHA256SUMS`, and the
/// folder is no backup.
pub async fn make(
    settings: &Settings,
    configured_in: &Path,
    to: &Path,
    head: impl FnOnce() -> Option<Head>,
    now: Timestamp,
) -> Result<Made, BackupError> {
    if !is_empty(to)? {
        return Err(BackupError::NotEmpty(to.to_owned()));
    }
    let folder = |path: &Path| {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path).map_err(on(path))
    };
    folder(to)?;
    let data = &settings.node.data_dir;
    let mut absent = Vec::new();
    for name in DATABASES {
        let file = data.join(name);
        if !file.exists() {
            absent.push(name);
            continue;
        }
        let copied = keep::copy(&file, &to.join(name)).await;
        copied.map_err(|error| BackupError::Database(name.to_owned(), error))?;
    }
    let stances = settings.stances_file();
    if stances.exists() {
        std::fs::copy(&stances, to.join("stances.json")).map_err(on(&stances))?;
    }
    let feeds = feed::folder(data);
    if feeds.is_dir() {
        for name in manifest::files(&feeds)? {
            let target = to.join("feeds").join(&name);
            folder(target.parent().unwrap_or(to))?;
            match std::fs::copy(feeds.join(&name), target) {
                // A cursor that was being written beside its place.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.map_err(on(&feeds.join(&name)))?),
            }
        }
    }
    configuration::copy(configured_in, &settings.written, &to.join("config"))?;
    let ledger = if settings.ledger_dir.is_dir() {
        let target = to.join("ledger");
        folder(&target)?;
        Some(archive::copy(&settings.ledger_dir, &target, head())?)
    } else {
        None
    };
    let own = Manifest {
        format: FORMAT,
        head: ledger.as_ref().filter(|own| own.head.seq > 0).map(|own| own.head.to_string()),
        made_at: now,
        node: settings.node.name.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let files = manifest::write(to, &own)?.len();
    Ok(Made { files, ledger, absent })
}
