//! The configuration as it is written: its files with their hashes, and what differs between two of them.

use std::path::PathBuf;

use ring::digest::{Context, SHA256, digest};
use toml::{Table, Value};

/// A file that settings were read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// As the configuration names it.
    pub path: String,
    /// Of its content.
    pub sha256: String,
}

impl SourceFile {
    /// Of a file with this content.
    pub(super) fn of(path: &str, content: &str) -> Self {
        let sha256 = hex::encode(digest(&SHA256, content.as_bytes()));
        Self { path: path.to_owned(), sha256 }
    }
}

/// A configuration as written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Where it stands; absent where it is no file.
    pub file: Option<PathBuf>,
    /// The configuration, its mapping files and their concept maps, each once.
    pub sources: Vec<SourceFile>,
    table: Table,
}

/// A key that differs, and whether it can change while the gate runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `policy.effects.grant-missing`, `mllp.his-orders.mapping`
    pub key: String,
    /// Else it needs a restart.
    pub at_run_time: bool,
}

/// A file that differs: hashes before and after, absent where it was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDifference {
    /// As the configuration names it.
    pub path: String,
    /// Before.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

impl Written {
    /// The table of a configuration's text, and what was read for it.
    pub(super) fn new(text: &str, mut sources: Vec<SourceFile>) -> Self {
        let mut seen = std::collections::HashSet::new();
        sources.retain(|source| seen.insert(source.path.clone()));
        Self { file: None, sources, table: text.parse().unwrap_or_default() }
    }

    /// One hash over all files.
    pub fn digest(&self) -> String {
        let mut whole = Context::new(&SHA256);
        for source in &self.sources {
            whole.update(source.path.as_bytes());
            whole.update(b"\0");
            whole.update(source.sha256.as_bytes());
            whole.update(b"\n");
        }
        hex::encode(whole.finish())
    }

    /// Every key that is another in `newer`.
    pub fn differences(&self, newer: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        tables(&mut Vec::new(), &self.table, &newer.table, &mut found);
        found.sort();
        let said = |path: Vec<String>| Difference {
            key: path.join("."),
            at_run_time: at_run_time(&path.iter().map(String::as_str).collect::<Vec<_>>()),
        };
        found.into_iter().map(said).collect()
    }

    /// Every file whose content is another in `newer`, or that only one of them reads.
    pub fn files(&self, newer: &Self) -> Vec<FileDifference> {
        let of = |written: &Self, path: &str| {
            written.sources.iter().find(|own| own.path == path).map(|own| own.sha256.clone())
        };
        let gone = self.sources.iter().filter(|own| of(newer, &own.path).is_none());
        let all = newer.sources.iter().chain(gone);
        let both = all.map(|source| FileDifference {
            path: source.path.clone(),
            before: of(self, &source.path),
            after: of(newer, &source.path),
        });
        both.filter(|file| file.before != file.after).collect()
    }

    /// Every `[[feed]]`, as written.
    pub(super) fn feeds(&self) -> impl Iterator<Item = &Table> {
        let feeds = self.table.get("feed").and_then(Value::as_array);
        feeds.into_iter().flatten().filter_map(Value::as_table)
    }
}

/// Whether a key takes effect without a restart. Addresses, the data directory and what stands on it do not.
fn at_run_time(path: &[&str]) -> bool {
    const POLICY: [&str; 5] = [
        "effects",
        "override_alarm_count",
        "override_deadline_h",
        "require_attestation",
        "specialties",
    ];
    const BOUND: [&str; 5] = ["listen", "upstream", "upstream_h2", "tls", "upstream_tls"];
    match path {
        ["policy", key, ..] => POLICY.contains(key),
        ["ledger", "keep_message_kib"] | ["feed", ..] => true,
        ["mllp" | "fhir", _, key, ..] => !BOUND.contains(key),
        ["cds_hooks", key] => ["departments", "mapping", "stance"].contains(key),
        _ => false,
    }
}

