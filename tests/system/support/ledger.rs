//! The ledger's files, read as JSON Lines, without the program's own reader.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::Value;

/// Every entry of the ledger in `data`, oldest first. A last line that is being written is left out.
pub(crate) fn entries(data: &Path) -> Vec<Value> {
    let mut all = Vec::new();
    for file in files(data) {
        let text = std::fs::read(&file).expect("a ledger file can be read");
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in text[..end].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            all.push(serde_json::from_slice(line).expect("a ledger line is JSON"));
        }
    }
    all
}

/// The ledger's files in the order of the chain (the tests never fill a part).
pub(crate) fn files(data: &Path) -> Vec<PathBuf> {
    let folder = data.join("ledger");
    let Ok(found) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = found.map(|file| file.expect("it can be listed").path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "jsonl")).collect();
    files.sort_by_key(|path| (path.file_name().map_or(0, |name| name.len()), path.clone()));
    files
}

/// The entries of one kind.
pub(crate) fn of_kind(data: &Path, kind: &str) -> Vec<Value> {
    entries(data).into_iter().filter(|entry| entry["kind"] == kind).collect()
}

/// The entries of switches; those of configurations are of the same kind.
pub(crate) fn switches(data: &Path) -> Vec<Value> {
    let mut all = of_kind(data, "bypass");
    all.retain(|entry| entry["body"]["act"] != "configuration");
    all
}

/// The decision entries.
pub(crate) fn decisions(data: &Path) -> Vec<Value> {
    of_kind(data, "decision")
}

/// The decision entries of messages with this MSH-10.
pub(crate) fn decisions_of(data: &Path, control_id: &str) -> Vec<Value> {
    let own = |entry: &Value| entry["body"]["control_id"] == control_id;
    decisions(data).into_iter().filter(own).collect()
}

/// The decision of an entry.
pub(crate) fn decision(entry: &Value) -> &str {
    entry["body"]["verdict"]["decision"].as_str().expect("a decision")
}

/// The rules of an entry's findings with their effects, in order.
pub(crate) fn findings(entry: &Value) -> Vec<String> {
    let cases = entry["body"]["verdict"]["cases"].as_array().expect("cases");
    let findings = cases.iter().flat_map(|case| case["findings"].as_array().expect("findings"));
    findings
        .map(|finding| format!("{} {}", text(&finding["rule"]), text(&finding["effect"])))
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The message an entry keeps.
pub(crate) fn message(entry: &Value) -> Vec<u8> {
    let kept = text(&entry["body"]["message"]);
    base64::engine::general_purpose::STANDARD.decode(kept).expect("base64")
}
