//! Webhooks: signed, in order, at least once, through everything that may happen to sender and receiver.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use crate::feeds::{dead, feed, hospital, taken, wait_for};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::decisions;
use crate::support::message::{Draft, admission};
use crate::support::script::Script;
use crate::support::upstream::Upstream;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn receiver(port: u16) -> Script {
    Script::python("receiver.py", &["webhook", &port.to_string(), SECRET])
}

/// A feed to a receiver, signed.
fn to(address: std::net::SocketAddr, more: &[&str]) -> String {
    let url = format!("url = \"http://{address}/alerts\"");
    let keys: Vec<&str> = [url.as_str()].into_iter().chain(more.iter().copied()).collect();
    feed("hook", "webhook", &keys)
}

#[test]
fn each_decision_is_told_once_signed_and_without_the_patient() {
    let receiver = receiver(0);
    let upstream = Upstream::accepting();
    let base = crate::support::gate::Hospital::new();
    let secret = base.file("secret", SECRET);
    let hospital = base
        .set(&to(receiver.address(), &[&format!("secret_file = {secret:?}")]))
        .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    for payload in [
        Draft::clean("W1").bytes(),
        admission("W2"),
        Draft::refused("W3").bytes(),
        Draft::emergency("W4").line("OBX|1|ST|LIFE-SAVING||呼吸骤停").bytes(),
    ] {
        client.ask(&payload);
    }
    let events = wait_for(&receiver, 2);
    gate.stop();
    assert_eq!(taken(&receiver).len(), 2, "nothing is told twice without need");
    let requests = receiver.told();
    let request = &requests[requests.len() - 2];
    assert_eq!(request["path"], "/alerts");
    assert_eq!(request["headers"]["content-type"], "application/cloudevents+json; charset=utf-8");
    assert_eq!(request["headers"]["webhook-id"], events[0]["id"]);

    let entries = decisions(&hospital.data());
    let refused = &events[0];
    assert_eq!(refused["type"], "orgate.order.blocked");
    assert_eq!(refused["source"], "test-gate");
    assert_eq!(refused["specversion"], "1.0");
    assert_eq!(refused["subject"], entries[1]["id"]);
    let entry = refused["subject"].as_str().expect("an id");
    assert_eq!(refused["id"], format!("{entry}-grant-missing"));
    assert_eq!(refused["data"]["verdict"], entries[1]["body"]["verdict"]);
    assert_eq!(refused["data"]["departments"], serde_json::json!(["0301"]));
    assert!(refused["data"]["patient"]["pseudonym"].is_string());
    assert!(refused["data"]["text_zh"].as_str().expect("a text").contains("手术医嘱拒绝"));
    assert_eq!(events[1]["type"], "orgate.override.opened");
    assert_eq!(events[1]["severity"], "high");
    let all = text(receiver.lines().join("\n").as_bytes());
    for mark in ["P2699001", "赵样例", "呼吸骤停", "SQW3"] {
        assert!(!all.contains(mark), "{mark}");
    }
    assert!(!gate.log().contains("whsec") && !gate.log().contains("P2699001"));
}

#[test]
fn a_feed_that_may_know_the_patient_gets_the_numbers() {
    let receiver = receiver(0);
    let upstream = Upstream::accepting();
    let hospital = hospital(&[feed(
        "full",
        "webhook",
        &[
            &format!("url = \"http://{}/\"", receiver.address()),
            "patient = \"full\"",
            "events = [\"orgate.override.*\"]",
        ],
    )])
    .route("his", upstream.address, &[]);
    drop(receiver);
    let gate = hospital.start();
    let mut client = gate.connect();
    client.ask(&Draft::refused("F1").bytes());
    client.ask(&Draft::emergency("F2").bytes());
    let out = eventually("an alert that waits", || {
        let said = text(&hospital.run(&["feed", "list"]).stdout);
        said.contains("waiting 1").then_some(said)
    });
    assert!(out.contains("dead 0"), "{out}");
}

/// An alert a second for an hour, which is a busy house: sent as fast as it goes.
const HOUR: usize = 3_600;

/// Sends orders of some patients, from four systems at once.
fn load(gate: &Gate, from: usize, count: usize) {
    std::thread::scope(|scope| {
        for line in 0..4 {
            let mut client = gate.connect();
            scope.spawn(move || {
                let patient = format!("PX{line}^^^XYYY||赵样例");
                let patient: &'static str = Box::leak(patient.into_boxed_str());
                for n in (from + line..from + count).step_by(4) {
                    let draft = Draft { patient, ..Draft::refused(format!("L{n}")) };
                    client.ask(&draft.bytes());
                }
            });
        }
    });
}

/// How many entries of the ledger the feed has before it.
fn waiting(hospital: &Hospital) -> usize {
    let said = text(&hospital.run(&["feed", "list"]).stdout);
    let (_, rest) = said.split_once("waiting ").expect("how many wait");
    let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
    number.parse().expect("a number")
}

#[test]
fn a_receiver_that_was_down_for_an_hour_gets_everything_in_order_though_the_gate_was_killed() {
    let first = receiver(0);
    let address = first.address();
    let upstream = Upstream::accepting();
    let base = crate::support::gate::Hospital::new();
    let secret = base.file("secret", SECRET);
    let hospital = base.set(&to(address, &[&format!("secret_file = {secret:?}")])).route(
        "his",
        upstream.address,
        &[],
    );
    let mut gate = hospital.start();
    load(&gate, 0, 20);
    wait_for(&first, 5);
    let before: Vec<Value> = {
        let mut gone = first;
        gone.end();
        taken(&gone)
    };
    // Nobody listens: the gate goes on, and is killed twice under load.
    for round in 0..2 {
        load(&gate, 20 + round * HOUR / 2, HOUR / 2);
        gate.kill();
        gate = hospital.start();
    }
    load(&gate, 20 + HOUR, 20);
    let all = HOUR + 40;
    let second = receiver(address.port());
    second.address();
    let mut left = waiting(&hospital);
    while left > 0 {
        left = eventually("fewer that wait", || {
            // Looking costs the gate what it needs to send.
            std::thread::sleep(Duration::from_millis(200));
            let now = waiting(&hospital);
            (now < left).then_some(now)
        });
    }
    gate.stop();
    let entries = decisions(&hospital.data());
    let expected: Vec<String> = entries
        .iter()
        .map(|entry| format!("{}-grant-missing", entry["id"].as_str().expect("an id")))
        .collect();
    assert_eq!(expected.len(), all);
    let mut seen = HashMap::new();
    let mut order = Vec::new();
    for event in before.iter().chain(&taken(&second)) {
        let id = event["id"].as_str().expect("an id").to_owned();
        if *seen.entry(id.clone()).and_modify(|n| *n += 1).or_insert(1) == 1 {
            order.push(id);
        }
    }
    assert_eq!(
        order, expected,
        "all of it, in the order of the ledger, after repetitions are dropped"
    );
    assert!(seen.values().all(|times| *times <= 4), "only what was in hand is repeated");
    assert!(dead(&hospital, "hook").is_empty());
}
