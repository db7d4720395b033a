//! The configuration and the files it names: mappings, and the code tables these name. Not those of keys ending with
//! `_file`: they hold secrets.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use toml::Value;

use crate::app::backup::{BackupError, on};

/// Nothing that a configuration names as text is longer.
const BYTES_MAX: u64 = 64 << 20;

/// Copies them below `to`: the configuration as `orgate.toml`, others under `files/` by their own path.
pub(super) fn copy(file: &Path, to: &Path) -> Result<(), BackupError> {
    std::fs::create_dir_all(to).map_err(on(to))?;
    let target = to.join("orgate.toml");
    std::fs::copy(file, &target).map_err(on(file))?;
    let mut seen = BTreeSet::new();
    let mut left: Vec<PathBuf> = named(file, Path::new(""));
    while let Some(path) = left.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let inside: PathBuf =
            path.components().filter(|part| matches!(part, Component::Normal(_))).collect();
        let target = to.join("files").join(inside);
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(on(folder))?;
        }
        std::fs::copy(&path, &target).map_err(on(&path))?;
        if path.extension().is_some_and(|end| end == "toml") {
            left.extend(named(&path, path.parent().unwrap_or_else(|| Path::new(""))));
        }
    }
    Ok(())
}

/// Every file that the texts of a TOML file name, from `base` on.
fn named(file: &Path, base: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut found = Vec::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        texts(&Value::Table(table), &mut |text| {
            let path = base.join(text);
            let usable = std::fs::metadata(&path)
                .is_ok_and(|found| found.is_file() && found.len() <= BYTES_MAX);
            if usable {
                found.push(path);
            }
        });
    }
    found
}

fn texts(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => found(text),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Table(table) => {
            let open = table.iter().filter(|(key, _)| !key.ends_with("_file") && *key != "path");
            open.for_each(|(_, value)| texts(value, found));
        }
        _ => {}
    }
}
