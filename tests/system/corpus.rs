//! Messages of many makers through an observing gate: nothing is lost, changed or held up.

use std::path::{Path, PathBuf};

use crate::support::gate::Hospital;
use crate::support::ledger::decisions;
use crate::support::message::framed;
use crate::support::repository;
use crate::support::upstream::{Upstream, accepted};

/// What became of the messages of one folder.
#[derive(Debug, Default)]
struct Counts {
    messages: usize,
    surgical: usize,
    not_surgical: usize,
    unreadable: usize,
    /// Why each unreadable one is.
    why: Vec<String>,
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "hl7") {
            found.push(path);
        }
    }
    found.sort();
}

/// The frames of a file: as they stand in it, or the whole file in one.
fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    if bytes.first() != Some(&0x0b) {
        return vec![framed(bytes)];
    }
    let mut rest = bytes;
    let mut frames = Vec::new();
    while let Some(start) = rest.iter().position(|byte| *byte == 0x0b) {
        let Some(end) = rest[start..].windows(2).position(|two| two == [0x1c, b'\r']) else {
            break;
        };
        frames.push(rest[start..start + end + 2].to_vec());
        rest = &rest[start + end + 2..];
    }
    if frames.is_empty() { vec![framed(&bytes[1..])] } else { frames }
}

/// Whether a downstream system would answer it.
fn is_answered(frame: &[u8]) -> bool {
    !frame.windows(4).any(|four| matches!(four[0], b'\r' | b'\n') && &four[1..] == b"MSA")
}

fn through_a_gate(folder: &Path) -> Counts {
    let mut paths = Vec::new();
    files_below(folder, &mut paths);
    assert!(!paths.is_empty(), "{} holds no .hl7 file", folder.display());
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &["stance = \"observe\""]);
    let gate = hospital.start();
    let mut counts = Counts::default();
    for (line, path) in paths.iter().enumerate() {
        let before = decisions(gate.data()).len();
        let bytes = std::fs::read(path).expect("readable");
        let all = frames(&bytes);
        let mut client = gate.connect();
        for frame in &all {
            client.send(frame);
            if is_answered(frame) {
                let answer = client.next_frame();
                assert!(answer == Some(accepted(frame)), "{}: the answer is lost", path.display());
            }
        }
        client.finish();
        client.rest();
        crate::support::eventually("the line", || (upstream.connections() > line).then_some(()));
        upstream.wait_until_finished(line);
        assert!(upstream.bytes_on(line) == all.concat(), "{}: other bytes came", path.display());
        let own = decisions(gate.data()).split_off(before);
        let unreadable = own.iter().filter(|entry| entry["body"]["unreadable"].is_string()).count();
        counts.messages += all.len();
        counts.unreadable += unreadable;
        counts.surgical += own.len() - unreadable;
        counts.not_surgical += all.len() - own.len();
        for entry in own.iter().filter(|entry| entry["body"]["unreadable"].is_string()) {
            let why = entry["body"]["unreadable"].as_str().unwrap_or_default();
            counts.why.push(format!("{}: {why}", path.display()));
        }
    }
    gate.still_serves("AFTER");
    counts
}

#[test]
fn the_own_corpus_passes_byte_for_byte() {
    let counts = through_a_gate(&repository("tests/data/hl7"));
    println!("tests/data/hl7: {counts:?}");
    assert!(
        counts.surgical >= 8 && counts.not_surgical >= 2 && counts.unreadable >= 1,
        "{counts:?}"
    );
}

#[test]
fn the_day_of_the_sample_hospital_passes_byte_for_byte() {
    let counts = through_a_gate(&repository("config/sample/day"));
    assert!(counts.surgical > 30, "{counts:?}");
}

/// A corpus that cannot be part of the repository (`ORGATE_TEST_CORPUS` names its folder).
#[test]
fn a_corpus_from_elsewhere_passes_byte_for_byte() {
    let Ok(folder) = std::env::var("ORGATE_TEST_CORPUS") else {
        println!("ORGATE_TEST_CORPUS is not set; the own corpus is tested all the same");
        return;
    };
    println!("{folder}: {:?}", through_a_gate(Path::new(&folder)));
}
