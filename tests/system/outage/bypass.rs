//! The outage switch: everything passes, unstopped and recorded, until its time is over.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use jiff::SignedDuration;
use orgate::gate::bypass::Actor;
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::http;
use crate::support::in_process::FixedGate;
use crate::support::ledger::{decision, decisions, decisions_of, findings, of_kind, switches};
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::resource;
use crate::support::server::Server;
use crate::support::upstream::{Upstream, accepted};

fn switch(hospital: &Hospital, arguments: &[&str]) -> Output {
    hospital.run(&[&["bypass"], arguments].concat())
}

fn on(hospital: &Hospital, lasting: &str) -> String {
    let out = switch(
        hospital,
        &["on", "--for", lasting, "--by", "信息科 周样例", "--reason", "授权库故障"],
    );
    assert!(out.status.success(), "{}", text(&out.stderr));
    text(&out.stdout)
}

fn acts(gate: &Gate) -> Vec<String> {
    let written = switches(gate.data());
    written.iter().map(|entry| entry["body"]["act"].as_str().unwrap_or("?").to_owned()).collect()
}

fn alerts(path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("an event a line")).collect()
}

#[test]
fn while_it_is_on_everything_passes_byte_for_byte_and_is_recorded_as_bypassed() {
    let upstream = Upstream::accepting();
    let server = Server::storing();
    let hospital =
        Hospital::new().route("his", upstream.address, &[]).fhir("fhir", server.address, &[]);
    let path = hospital.path("alerts.jsonl").display().to_string();
    let feed = format!("[[feed]]\nname = \"told\"\nkind = \"file\"\npath = {path:?}");
    let hospital = hospital.set(&feed);
    let gate = hospital.start();
    let mut client = crate::support::client::Client::connect(gate.route("his"));
    assert_eq!(code(&client.ask(&Draft::refused("B1").bytes())), "AE");
    let said = on(&hospital, "30m");
    let status = switch(&hospital, &["status"]);
    assert_eq!(status.status.code(), Some(1), "on is something found");
    assert!(text(&status.stdout).contains("周样例：授权库故障"), "{}", text(&status.stdout));
    assert!(gate.page("/metrics").1.contains("orgate_bypass_on 1"));
    // The same bytes that were refused before, an emergency, what nobody can read, and a FHIR order.
    let sent = [
        (Draft::refused("B1"), "block"),
        (Draft::emergency("B2"), "override"),
        (Draft { surgeon: "D1&D2", ..Draft::clean("B3") }, "unavailable"),
        (Draft::clean("B4"), "forward"),
    ];
    for (draft, decided) in &sent {
        client.send(&draft.frame());
        assert_eq!(client.frame(), accepted(&draft.frame()), "{}", draft.id);
        let entry = decisions_of(gate.data(), &draft.id).pop().expect("an entry");
        assert_eq!(decision(&entry), *decided, "what would have been decided");
        assert_eq!(entry["body"]["verdict"]["stance"], "bypass");
        let by = entry["body"]["bypass"]["entry"].as_str().expect("by which switch");
        assert!(said.contains(by), "{said}");
    }
    let all: Vec<u8> = sent.iter().flat_map(|(draft, _)| draft.frame()).collect();
    assert_eq!(upstream.bytes(), all);
    let refused = resource::refused("F1");
    let body = refused.to_string();
    let mut fhir = http::Client::connect(gate.route("fhir"));
    let answer = fhir.write("POST", "/fhir/ServiceRequest", &body);
    assert_eq!(answer.status(), 201, "{answer:?}");
    assert_eq!(server.writes()[0].body, body.as_bytes());
    let last = decisions(gate.data()).pop().expect("an entry");
    assert_eq!((decision(&last), &last["body"]["verdict"]["stance"]), ("block", &json!("bypass")));
    // An entry of the bypass is judged again from itself like any other.
    let id = last["id"].as_str().expect("an id");
    let again = hospital.run(&["explain", "--entry", id]);
    assert!(text(&again.stdout).contains("grant-missing"), "{}", text(&again.stdout));
    assert!(!text(&again.stderr).contains("differ"), "{}", text(&again.stderr));

    let out = switch(&hospital, &["off", "--by", "周样例", "--reason", "已恢复"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(gate.page("/metrics").1.contains("orgate_bypass_on 0"));
    assert_eq!(code(&client.ask(&Draft::refused("B1").bytes())), "AE", "acts again, on a copy too");
    assert_eq!(switch(&hospital, &["status"]).status.code(), Some(0));
    assert_eq!(switch(&hospital, &["off"]).status.code(), Some(2), "it is off already");
    assert_eq!(acts(&gate), ["on", "off"]);
    let entry = switches(gate.data()).remove(0);
    let body = &entry["body"];
    assert_eq!((&body["by"], &body["reason"]), (&json!("信息科 周样例"), &json!("授权库故障")));
    assert!(body["until"].is_string() && body["uid"].is_number(), "{body}");
    let told = eventually("everybody is told", || {
        let all = alerts(&path);
        let of = |kind: &str| all.iter().filter(|event| event["type"] == kind).count();
        let told = of("orgate.bypass") == 2 && of("orgate.order.blocked") >= 4;
        (told && of("orgate.override.opened") == 1).then_some(all)
    });
    assert!(
        told.iter().any(|event| event.to_string().contains("旁路，未拦截")),
        "an order that passed against its verdict is told as such"
    );
}

#[test]
fn an_emergency_that_passes_during_a_bypass_has_its_override_file() {
    let (hospital, gate, _upstream) = Gate::simple(&[]);
    on(&hospital, "1h");
    assert_eq!(code(&gate.connect().ask(&Draft::emergency("E1").bytes())), "AA");
    let entry = decisions_of(gate.data(), "E1").remove(0);
    assert!(findings(&entry).contains(&"emergency-override flag".to_owned()));
    drop(gate);
    let rebuilt = hospital.run(&["ledger", "reindex"]);
    assert!(rebuilt.status.success(), "{}", text(&rebuilt.stderr));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let settings = orgate::config::load(&hospital.path("orgate.toml")).expect("good");
    let opened = runtime.block_on(orgate::app::open_search(&settings));
    let (_, overrides) = opened.unwrap_or_else(|error| panic!("{error}"));
    let sought = orgate::overrides::Sought::default();
    assert_eq!(runtime.block_on(overrides.list(&sought)).expect("listed").len(), 1);
}

#[test]
fn it_is_switched_whatever_is_wrong_with_the_configuration_meanwhile() {
    let (mut hospital, gate, _upstream) = Gate::simple(&[]);
    for wrong in ["[[mllp]]\nname = \"his\"\nmapping = \"no/such.toml\"", "half = [\"writ"] {
        hospital = hospital.set(wrong);
        assert_eq!(hospital.run(&["check"]).status.code(), Some(2));
        on(&hospital, "1h");
        assert_eq!(code(&gate.connect().ask(&Draft::refused("W1").bytes())), "AA");
        let healthy = hospital.run(&["health"]);
        assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stderr));
        assert!(switch(&hospital, &["off"]).status.success());
    }
}

