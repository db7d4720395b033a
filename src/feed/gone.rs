//! A receiver that wants nothing any more (410): the feed is disabled, over restarts, until somebody enables it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::feed::cursor::replace;

/// The file `NAME.disabled`, which says why.
#[derive(Clone, Debug)]
pub struct Gone {
    path: PathBuf,
}

impl Gone {
    /// Of a feed called `name`, in the folder of the feeds.
    pub fn new(folder: &Path, name: &str) -> Self {
        Self { path: folder.join(format!("{name}.disabled")) }
    }

    /// Whether it is disabled.
    pub fn is_disabled(&self) -> bool {
        self.path.exists()
    }

    /// Why it is disabled.
    pub fn why(&self) -> Option<String> {
        fs::read_to_string(&self.path).ok()
    }

    /// Disables it.
    ///
    /// # Errors
    /// As the disk reports.
    pub fn disable(&self, why: &str) -> io::Result<()> {
        replace(&self.path, why.as_bytes())
    }

    /// Enables it; whether it was disabled.
    ///
    /// # Errors
    /// As the disk reports.
    pub fn enable(&self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}
