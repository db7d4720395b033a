//! What receivers do to alerts: refuse them, refuse everything, send them elsewhere, want no more.

use crate::feeds::{dead, feed, hospital, taken, wait_for};
use crate::support::eventually;
use crate::support::gate::text;
use crate::support::message::Draft;
use crate::support::script::Script;
use crate::support::upstream::Upstream;

fn plain() -> Script {
    Script::python("receiver.py", &["webhook", "0"])
}

fn url(receiver: &Script) -> String {
    format!("url = \"http://{}/\"", receiver.address())
}

#[test]
fn what_a_receiver_refuses_is_laid_aside_seen_and_sent_again() {
    let mut receiver = plain();
    receiver.tell("status 422");
    let upstream = Upstream::accepting();
    let hospital = hospital(&[feed("hook", "webhook", &[&url(&receiver), "max_attempts = 2"])])
        .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    client.ask(&Draft::refused("D1").bytes());
    gate.says("alert laid aside");
    assert_eq!(receiver.told().len(), 2, "so many attempts, and no more");
    receiver.tell("status 200");
    client.ask(&Draft::refused("D2").bytes());
    wait_for(&receiver, 1);

    let listed = hospital.run(&["feed", "list"]);
    assert_eq!(listed.status.code(), Some(1), "somebody must look");
    assert!(text(&listed.stdout).contains("dead 1"));
    let aside = dead(&hospital, "hook");
    assert_eq!(aside.len(), 1);
    let id = aside[0]["id"].as_str().expect("an id");
    let shown = text(&hospital.run(&["feed", "dead", "hook"]).stdout);
    assert!(shown.contains(id) && shown.contains("422"), "{shown}");
    let again = hospital.run(&["feed", "resend", "hook", id]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stdout));
    assert_eq!(taken(&receiver).last().expect("an event")["id"], id);
    assert!(dead(&hospital, "hook").is_empty());
    gate.stop();
}

#[test]
fn a_receiver_that_wants_no_more_disables_the_feed_until_it_is_enabled() {
    let mut receiver = plain();
    receiver.tell("status 410");
    let upstream = Upstream::accepting();
    let watcher = plain();
    let hospital = hospital(&[
        feed("hook", "webhook", &[&url(&receiver)]),
        feed("watcher", "webhook", &[&url(&watcher), "events = [\"orgate.route.*\"]"]),
    ])
    .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    client.ask(&Draft::refused("G1").bytes());
    gate.says("feed disabled");
    let told = wait_for(&watcher, 1);
    assert_eq!(told[0]["subject"], "feed/hook");
    client.ask(&Draft::refused("G2").bytes());
    gate.stop();

    // It stays so over a restart, and what came meanwhile waits.
    let mut gate = hospital.start();
    gate.says("feed disabled");
    let said = text(&hospital.run(&["feed", "list"]).stdout);
    assert!(said.contains("disabled") && said.contains("waiting 2"), "{said}");
    receiver.tell("status 200");
    assert_eq!(taken(&receiver).len(), 0);
    assert!(hospital.run(&["feed", "enable", "hook"]).status.success());
    wait_for(&receiver, 2);
    gate.stop();
}

#[test]
fn a_redirect_is_not_followed() {
    let mut receiver = plain();
    receiver.tell("status 307");
    let upstream = Upstream::accepting();
    let hospital = hospital(&[feed("hook", "webhook", &[&url(&receiver)])]).route(
        "his",
        upstream.address,
        &[],
    );
    let gate = hospital.start();
    gate.connect().ask(&Draft::refused("R1").bytes());
    gate.says("redirects are not followed");
    assert!(receiver.told().iter().all(|request| request["path"] == "/"));
    receiver.tell("status 200");
    wait_for(&receiver, 1);
}

#[test]
fn a_route_that_goes_down_and_returns_is_told_once_each_way() {
    let receiver = plain();
    let hospital =
        hospital(&[feed("hook", "webhook", &[&url(&receiver), "events = [\"orgate.route.*\"]"])])
            .route("his", crate::support::upstream::nobody(), &[]);
    let mut gate = hospital.start();
    for _ in 0..5 {
        let mut client = gate.connect();
        client.try_send(&Draft::clean("N1").frame());
        client.rest();
    }
    let told = wait_for(&receiver, 1);
    assert_eq!(told[0]["type"], "orgate.route.down");
    assert_eq!(told[0]["subject"], "route/his");
    gate.stop();
    // Its return is told by the next gate, which knows what was told before.
    let upstream = Upstream::accepting();
    let mut hospital = hospital;
    hospital.change(&crate::support::upstream::nobody().to_string(), &upstream.address.to_string());
    let gate = hospital.start();
    gate.still_serves("N2");
    let told = wait_for(&receiver, 2);
    assert_eq!([&told[1]["type"], &told[1]["subject"]], ["orgate.route.up", "route/his"]);
    assert_eq!(taken(&receiver).len(), 2);
}

#[test]
fn departments_severity_and_types_choose_and_a_file_takes_what_is_chosen() {
    let upstream = Upstream::accepting();
    let base = crate::support::gate::Hospital::new();
    let (all, grave, other) = (base.path("all"), base.path("grave"), base.path("other"));
    let path = |path: &std::path::Path| format!("path = {path:?}");
    let hospital = [
        feed("all", "file", &[&path(&all)]),
        feed("grave", "file", &[&path(&grave), "severity = \"high\""]),
        feed("other", "file", &[&path(&other), "departments = [\"0999\"]"]),
    ]
    .iter()
    .fold(base, |hospital, feed| hospital.set(feed))
    .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    client.ask(&Draft::refused("C1").bytes());
    client.ask(&Draft::emergency("C2").bytes());
    client.ask(&Draft { department: "0999", ..Draft::refused("C3") }.bytes());
    let kinds = |path: &std::path::Path| -> Vec<String> {
        let lines = std::fs::read_to_string(path).unwrap_or_default();
        let event = |line| serde_json::from_str::<serde_json::Value>(line).expect("JSON");
        lines.lines().map(|line| event(line)["type"].as_str().expect("a type").to_owned()).collect()
    };
    eventually("all three", || (kinds(&all).len() == 3 && kinds(&other).len() == 1).then_some(()));
    eventually("the grave one", || (kinds(&grave).len() == 1).then_some(()));
    gate.stop();
    assert_eq!(kinds(&grave), ["orgate.override.opened"]);
    assert_eq!(kinds(&other), ["orgate.order.blocked"]);
}