#[test]
fn it_outlives_a_kill_and_what_is_left_of_it_counts_on() {
    let (hospital, mut gate, upstream) = Gate::simple(&[]);
    on(&hospital, "1h");
    gate.kill();
    let gate = hospital.start();
    gate.says("bypass still on");
    assert_eq!(code(&gate.connect().ask(&Draft::refused("K1").bytes())), "AA");
    assert_eq!(upstream.frames().len(), 1);
    assert_eq!(switch(&hospital, &["status"]).status.code(), Some(1));
}

#[test]
fn it_ends_by_itself_and_that_is_entered_too() {
    let (hospital, gate, _upstream) = Gate::simple(&[]);
    on(&hospital, "1s");
    eventually("the end is entered", || (acts(&gate) == ["on", "expired"]).then_some(()));
    assert_eq!(code(&gate.connect().ask(&Draft::refused("X1").bytes())), "AE");
    let first = switches(gate.data()).remove(0);
    let last = switches(gate.data()).remove(1);
    assert_eq!(last["body"]["of"], first["id"]);
    assert!(!gate.data().join("bypass.json").exists());
}

#[test]
fn one_that_ends_while_the_gate_stands_still_is_over_at_the_next_start() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let mut gate = FixedGate::start(hospital, "2026-03-02T08:00:00+08:00");
    let (runtime, office) = gate.office();
    let gate_itself = std::sync::Arc::clone(office.gate());
    let actor = Actor { by: "周样例".to_owned(), account: None, uid: None };
    let on = gate_itself.bypass_on(actor, "停电", SignedDuration::from_mins(30));
    assert!(runtime.block_on(on).expect("on").recorded);
    drop(gate_itself);
    gate.restart("2026-03-02T08:29:59+08:00");
    let ask = |gate: &FixedGate, id: &str| {
        let mut client = crate::support::client::Client::connect(gate.route("his"));
        code(&client.ask(&Draft::refused(id).bytes()))
    };
    assert_eq!(ask(&gate, "S1"), "AA");
    gate.restart("2026-03-02T08:30:00+08:00");
    assert_eq!(ask(&gate, "S2"), "AE");
    eventually("its end is entered", || {
        of_kind(&gate.data(), "bypass").iter().any(|e| e["body"]["act"] == "expired").then_some(())
    });
}

