//! Who is told: feeds of a real gate, to receivers that others wrote.

mod days;
mod people;
mod receivers;
mod systems;
mod webhook;

use std::collections::HashSet;

use serde_json::Value;

use crate::support::eventually;
use crate::support::gate::{Hospital, text};
use crate::support::script::Script;

/// `[[feed]]` with these keys.
pub(crate) fn feed(name: &str, kind: &str, keys: &[&str]) -> String {
    let quick = ["retry_ms = 20", "retry_max_s = 1"];
    let quick = quick.iter().filter(|line| {
        let key = line.split(' ').next().unwrap_or_default();
        !keys.iter().any(|own| own.starts_with(key))
    });
    let keys: Vec<&str> = quick.chain(keys).copied().collect();
    format!("[[feed]]\nname = \"{name}\"\nkind = \"{kind}\"\n{}\n", keys.join("\n"))
}

/// A hospital with feeds, before it has routes.
fn hospital(feeds: &[String]) -> Hospital {
    feeds.iter().fold(Hospital::new(), |hospital, feed| hospital.set(feed))
}

/// The bodies of the requests that a receiver answered with 200.
pub(crate) fn taken(receiver: &Script) -> Vec<Value> {
    let requests = receiver.told().into_iter().filter(|request| request["status"] == 200);
    requests
        .map(|request| {
            serde_json::from_str(request["body"].as_str().expect("a body")).expect("JSON")
        })
        .collect()
}

/// Waits until so many different events were taken; gives them in the order of their first coming.
pub(crate) fn wait_for(receiver: &Script, count: usize) -> Vec<Value> {
    eventually(&format!("{count} events"), || {
        let mut seen = HashSet::new();
        let mut events = taken(receiver);
        events.retain(|event| seen.insert(event["id"].to_string()));
        (events.len() >= count).then_some(events)
    })
}

/// The dead letters of a feed, as `orgate feed dead` prints them.
fn dead(hospital: &Hospital, feed: &str) -> Vec<Value> {
    let out = hospital.run(&["feed", "dead", feed, "--json"]);
    text(&out.stdout).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
