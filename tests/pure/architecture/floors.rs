//! Which folder may use which: read from the table in `src/lib.rs`, so that map and test agree.

use std::collections::BTreeMap;

/// Folder → floor.
#[derive(Debug, PartialEq)]
pub(super) struct Floors(BTreeMap<String, u32>);

/// What every folder from its own floor up may use, its neighbours too.
const FOR_ALL_ABOVE: [&str; 2] = ["clock", "telemetry"];

/// The files that belong to no folder: the map itself and the program's door.
const OUTSIDE: [&str; 2] = ["lib.rs", "main.rs"];

impl Floors {
    /// Reads the rows ``//! | 4 | `register`, `ledger` | … |``.
    pub(super) fn read(map: &str) -> Self {
        let mut floors = BTreeMap::new();
        for line in map.lines() {
            let mut columns = line.trim_start_matches("//!").split('|').map(str::trim).skip(1);
            let (Some(floor), Some(names)) = (columns.next(), columns.next()) else { continue };
            let Ok(floor) = floor.parse() else { continue };
            for name in names.split(',').map(|name| name.trim().trim_matches('`')) {
                let before = floors.insert(name.to_owned(), floor);
                assert_eq!(before, None, "`{name}` stands twice in the code map");
            }
        }
        assert!(!floors.is_empty(), "src/lib.rs holds no code map");
        Self(floors)
    }

    /// What is wrong with the uses of one file.
    pub(super) fn faults(&self, path: &str, text: &str) -> Vec<String> {
        let inner = path.strip_prefix("src/").expect("a path under src");
        if OUTSIDE.contains(&inner) {
            return Vec::new();
        }
        let folder = inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs");
        let Some(own) = self.0.get(folder) else {
            return vec![format!("{path}: `{folder}` has no floor in the code map of src/lib.rs")];
        };
        // From these files `super` is the root of the crate.
        let top = !inner.contains('/') || inner == format!("{folder}/mod.rs");
        let mut faults = Vec::new();
        for (number, line) in code(text) {
            let mut fault = |what: String| faults.push(format!("{path}:{number}: {what}"));
            if line.contains("super::super::") {
                fault("`super::super::`, write the full path".to_owned());
            }
            if top && (line.starts_with("use super::") || line.starts_with("pub use super::")) {
                fault("`super` is the root here, write the full path".to_owned());
            }
            if paths(line, "orgate").next().is_some() {
                fault("the crate's own name, write `crate`".to_owned());
            }
            for used in paths(line, "crate") {
                if let Some(what) = self.fault(folder, *own, used) {
                    fault(what);
                }
            }
        }
        faults
    }

    fn fault(&self, folder: &str, own: u32, used: &str) -> Option<String> {
        if used.is_empty() {
            return Some("`crate::` with a group, write one `use` for each path".to_owned());
        }
        if used == folder {
            return None;
        }
        let Some(floor) = self.0.get(used) else {
            return Some(format!("`crate::{used}` has no floor in the code map of src/lib.rs"));
        };
        let for_all = FOR_ALL_ABOVE.contains(&used) && own >= *floor;
        if for_all || *floor < own {
            return None;
        }
        let way = if *floor == own { "sideways" } else { "upwards" };
        Some(format!("`{folder}` (floor {own}) uses `{used}` (floor {floor}) {way}"))
    }
}

/// The lines that are not comments, with their numbers.
pub(super) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// What follows each `start::` of a line: a name, or nothing where a group or a star follows.
fn paths<'l>(line: &'l str, start: &'l str) -> impl Iterator<Item = &'l str> {
    line.match_indices(start).filter_map(move |(at, _)| {
        let (before, after) = line.split_at(at);
        let whole =
            !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '"'));
        let rest = after.strip_prefix(start)?.strip_prefix("::")?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        whole.then(|| rest.split_at(end).0)
    })
}
