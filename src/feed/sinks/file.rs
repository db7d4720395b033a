//! File: one CloudEvent a line, for whatever collects files. It may be moved away at any time (rotation): the next
//! alert makes it anew.

use std::path::PathBuf;

use crate::feed::lines::append;
use crate::feed::sink::{Delivery, Failure, Letter, Sink};

/// Lines written with one sync.
const LETTERS: usize = 500;

/// A file that grows.
pub struct File {
    path: PathBuf,
}

impl File {
    /// Appends to `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Sink for File {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            let lines: String =
                letters.iter().map(|letter| format!("{}\n", letter.event)).collect();
            let path = self.path.clone();
            let writing =
                tokio::task::spawn_blocking(move || append(&path, lines.as_bytes(), 0o640));
            match writing.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(error)) => Err(Failure::unavailable(format!(
                    "the file cannot be written ({})",
                    error.kind()
                ))),
                Err(_) => Err(Failure::unavailable("the file was not written")),
            }
        })
    }

    fn letters_max(&self) -> usize {
        LETTERS
    }
}
