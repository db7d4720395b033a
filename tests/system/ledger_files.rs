//! The ledger as an auditor meets it: files, and what checks them.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decisions, entries, files, message};
use crate::support::message::{Draft, admission};
use crate::support::reply::code;
use crate::support::upstream::Upstream;
use crate::support::{bytes_of, python};

/// A hospital whose gate has run twice and seen some of everything.
fn after_a_run() -> (Hospital, Upstream) {
    let (hospital, mut gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    client.ask(&Draft::clean("L1").bytes());
    client.ask(&Draft::refused("L2").bytes());
    client.ask(&Draft::emergency("L3").bytes());
    client.ask(&admission("L4"));
    client.ask(b"nothing that can be read");
    gate.stop();
    let mut again = hospital.start();
    again.still_serves("L5");
    again.stop();
    (hospital, upstream)
}

/// The auditor's script, as the page for auditors prints it.
pub(crate) fn script_of_the_docs(folder: &Path) -> Output {
    let page = String::from_utf8(bytes_of("docs/ledger.md")).expect("UTF-8");
    let (_, rest) = page.split_once("```python\n").expect("the page holds a script");
    let (script, _) = rest.split_once("\n```").expect("the script ends");
    let mut command = Command::new(python());
    command.args(["-c", script]).arg(folder).env("PYTHONIOENCODING", "utf-8");
    command.output().expect("python runs: run ./test, or name one in ORGATE_TEST_PYTHON")
}

#[test]
fn a_run_leaves_a_chain_that_the_command_and_the_script_of_the_docs_accept() {
    let (hospital, _upstream) = after_a_run();
    let out = hospital.run(&["ledger", "verify"]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    let all = entries(&hospital.data());
    let head = format!("{}:{}", all.len(), all[all.len() - 1]["hash"].as_str().expect("a hash"));
    assert!(text(&out.stdout).contains(&head), "{}", text(&out.stdout));
    let script = script_of_the_docs(&hospital.data().join("ledger"));
    assert!(script.status.success(), "{}{}", text(&script.stdout), text(&script.stderr));
    assert!(text(&script.stdout).contains(&head));
    assert_eq!(hospital.run(&["ledger", "verify", "--head", &head]).status.code(), Some(0));
    let forged = head.replace(':', ":0");
    assert_ne!(hospital.run(&["ledger", "verify", "--head", &forged]).status.code(), Some(0));
}

#[test]
fn each_entry_holds_the_message_as_it_came_and_only_checked_messages_have_one() {
    let (hospital, _upstream) = after_a_run();
    let all = decisions(&hospital.data());
    let ids: Vec<_> =
        all.iter().map(|e| e["body"]["control_id"].as_str().expect("a text")).collect();
    assert_eq!(ids, ["L1", "L2", "L3", "", "L5"]);
    assert_eq!(message(&all[1]), Draft::refused("L2").bytes());
    assert_eq!(message(&all[3]), b"nothing that can be read");
    assert!(all.iter().all(|entry| entry["node"] == "test-gate"));
}

#[test]
fn a_byte_changed_anywhere_breaks_the_chain_at_its_line() {
    let (hospital, _upstream) = after_a_run();
    let file = files(&hospital.data()).remove(0);
    let name = file.file_name().expect("a name").to_string_lossy().into_owned();
    let good = std::fs::read(&file).expect("readable");
    let lines = good.iter().filter(|byte| **byte == b'\n').count();
    let step = good.len() / 23;
    for at in (5..good.len() - 1).step_by(step).chain([good.len() - 3]) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        if good[at] == b'\n' || bad[at] == b'\n' {
            continue;
        }
        std::fs::write(&file, &bad).expect("writable");
        let line = 1 + good[..at].iter().filter(|byte| **byte == b'\n').count();
        let out = hospital.run(&["ledger", "verify"]);
        let said = text(&out.stdout) + &text(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "byte {at}: {said}");
        // A changed `prev` or `seq` shows at the line itself or, as a hash, at the next.
        let at_line = |n| {
            said.contains(&format!("{name} line {n}:"))
                || said.contains(&format!("{name} line {n} "))
        };
        let named = at_line(line) || at_line(line + 1);
        assert!(named, "byte {at} of line {line} of {lines}: {said}");
        assert!(!script_of_the_docs(&hospital.data().join("ledger")).status.success());
    }
}

#[test]
fn a_line_taken_out_or_swapped_breaks_the_chain() {
    let (hospital, _upstream) = after_a_run();
    let file = files(&hospital.data()).remove(0);
    let good = std::fs::read_to_string(&file).expect("readable");
    let lines: Vec<&str> = good.lines().collect();
    let mut without = lines.clone();
    without.remove(2);
    let mut swapped = lines.clone();
    swapped.swap(2, 3);
    let mut doubled = lines.clone();
    doubled.insert(2, lines[2]);
    for bad in [without, swapped, doubled] {
        std::fs::write(&file, bad.join("\n") + "\n").expect("writable");
        assert_eq!(hospital.run(&["ledger", "verify"]).status.code(), Some(1));
    }
    // Nothing is written after a break.
    let out = hospital.run(&["run"]);
    assert_eq!(out.status.code(), Some(2), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("broken"), "{}", text(&out.stderr));
}

#[test]
fn a_torn_last_line_is_cut_said_and_gone_on_from() {
    let (hospital, _upstream) = after_a_run();
    let file = files(&hospital.data()).remove(0);
    let good = std::fs::read(&file).expect("readable");
    let torn = [&good[..], b"{\"body\":{\"answer\":"].concat();
    std::fs::write(&file, &torn).expect("writable");
    let mut gate = hospital.start();
    gate.says("torn last line cut");
    assert_eq!(code(&gate.connect().ask(&Draft::clean("T1").bytes())), "AA");
    gate.stop();
    assert_eq!(hospital.run(&["ledger", "verify"]).status.code(), Some(0));
    let all = entries(&hospital.data());
    let mut anchors = all.iter().filter(|entry| entry["kind"] == "anchor");
    assert_eq!(anchors.next_back().expect("anchors")["body"]["torn_bytes"], 18);
}

#[test]
fn entries_can_be_shown_and_exported_while_the_gate_runs() {
    let (hospital, gate, _upstream) = Gate::simple(&[]);
    gate.connect().ask(&Draft::refused("S1").bytes());
    let id = decisions(gate.data())[0]["id"].as_str().expect("an id").to_owned();
    let shown = hospital.run(&["ledger", "show", "--id", &id]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    assert!(text(&shown.stdout).contains("grant-missing"), "{}", text(&shown.stdout));
    let exported = hospital.run(&["ledger", "export"]);
    assert_eq!(exported.status.code(), Some(0), "{}", text(&exported.stderr));
    let whole = std::fs::read_to_string(&files(gate.data())[0]).expect("readable");
    for line in text(&exported.stdout).lines().filter(|line| line.starts_with('{')) {
        assert!(whole.contains(line), "exported as it stands");
    }
    assert_eq!(hospital.run(&["ledger", "verify"]).status.code(), Some(0));
}
