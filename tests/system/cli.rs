//! The commands, by their exit codes and what they print.

use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::gate::{Gate, Hospital, ORGATE, text};
use crate::support::ledger::decisions;
use crate::support::message::{Draft, admission};
use crate::support::repository;
use crate::support::upstream::nobody;

fn orgate(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(ORGATE);
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    let out = command.output().expect("the binary runs");
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

#[test]
fn check_tells_every_fault_at_once_with_its_line_and_nothing_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let hospital = Hospital::empty();
    let mapping = hospital
        .file("own.toml", "name = \"own\"\n[[message]]\ntypes = [\"ORM^O01\"]\nstage = \"oder\"\n");
    let bad = format!(
        "[node]\nname = \"a b\"\ndata_dir = {:?}\ntimezone = \"Mars/Base\"\ncolour = 1\n\
         [policy.effects]\nsurgeon-not-licensed = [\"flag\", \"flag\", \"flag\"]\nno-such-rule = [\"off\", \"off\", \"off\"]\n\
         [[mllp]]\nname = \"x\"\nlisten = \"{}\"\nupstream = \"nowhere\"\nmapping = {mapping:?}\nstance = \"maybe\"\n\
         upstream_timeout_ms = 0\n",
        hospital.data(),
        taken.local_addr().expect("a port"),
    );
    let file = hospital.file("bad.toml", bad);
    for command in ["check", "run"] {
        let (code, out, err) = orgate(&["--config", &file, command]);
        assert_eq!(code, Some(2), "{out}{err}");
        for expected in [
            "bad.toml:2",
            "bad.toml:4",
            "bad.toml:5",
            "bad.toml:7",
            "bad.toml:8",
            "bad.toml:12",
            "bad.toml:14",
            "bad.toml:15",
            "own.toml:4",
        ] {
            // What is wrong is the result of `check`, and why `run` does not.
            let said = if command == "check" { &out } else { &err };
            assert!(said.contains(expected), "{expected} is missing in:\n{said}");
        }
        assert!(!err.contains("cannot listen"), "nothing is bound before all is checked:\n{err}");
        assert!(!hospital.data().exists(), "nothing is made either");
    }
}

#[test]
fn check_of_a_good_configuration_says_what_there_is() {
    let hospital = Hospital::new().route("his", nobody(), &[]);
    let out = hospital.run(&["check"]);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let said = text(&out.stdout);
    assert!(said.contains("route his") && said.contains("214 catalogue items"), "{said}");
    let (code, out, err) = orgate(&["check"]);
    assert_eq!(code, Some(0), "the reference configuration: {out}{err}");
}

#[test]
fn a_second_gate_on_the_same_data_is_refused() {
    let (hospital, _gate, _upstream) = Gate::simple(&[]);
    let out = hospital.run(&["run"]);
    assert_eq!(out.status.code(), Some(2));
    let said = text(&out.stderr);
    assert!(said.contains("in use by another gate") && said.contains("ledger"), "{said}");
}

#[test]
fn an_address_that_is_taken_keeps_the_gate_from_starting() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("a port");
    let hospital = Hospital::new();
    let text_of = std::fs::read_to_string(hospital.path("orgate.toml")).expect("readable");
    let text_of = text_of.replacen(
        "[[mllp]]\nname = \"none\"\nlisten = \"127.0.0.1:0\"",
        &format!("[[mllp]]\nname = \"none\"\nlisten = \"{port}\""),
        1,
    );
    let file = hospital.file("taken.toml", text_of);
    let (code, _, err) = orgate(&["--config", &file, "run"]);
    assert_eq!(code, Some(2), "{err}");
    assert!(err.contains("cannot listen") && err.contains(&port.to_string()), "{err}");
}