fn tables(path: &mut Vec<String>, old: &Table, new: &Table, found: &mut Vec<Vec<String>>) {
    let added = new.keys().filter(|key| !old.contains_key(*key));
    for key in old.keys().chain(added) {
        path.push(key.clone());
        match (old.get(key), new.get(key)) {
            (Some(Value::Table(old)), Some(Value::Table(new))) => tables(path, old, new, found),
            (old, new) if named(old) && named(new) => {
                tables(path, &by_name(old), &by_name(new), found);
            }
            (Some(old), Some(new)) if old == new => {}
            // A table that is not written is an empty one: its keys are named.
            (None, Some(Value::Table(new))) if path.len() == 1 => {
                tables(path, &Table::new(), new, found);
            }
            (Some(Value::Table(old)), None) if path.len() == 1 => {
                tables(path, old, &Table::new(), found);
            }
            _ => found.push(path.clone()),
        }
        path.pop();
    }
}

/// Whether these are tables that have names, as routes and feeds; nothing is none of them.
fn named(value: Option<&Value>) -> bool {
    value.is_none_or(|value| {
        let tables = value.as_array();
        tables.is_some_and(|all| all.iter().all(|one| one.get("name").is_some_and(Value::is_str)))
    })
}

fn by_name(value: Option<&Value>) -> Table {
    let tables = value.and_then(Value::as_array).into_iter().flatten();
    let name = |one: &Value| one.get("name").and_then(Value::as_str).map(str::to_owned);
    tables.filter_map(|one| Some((name(one)?, one.clone()))).collect()
}

/// What tells two feeds apart: the table, and the content of every file that it names as a secret.
pub(super) fn print_of(feed: &Table) -> [u8; 32] {
    let mut whole = Context::new(&SHA256);
    whole.update(format!("{feed:?}").as_bytes());
    for (key, value) in feed {
        if let (true, Some(path)) = (key.ends_with("_file"), value.as_str()) {
            // One that cannot be read is told where it is needed.
            whole.update(&std::fs::read(path).unwrap_or_default());
            whole.update(b"\0");
        }
    }
    let mut out = [0; 32];
    out.copy_from_slice(whole.finish().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Written {
        Written::new(text, vec![SourceFile::of("gate.toml", text)])
    }

    #[test]
    fn each_key_that_differs_is_named_and_whether_it_needs_a_restart() {
        let old = written(
            "[node]\ndata_dir = \"a\"\n[policy]\nrequire_attestation = false\n\
             [[mllp]]\nname = \"his\"\nlisten = \"1\"\nmapping = \"x\"\n[[mllp]]\nname = \"gone\"\n\
             [[feed]]\nname = \"f\"\nkind = \"file\"\n",
        );
        let new = written(
            "[node]\ndata_dir = \"b\"\n[policy]\nrequire_attestation = true\nreport_due_days = 3\n\
             [policy.effects]\ngrant-missing = [\"flag\", \"flag\", \"flag\"]\n[ledger]\nsync = \"findings\"\n\
             [[mllp]]\nname = \"new\"\n[[mllp]]\nname = \"his\"\nlisten = \"2\"\nmapping = \"y\"\n",
        );
        let found = old.differences(&new);
        let of = |wanted: bool| {
            let own = found.iter().filter(|own| own.at_run_time == wanted);
            own.map(|own| own.key.as_str()).collect::<Vec<_>>()
        };
        let effects = "policy.effects";
        assert_eq!(of(true), ["feed.f", "mllp.his.mapping", effects, "policy.require_attestation"]);
        let restart = [
            "ledger.sync",
            "mllp.gone",
            "mllp.his.listen",
            "mllp.new",
            "node.data_dir",
            "policy.report_due_days",
        ];
        assert_eq!(of(false), restart);
        assert_eq!(old.differences(&old), []);
    }

    #[test]
    fn files_are_told_apart_by_their_content() {
        let source = |path: &str, text: &str| SourceFile::of(path, text);
        let of = |sources| Written::new("", sources);
        let old = of(vec![source("a", "1"), source("b", "1"), source("a", "1")]);
        let new = of(vec![source("a", "2"), source("c", "1")]);
        let differ: Vec<_> = old.files(&new).into_iter().map(|file| file.path).collect();
        assert_eq!(differ, ["a", "c", "b"]);
        assert_ne!(old.digest(), new.digest());
        assert_eq!(old.digest(), of(vec![source("a", "1"), source("b", "1")]).digest());
    }

    #[test]
    fn a_feed_is_another_one_when_its_secret_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let table: Table = format!("name = \"f\"\nsecret_file = {file:?}").parse().unwrap();
        std::fs::write(&file, "one").unwrap();
        let one = print_of(&table);
        assert_eq!(one, print_of(&table));
        std::fs::write(&file, "two").unwrap();
        assert_ne!(one, print_of(&table));
    }
}
