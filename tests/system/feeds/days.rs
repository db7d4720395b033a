//! What is told because the register changed or a day passed.

use std::path::Path;

use serde_json::Value;

use crate::feeds::{feed, wait_for};
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::Hospital;
use crate::support::in_process::FixedGate;
use crate::support::ledger::of_kind;
use crate::support::message::Draft;
use crate::support::of_the_day;
use crate::support::script::Script;
use crate::support::upstream::Upstream;

fn events(file: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(file).unwrap_or_default();
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// A hospital that tells a web hook what is stopped.
fn told_of_techniques() -> (Hospital, Script, Upstream) {
    let receiver = Script::python("receiver.py", &["webhook", "0"]);
    let upstream = Upstream::accepting();
    let url = format!("url = \"http://{}/\"", receiver.address());
    let hook = feed("hook", "webhook", &[&url, "events = [\"orgate.technique.*\"]"]);
    (Hospital::new().set(&hook).route("his", upstream.address, &[]), receiver, upstream)
}

#[test]
fn a_grant_that_is_revoked_is_told_with_the_open_orders_that_it_hits() {
    let (hospital, receiver, _upstream) = told_of_techniques();
    let mut gate = hospital.start();
    // An order of today: one of an earlier day is not open any more.
    let zone = jiff::tz::TimeZone::get("Asia/Shanghai").expect("a zone");
    let now = zone.to_datetime(orgate::clock::Clock::System.now());
    let now = now.strftime("%Y%m%d%H%M%S").to_string();
    gate.connect().ask(Draft::clean("S1").text().replace("20260302080000", &now).as_bytes());
    let open = crate::support::ledger::decisions(&hospital.data());
    hospital.grant("D1002", "51.2300", "revoked");
    let told = wait_for(&receiver, 1).remove(0);
    gate.stop();
    assert_eq!(told["type"], "orgate.technique.stopped");
    let consequences = told["data"]["consequences"].as_array().expect("a list");
    let revoked = |c: &&Value| c["kind"] == "grant-revoked" || c["kind"] == "grant-ended";
    let of_the_grant: Vec<&Value> = consequences.iter().filter(revoked).collect();
    assert!(!of_the_grant.is_empty(), "{told}");
    let hit = of_the_grant.iter().any(|c| c["hits"][0] == open[0]["id"]);
    assert!(hit, "{told}");
    let verified = hospital.run(&["ledger", "verify"]);
    assert!(verified.status.success());
}

#[test]
fn a_grant_that_is_revoked_while_the_gate_stands_still_is_told_when_it_is_back() {
    let (hospital, receiver, _upstream) = told_of_techniques();
    let mut gate = hospital.start();
    let register = || of_kind(&hospital.data(), "register");
    eventually("the version at the start", || (!register().is_empty()).then_some(()));
    gate.stop();
    hospital.grant("D1002", "51.2300", "revoked");
    let mut gate = hospital.start();
    let told = wait_for(&receiver, 1).remove(0);
    gate.stop();
    assert_eq!(told["type"], "orgate.technique.stopped");
    // Once, also after one more start.
    let versions = || register().iter().filter(|entry| entry["body"]["what"].is_string()).count();
    let before = versions();
    let mut gate = hospital.start();
    eventually("the version at the start", || {
        let opened = |entry: &&Value| entry["body"]["opened_at_version"].is_i64();
        (register().iter().filter(opened).count() == 3).then_some(())
    });
    gate.stop();
    assert_eq!(versions(), before);
}

#[test]
fn a_case_report_that_becomes_late_is_told_once() {
    let upstream = Upstream::accepting();
    let base = Hospital::new();
    let file = base.path("late");
    let hospital = base
        .set(&feed(
            "late",
            "file",
            &[&format!("path = {file:?}"), "events = [\"orgate.restricted.*\"]"],
        ))
        .route("his", upstream.address, &[]);
    let mut gate = FixedGate::start(hospital, "2026-03-02T14:50:00+08:00");
    let mut client = Client::connect(gate.route("his"));
    client.ask(&of_the_day("62-emergency-ecmo-unfiled.hl7"));
    eventually("the case", || (events(&file).len() == 1).then_some(()));
    // Due three days after the operation: on the third nothing, on the fourth the alert, and then no more.
    gate.restart("2026-03-05T09:00:00+08:00");
    gate.restart("2026-03-06T09:00:00+08:00");
    eventually("the late report", || (events(&file).len() == 2).then_some(()));
    gate.restart("2026-03-06T10:00:00+08:00");
    gate.restart("2026-03-07T09:00:00+08:00");
    gate.stop();
    let told = events(&file);
    let types: Vec<&str> = told.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(types, ["orgate.restricted.case", "orgate.restricted.overdue"]);
    assert_eq!(told[1]["subject"], told[0]["subject"]);
    assert_eq!(told[1]["data"]["due"], "2026-03-05");
    assert_eq!(told[1]["data"]["techniques"], told[0]["data"]["techniques"]);
}
