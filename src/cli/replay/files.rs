//! Which files a replay reads, in which order, and how large they are together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// All files of a folder and its folders, by name, folder by folder. Links to folders are not followed,
/// so that the walk ends. Holds the names of one folder per level, nothing more.
pub(super) struct Files {
    levels: Vec<std::vec::IntoIter<PathBuf>>,
}

impl Files {
    /// One file, or all files under a folder.
    pub(super) fn new(start: &Path) -> Self {
        Self { levels: vec![vec![start.to_owned()].into_iter()] }
    }
}

impl Iterator for Files {
    type Item = Result<PathBuf, (PathBuf, io::Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(path) = self.levels.last_mut()?.next() else {
                self.levels.pop();
                continue;
            };
            let within = self.levels.len() > 1;
            if path.is_dir() {
                if within && path.is_symlink() {
                    continue;
                }
                match names(&path) {
                    Ok(names) => self.levels.push(names.into_iter()),
                    Err(error) => return Some(Err((path, error))),
                }
                continue;
            }
            // Pipes and sockets would wait for ever; one named by the caller is meant.
            if within && path.exists() && !path.is_file() {
                continue;
            }
            return Some(Ok(path));
        }
    }
}

fn names(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut names = entries.collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

/// Bytes of all files, for the progress bar; what cannot be read counts as nothing.
pub(super) fn total_bytes(start: &Path) -> u64 {
    let sizes = Files::new(start).flatten().map(|path| fs::metadata(path).map_or(0, |m| m.len()));
    sizes.sum()
}
