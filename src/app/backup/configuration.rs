//! The configuration and the mappings with their code tables that it is read with. Nothing else that it names: private keys
//! and other secrets stand in files, too.

use std::path::{Component, Path, PathBuf};

use crate::app::backup::{BackupError, on};
use crate::config::written::Written;

/// Copies them below `to`: the configuration as `orgate.toml`, others under `files/` by their own path.
pub(super) fn copy(file: &Path, written: &Written, to: &Path) -> Result<(), BackupError> {
    std::fs::create_dir_all(to).map_err(on(to))?;
    let target = to.join("orgate.toml");
    std::fs::copy(file, &target).map_err(on(file))?;
    // The first is the configuration itself.
    for source in written.sources.iter().skip(1) {
        let path = Path::new(&source.path);
        // What came with the program is no file.
        if !path.is_file() {
            continue;
        }
        let target = to.join("files").join(inside(path));
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(on(folder))?;
        }
        std::fs::copy(path, &target).map_err(on(path))?;
    }
    Ok(())
}

/// A path that leads nowhere above where it begins.
fn inside(path: &Path) -> PathBuf {
    let mut inside = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => inside.push(part),
            Component::ParentDir => drop(inside.pop()),
            Component::Prefix(_) | Component::RootDir | Component::CurDir => {}
        }
    }
    inside
}
