//! Whether files were touched: looked at now and then, so that any disk and any editor will do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Time of change, length and number of a file; none where there is no file.
type State = Option<(Option<SystemTime>, u64, u64)>;

/// How the files were when they were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Looked(BTreeMap<PathBuf, State>);

impl Looked {
    /// The same files, as `before` says of those that it knows: what was touched since then is still to be seen.
    pub(super) fn or_before(mut self, before: &Self) -> Self {
        for (file, state) in &mut self.0 {
            if let Some(known) = before.0.get(file) {
                *state = *known;
            }
        }
        self
    }
}

/// Looks at files, on a thread of its own.
pub(super) async fn look(files: Vec<PathBuf>) -> Looked {
    let looking = tokio::task::spawn_blocking(move || {
        let all = files.into_iter().map(|file| (file.clone(), state(&file)));
        Looked(all.collect())
    });
    looking.await.unwrap_or_default()
}

fn state(file: &Path) -> State {
    use std::os::unix::fs::MetadataExt as _;
    let told = std::fs::metadata(file).ok()?;
    // Editors that write beside and put in place keep neither the number nor, perhaps, the time.
    Some((told.modified().ok(), told.len(), told.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_written_replaced_or_removed_looks_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        let looks = || look(vec![file.clone()]);
        let none = looks().await;
        std::fs::write(&file, "1").unwrap();
        let written = looks().await;
        assert_ne!(none, written);
        assert_eq!(written, looks().await);
        let other = folder.path().join("b");
        std::fs::write(&other, "2").unwrap();
        std::fs::rename(&other, &file).unwrap();
        assert_ne!(written, looks().await);
        assert_eq!(looks().await.or_before(&written), written);
    }
}
