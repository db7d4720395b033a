//! The same message again, and the register changing under a gate that runs.

use std::time::Duration;

use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::{decision, decisions_of, entries, findings};
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::upstream::{Upstream, accepted};

#[test]
fn a_refused_message_sent_again_gets_the_same_bytes_and_no_second_entry() {
    let (hospital, mut gate, upstream) = Gate::simple(&[]);
    let refused = Draft::refused("R1");
    let first = gate.connect().ask(&refused.bytes());
    for _ in 0..3 {
        assert_eq!(gate.connect().ask(&refused.bytes()), first);
    }
    assert_eq!(decisions_of(gate.data(), "R1").len(), 1);
    let other = gate.connect().ask(&refused.clone().line("NTE|1||x").bytes());
    assert_ne!(other, first, "the same number with other bytes is another message");
    assert_eq!(decisions_of(gate.data(), "R1").len(), 2);

    gate.stop();
    let again = hospital.start();
    assert_eq!(again.connect().ask(&refused.bytes()), first, "remembered over a restart");
    assert_eq!(decisions_of(&hospital.data(), "R1").len(), 2);
    assert!(upstream.bytes().is_empty());
}

#[test]
fn a_refusal_by_other_settings_is_not_repeated_after_a_restart() {
    // The memory held refusals of an enforcing route for a day, also when the route was made to observe.
    let (mut hospital, mut gate, upstream) = Gate::simple(&[]);
    let refused = Draft::refused("S1");
    assert_eq!(code(&gate.connect().ask(&refused.bytes())), "AE");
    gate.stop();
    hospital.change("stance = \"enforce\"", "stance = \"observe\"");
    let again = hospital.start();
    assert_eq!(code(&again.connect().ask(&refused.bytes())), "AA");
    assert_eq!(upstream.bytes(), refused.frame());
    let all = decisions_of(&hospital.data(), "S1");
    assert_eq!(all[1]["body"]["retransmission_of"], all[0]["id"], "it stays the same message");
}

#[test]
fn what_passed_and_comes_again_passes_again_and_is_marked() {
    let (hospital, mut gate, upstream) = Gate::simple(&[]);
    let clean = Draft::clean("P1");
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&clean.bytes())), "AA");
    assert_eq!(code(&client.ask(&clean.bytes())), "AA");
    gate.stop();
    let again = hospital.start();
    assert_eq!(code(&again.connect().ask(&clean.bytes())), "AA");
    assert_eq!(upstream.bytes(), clean.frame().repeat(3));
    let all = decisions_of(&hospital.data(), "P1");
    assert_eq!(all.len(), 3);
    assert!(all[0]["body"].get("retransmission_of").is_none());
    assert_eq!(all[1]["body"]["retransmission_of"], all[0]["id"]);
    assert_eq!(all[2]["body"]["retransmission_of"], all[1]["id"]);
}

#[test]
fn a_grant_given_meanwhile_counts_within_a_second() {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    let order = Draft::refused("G1");
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&order.bytes())), "AE");
    hospital.grant("D1005", "52.7x00", "active");
    let began = orgate::clock::monotonic();
    eventually("the grant counts", || (code(&client.ask(&order.bytes())) == "AA").then_some(()));
    assert!(began.elapsed() < Duration::from_secs(10), "seen long after it was given");
    assert_eq!(upstream.bytes(), order.frame());
    let all = decisions_of(gate.data(), "G1");
    assert_eq!(decision(&all[0]), "block");
    let last = all.last().expect("an entry");
    assert!(matches!(decision(last), "forward" | "forward-flagged"));
    assert_eq!(last["body"]["retransmission_of"], all[all.len() - 2]["id"]);
    let register = |entry: &serde_json::Value| entry["kind"] == "register";
    eventually("the change is on file, with who made it", || {
        let found = entries(gate.data()).into_iter().rfind(register)?;
        found["body"]["who"].is_string().then_some(())
    });
}

#[test]
fn a_grant_that_is_revoked_stops_the_next_order_within_a_second() {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean("V0").bytes())), "AA");
    hospital.grant("D1002", "51.2300", "revoked");
    let began = orgate::clock::monotonic();
    let mut n = 0;
    let stopped = eventually("the revocation counts", || {
        n += 1;
        let id = format!("V{n}");
        (code(&client.ask(&Draft::clean(&id).bytes())) == "AE").then_some(id)
    });
    assert!(began.elapsed() < Duration::from_secs(10), "seen long after it was given");
    let entry = decisions_of(gate.data(), &stopped);
    assert_eq!(findings(&entry[0]), ["grant-revoked block"]);
    let passed = upstream.frames();
    assert_eq!(passed.len(), n, "V0 and all before the one that was stopped");
    assert!(!passed.contains(&Draft::clean(&stopped).frame()));
    // Every order judged on another version than the revocation's says so.
    let versions: Vec<_> = (0..=n)
        .map(|n| decisions_of(gate.data(), &format!("V{n}"))[0]["body"]["register_version"].clone())
        .collect();
    assert_eq!(versions[0], 1);
    assert_eq!(versions[n], 2);
}

#[test]
fn two_routes_do_not_share_what_they_remember() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("strict", upstream.address, &[]).route(
        "watch",
        upstream.address,
        &["stance = \"observe\""],
    );
    let gate = hospital.start();
    let order = Draft::refused("T1");
    let ask = |route: &str| {
        let mut client = crate::support::client::Client::connect(gate.route(route));
        client.ask(&order.bytes())
    };
    assert_eq!(code(&ask("strict")), "AE");
    assert_eq!(code(&ask("watch")), "AA");
    assert_eq!(code(&ask("strict")), "AE");
    assert_eq!(upstream.bytes(), order.frame());
    let reply = accepted(&order.frame());
    assert_eq!(ask("watch"), reply[1..reply.len() - 2]);
}
