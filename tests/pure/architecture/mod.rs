//! The floors of the code map in `src/lib.rs`, and the habits that a compiler does not hold.

mod faults;
mod floors;
mod habits;

use std::fs;
use std::path::{Path, PathBuf};

use crate::architecture::floors::Floors;

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `folder` as its path from the root, with `/`, and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut files = Vec::new();
    gather(&root().join(folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "no Rust file under {folder}");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source file is readable text");
        let shown = path.strip_prefix(root()).expect("under the root").to_string_lossy();
        (shown.replace('\\', "/"), text)
    };
    files.into_iter().map(read).collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder is readable") {
        let path = entry.expect("an entry is readable").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            gather(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_file_uses_its_own_folder_and_lower_floors_only() {
    let sources = sources("src");
    let (_, map) = sources.iter().find(|(path, _)| path == "src/lib.rs").expect("src/lib.rs");
    let floors = Floors::read(map);
    none(sources.iter().flat_map(|(path, text)| floors.faults(path, text)).collect());
}

#[test]
fn every_file_says_what_belongs_in_it_stays_short_and_leaves_nothing_undone() {
    let all = sources("src").into_iter().chain(sources("tests"));
    none(all.flat_map(|(path, text)| habits::of_any_file(&path, &text)).collect());
}

#[test]
fn time_events_and_acknowledgement_codes_have_one_place_each() {
    none(sources("src").iter().flat_map(|(path, text)| habits::of_source(path, text)).collect());
}