#[test]
fn it_works_when_the_ledger_does_not_and_is_entered_afterwards() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let gate = hospital.start_by(&mut hospital.command_under("trap '' XFSZ"));
    let mut client = gate.connect();
    let limit = |to: &str| {
        let limited = std::process::Command::new("prlimit")
            .args(["--pid", &gate.pid(), &format!("--fsize={to}:unlimited")])
            .status();
        assert!(limited.expect("prlimit runs").success());
    };
    limit("64");
    assert_eq!(code(&client.ask(&Draft::clean("L1").bytes())), "AR");
    let said = on(&hospital, "1h");
    assert!(said.contains("the entry follows"), "{said}");
    assert_eq!(code(&client.ask(&Draft::clean("L2").bytes())), "AA");
    assert_eq!(code(&client.ask(&Draft::refused("L3").bytes())), "AA");
    gate.says("moved unrecorded");
    limit("unlimited");
    eventually("what was done meanwhile is entered", || {
        let known = ["L2", "L3"].iter().all(|id| !decisions_of(gate.data(), id).is_empty());
        (known && acts(&gate) == ["on"]).then_some(())
    });
    let entry = decisions_of(gate.data(), "L3").remove(0);
    assert_eq!(entry["body"]["without_ledger"]["moved"], true);
    assert_eq!(entry["body"]["verdict"]["stance"], "bypass");
}

#[test]
fn it_works_when_the_register_does_not_answer() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &["stance = \"enforce\""]);
    let gate = hospital.start();
    let mut client = gate.connect();
    let path = gate.data().join("register.db");
    for end in ["", "-wal"] {
        let name = format!("{}{end}", path.display());
        let length = std::fs::metadata(&name).map_or(0, |found| found.len());
        std::fs::write(&name, vec![b'?'; usize::try_from(length).expect("small")])
            .expect("written");
    }
    // Nobody has asked for this surgeon before.
    assert_eq!(code(&client.ask(&Draft::clean("R1").bytes())), "AR");
    on(&hospital, "1h");
    assert_eq!(code(&client.ask(&Draft::clean("R2").bytes())), "AA");
    let entry = decisions_of(gate.data(), "R2").remove(0);
    assert_eq!(entry["body"]["verdict"]["gaps"], json!(["privileges-unavailable"]));
    assert_eq!(entry["body"]["verdict"]["stance"], "bypass");
    assert_eq!(upstream.frames().len(), 1);
}

#[test]
fn bytes_that_cannot_be_framed_pass_too_and_the_connection_ends_with_the_bypass() {
    let (hospital, gate, upstream) = Gate::simple(&["max_frame_kib = 1"]);
    on(&hospital, "1h");
    let mut client = gate.connect();
    let long = [&b"\x0bMSH|^~\\&|"[..], &vec![b'x'; 4096]].concat();
    client.send(&long);
    upstream.wait_for_bytes(&long);
    client.send(b"and what follows");
    upstream.wait_for_bytes(&[&long[..], b"and what follows"].concat());
    assert!(switch(&hospital, &["off"]).status.success());
    client.send(b"and this");
    client.expect_closed();
    assert_eq!(upstream.bytes(), [&long[..], b"and what follows"].concat());
}

#[test]
fn nobody_switches_without_a_name_a_reason_and_an_end_and_only_the_gates_own_user_can() {
    let hospital = Hospital::new();
    let gate = hospital.start();
    for (lasting, by, reason) in [("13h", "周", "x"), ("1h", " ", "x"), ("1h", "周", " ")] {
        let out = switch(&hospital, &["on", "--for", lasting, "--by", by, "--reason", reason]);
        assert_eq!(out.status.code(), Some(2), "{lasting} {by:?} {reason:?}");
        assert!(text(&out.stdout).is_empty());
    }
    assert!(acts(&gate).is_empty());
    let mode = |path: &str| {
        let found = std::fs::metadata(gate.data().join(path)).expect("it is there");
        found.permissions().mode() & 0o777
    };
    assert_eq!([mode("admin"), mode("admin/socket")], [0o700, 0o600]);
    drop(gate);
    let out = switch(&hospital, &["status"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("no gate is running"), "{}", text(&out.stderr));
}
