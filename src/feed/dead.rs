//! Dead letters: alerts that the receiver does not take, laid aside where they are seen, and sent again when
//! somebody says so. `NAME.dead.jsonl`, one a line; written under a lock, since the gate and a command may both.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::feed::cursor::replace;
use crate::feed::lines::append;
use crate::feed::sink::text_at;

/// A letter laid aside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was given up.
    pub at: String,
    /// After so many attempts.
    pub attempts: u32,
    /// What the receiver said.
    pub why: String,
    /// The event.
    pub event: Value,
}

impl DeadLetter {
    /// The event's id.
    pub fn id(&self) -> &str {
        text_at(&self.event, "id")
    }
}

/// The dead letters of a feed.
#[derive(Clone, Debug)]
pub struct DeadLetters {
    path: PathBuf,
    lock: PathBuf,
}

impl DeadLetters {
    /// Of a feed called `name`, in the folder of the feeds.
    pub fn new(folder: &Path, name: &str) -> Self {
        let file = |end: &str| folder.join(format!("{name}.dead.{end}"));
        Self { path: file("jsonl"), lock: file("lock") }
    }

    /// Lays letters aside, durably.
    ///
    /// # Errors
    /// As the disk reports.
    pub fn add(&self, letters: &[DeadLetter]) -> io::Result<()> {
        let _held = self.hold()?;
        let mut lines = Vec::new();
        for letter in letters {
            serde_json::to_writer(&mut lines, letter)?;
            lines.push(b'\n');
        }
        append(&self.path, &lines, 0o600)
    }

    /// All of them, oldest first.
    ///
    /// # Errors
    /// As the disk reports.
    pub fn list(&self) -> io::Result<Vec<DeadLetter>> {
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        // A line that was torn by a crash is none, also where it was torn within a character: its alert is still
        // before the cursor.
        let text = String::from_utf8_lossy(&text);
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    /// Takes out those that were delivered after all.
    ///
    /// # Errors
    /// As the disk reports; they then stay.
    pub fn remove(&self, ids: &HashSet<String>) -> io::Result<()> {
        let _held = self.hold()?;
        let mut lines = Vec::new();
        for letter in self.list()?.iter().filter(|letter| !ids.contains(letter.id())) {
            serde_json::to_writer(&mut lines, letter)?;
            lines.push(b'\n');
        }
        replace(&self.path, &lines)
    }

    fn hold(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600).open(&self.lock)?;
        file.lock()?;
        Ok(file)
    }
}