#[test]
fn explain_judges_a_file_by_its_exit_code_and_as_json() {
    let hospital = Hospital::new().route("his", nobody(), &[]);
    let cases = [
        ("clean.hl7", Draft::clean("X1").bytes(), 0, "forward"),
        ("framed.hl7", Draft::refused("X2").frame(), 1, "block"),
        ("override.hl7", Draft::emergency("X3").bytes(), 0, "override"),
        ("admission.hl7", admission("X4"), 0, "not-surgical"),
        ("garbage.hl7", b"garbage".to_vec(), 1, "unavailable"),
    ];
    for (name, bytes, code, decision) in cases {
        let file = hospital.file(name, bytes);
        let out = hospital.run(&["explain", &file, "--format", "json"]);
        assert_eq!(out.status.code(), Some(code), "{name}: {}", text(&out.stderr));
        let verdict: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        assert_eq!(verdict["decision"], decision, "{name}");
        assert!(verdict["cases"].is_array() && verdict["gaps"].is_array());
        let words = hospital.run(&["explain", &file]);
        assert_eq!(words.status.code(), Some(code));
        assert!(text(&words.stdout).contains(decision), "{}", text(&words.stdout));
    }
    let file = hospital.path("framed.hl7").display().to_string();
    let out =
        hospital.run(&["explain", &file, "--format", "json", "--at", "2026-03-02T08:00:00+08:00"]);
    let verdict: Value = serde_json::from_slice(&out.stdout).expect("JSON");
    for (key, value) in
        [("stance", "enforce"), ("stage", "order"), ("action", "new"), ("urgency", "elective")]
    {
        assert_eq!(verdict[key], value);
    }
    let case = &verdict["cases"][0];
    assert_eq!(case["surgeon"]["id"], "D1005");
    assert_eq!(
        (&case["procedure"]["code"], &case["procedure"]["grade"]),
        (&"52.7x00".into(), &4.into())
    );
    let finding = &case["findings"][0];
    assert_eq!(
        (&finding["rule"], &finding["effect"], &finding["lifted"]),
        (&"grant-missing".into(), &"block".into(), &true.into())
    );
    assert_eq!(finding["cites"][0], "SG 16");
    assert!(finding["text_zh"].is_string() && finding["text_en"].is_string());
    for wrong in [
        &["explain", "no-such-file"][..],
        &["explain", &file, "--route", "none"],
        &["explain", &file, "--at", "soon"],
        &["explain"],
    ] {
        assert_eq!(hospital.run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn explain_derives_the_recorded_verdict_of_an_entry_again() {
    let (hospital, mut gate, _upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for draft in [Draft::clean("E1"), Draft::refused("E2"), Draft::emergency("E3")] {
        client.ask(&draft.bytes());
    }
    gate.stop();
    // What the register says now does not matter: the entry holds the facts.
    hospital.grant("D1005", "52.7x00", "active");
    for entry in decisions(&hospital.data()) {
        let id = entry["id"].as_str().expect("an id");
        let out = hospital.run(&["explain", "--entry", id, "--format", "json"]);
        let mut verdict: Value = serde_json::from_slice(&out.stdout).expect("JSON");
        // Beside it stands what the register of today would say: the grant is there now.
        let today = verdict.as_object_mut().and_then(|verdict| verdict.remove("today"));
        assert_ne!(today.expect("today's verdict")["decision"], "block");
        assert_eq!(verdict, entry["body"]["verdict"]);
        let refused = verdict["decision"] == "block";
        assert_eq!(out.status.code(), Some(i32::from(refused)));
    }
    let unknown = hospital.run(&["explain", "--entry", "01ARZ3NDEKTSV4RRFFQ69G5FAV"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn an_import_with_faults_tells_each_and_changes_nothing() {
    let hospital = Hospital::new();
    let before = hospital.run(&["export", "grants"]).stdout;
    let rows = "surgeon_id,code,grade,status\nD1002,51.2300,,active\nD1002,,,active\nNOBODY,51.2300,,active\nD1002,51.2300,5,actve\n";
    let file = hospital.file("bad.csv", rows);
    let out = hospital.run(&["import", "--grants", &file]);
    assert_eq!(out.status.code(), Some(2));
    let said = text(&out.stdout);
    for line in ["bad.csv:3", "bad.csv:4", "bad.csv:5"] {
        assert!(said.contains(line), "{line} is missing in:\n{said}");
    }
    assert!(said.contains("nothing was imported"), "{said}");
    assert_eq!(hospital.run(&["export", "grants"]).stdout, before);
    assert_eq!(hospital.run(&["import", "--grants", "no-such-file.csv"]).status.code(), Some(2));
}

#[test]
fn what_is_exported_can_be_imported_and_differs_in_nothing() {
    let hospital = Hospital::new();
    for table in ["catalogue", "surgeons", "grants", "roster"] {
        let out = hospital.run(&["export", table]);
        assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
        let file = hospital.file(&format!("{table}.csv"), &out.stdout);
        let again = hospital.run(&["import", &format!("--{table}"), &file]);
        assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
        assert!(
            text(&again.stdout).contains("still version 1"),
            "{table}: {}",
            text(&again.stdout)
        );
        let json = hospital.run(&["export", table, "--format", "json"]);
        let rows: Value = serde_json::from_slice(&json.stdout).expect("JSON");
        let lines = csv_rows(&repository(&format!("config/sample/{table}.csv")));
        assert_eq!(rows.as_array().map(Vec::len), Some(lines), "{table}");
    }
}

fn csv_rows(file: &std::path::Path) -> usize {
    let mut reader = csv::Reader::from_path(file).expect("a CSV file");
    reader.records().count()
}

#[test]
fn the_demo_plays_its_day_as_expected_and_ends() {
    let (code, out, err) = orgate(&["demo", "--exit"]);
    assert_eq!(code, Some(0), "{out}{err}");
    for expected in ["拒绝 block", "override", "unavailable", "every verdict is the expected one"]
    {
        assert!(out.contains(expected), "{expected} is missing in:\n{out}");
    }
}

#[test]
fn send_prints_each_answer_and_fails_when_one_is_no_acceptance() {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    let to = gate.address().to_string();
    let clean = hospital.file("clean.hl7", Draft::clean("S1").bytes());
    let both = hospital
        .file("both.hl7", [Draft::clean("S2").frame(), Draft::refused("S3").frame()].concat());
    let (code, out, err) = orgate(&["send", &clean, "--to", &to]);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.contains("MSA|AA|S1") && out.contains("p99"), "{out}");
    let (code, out, err) = orgate(&["send", &both, "--to", &to, "--connections", "2"]);
    assert_eq!(code, Some(1), "{out}{err}");
    assert!(out.contains("AA 1, AE 1") && out.contains("grant-missing"), "{out}");
    assert_eq!(upstream.frames().len(), 2);
    assert_eq!(orgate(&["send", &clean, "--to", "127.0.0.1:1"]).0, Some(1));
    assert_eq!(orgate(&["send", "no-such-file", "--to", &to]).0, Some(2));
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    for wrong in [
        &["nonsense"][..],
        &["run", "--fast"],
        &["import"],
        &[],
        &["ledger", "mend"],
        &["--config"],
    ] {
        let (code, _, err) = orgate(wrong);
        assert_eq!(code, Some(2), "{wrong:?}: {err}");
    }
    for command in ["demo", "run", "check", "import", "export", "explain", "send", "ledger"] {
        let (code, out, _) = orgate(&[command, "-h"]);
        assert!(code == Some(0) && !out.is_empty(), "{command}");
    }
    let (code, _, err) = orgate(&["--config", "no-such.toml", "run"]);
    assert_eq!(code, Some(2));
    assert!(err.contains("no-such.toml"), "{err}");
}
