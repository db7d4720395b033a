//! Feeds added, changed and taken out while the gate runs: each alert once, and none lost between two settings.

use std::net::TcpListener;

use serde_json::Value;

use crate::reload::{TAKEN_UP, by_signal, configurations, reload};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::upstream::Upstream;

/// A feed into a file of this name.
fn feed(hospital: &Hospital, name: &str, more: &str) -> String {
    let path = hospital.path(&format!("{name}.jsonl"));
    format!("[[feed]]\nname = \"{name}\"\nkind = \"file\"\npath = {path:?}\n{more}\n")
}

/// The control ids that alerts in the file of a feed tell of, in order.
fn told(hospital: &Hospital, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(hospital.path(&format!("{name}.jsonl"))).unwrap_or_default();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let blocked = events.filter(|event| event["type"] == "orgate.order.blocked");
    blocked.map(|event| event["subject"].as_str().expect("an entry").to_owned()).collect()
}

fn wait_for(hospital: &Hospital, name: &str, count: usize) -> Vec<String> {
    eventually(&format!("{count} alerts in {name}"), || {
        let told = told(hospital, name);
        (told.len() >= count).then_some(told)
    })
}

fn refuse(gate: &Gate, id: &str) {
    assert_eq!(code(&gate.connect().ask(&Draft::refused(id).bytes())), "AE");
}

#[test]
fn a_feed_is_added_changed_and_taken_out_and_every_alert_is_told_once() {
    let upstream = Upstream::accepting();
    let base = by_signal();
    let (a, b) = (feed(&base, "a", ""), feed(&base, "b", ""));
    let mut hospital = base.set(&a).route("his", upstream.address, &[]);
    let gate = hospital.start();
    refuse(&gate, "F1");
    wait_for(&hospital, "a", 1);

    hospital.change_head(&a, &format!("{a}{b}"));
    reload(&hospital, &gate, 1);
    gate.says("feed begun feed=b");
    refuse(&gate, "F2");
    let first = wait_for(&hospital, "a", 2);
    assert_eq!(
        wait_for(&hospital, "b", 1),
        first[1..],
        "a new feed begins at the end of the ledger"
    );

    // The same feed with another filter: what it does not want any more is not told, what was told is not told again.
    let choosy = feed(&hospital, "a", "events = [\"orgate.override.*\"]");
    hospital.change_head(&a, &choosy);
    reload(&hospital, &gate, 2);
    refuse(&gate, "F3");
    assert_eq!(wait_for(&hospital, "b", 2).len(), 2);
    hospital.change_head(&choosy, &a);
    reload(&hospital, &gate, 3);
    refuse(&gate, "F4");
    let fourth = wait_for(&hospital, "b", 3).remove(2);
    let all = eventually("the fourth in a", || {
        let all = told(&hospital, "a");
        all.contains(&fourth).then_some(all)
    });
    assert_eq!(all[..2], first[..]);
    assert_eq!(all.last(), Some(&fourth));

    hospital.change_head(&b, "");
    reload(&hospital, &gate, 4);
    gate.says("feed ended feed=b");
    refuse(&gate, "F5");
    wait_for(&hospital, "a", all.len() + 1);
    assert_eq!(told(&hospital, "b").len(), 3, "nobody is told there any more");
    let entry = configurations(&gate).remove(4);
    assert_eq!(entry["body"]["applied"], serde_json::json!(["feed.b"]));
}

#[test]
fn a_feed_that_cannot_be_made_keeps_the_whole_configuration_out() {
    let upstream = Upstream::accepting();
    let base = by_signal();
    let a = feed(&base, "a", "");
    let mut hospital = base.set(&a).route("his", upstream.address, &[]);
    let gate = hospital.start();
    // A key of no length is none.
    let key = hospital.file("empty", "");
    let bad = feed(&hospital, "b", &format!("pseudonym_key_file = {key:?}"));
    hospital.change_head(&a, &bad);
    hospital.configure();
    gate.hang_up();
    gate.says("configuration refused, the former one stays in force");
    refuse(&gate, "G1");
    wait_for(&hospital, "a", 1);
    assert!(!gate.log().contains(TAKEN_UP));
}

#[test]
fn another_secret_is_taken_up_at_a_signal_although_no_key_has_changed() {
    let upstream = Upstream::accepting();
    let base = by_signal();
    let key = base.file("key", "a pseudonym key of thirty-two by");
    let a = feed(&base, "a", &format!("pseudonym_key_file = {key:?}"));
    let hospital = base.set(&a).route("his", upstream.address, &[]);
    let gate = hospital.start();
    let patient = |at: usize| {
        wait_for(&hospital, "a", at + 1);
        let text = std::fs::read_to_string(hospital.path("a.jsonl")).expect("it");
        let event: Value = serde_json::from_str(text.lines().nth(at).expect("it")).expect("JSON");
        event["data"]["patient"]["pseudonym"].clone()
    };
    refuse(&gate, "K1");
    let one = patient(0);
    hospital.file("key", "another pseudonym key of the same");
    reload(&hospital, &gate, 1);
    refuse(&gate, "K2");
    assert_ne!(one, patient(1));
}

#[test]
fn a_feed_that_is_taken_out_has_no_backlog_any_more() {
    let upstream = Upstream::accepting();
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port");
    let url = format!("url = \"http://{nobody}/\"");
    let away = format!("[[feed]]\nname = \"away\"\nkind = \"webhook\"\n{url}\n");
    let mut hospital = by_signal().set(&away).route("his", upstream.address, &[]);
    let gate = hospital.start();
    refuse(&gate, "H1");
    let backlog = || {
        let (_, metrics) = gate.page("/metrics");
        let own = "orgate_feed_backlog_entries{feed=\"away\"} ";
        let told = metrics.lines().find_map(|line| line.strip_prefix(own)).map(str::to_owned);
        told.expect("the feed is counted")
    };
    eventually("an alert waits", || (backlog() != "0").then_some(()));
    hospital.change_head(&away, "");
    reload(&hospital, &gate, 1);
    // The feed ends once its last delivery has.
    eventually("nothing waits any more", || (backlog() == "0").then_some(()));
}
