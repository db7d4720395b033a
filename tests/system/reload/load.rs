//! A hundred reloads while messages come on many connections.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::reload::{LENIENT, STRICT, by_signal, configurations, reload};
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::ledger::{decision, decisions, of_kind};
use crate::support::message::{Draft, admission};
use crate::support::reply::code;
use crate::support::upstream::Upstream;

const SENDERS: usize = 4;
const RELOADS: usize = 100;

/// What became of what one sender sent.
#[derive(Default)]
struct Sent {
    passed: usize,
    refused: usize,
    short: usize,
}

fn send(to: std::net::SocketAddr, sender: usize, stop: &AtomicBool) -> Sent {
    let mut client = Client::connect(to);
    let mut sent = Sent::default();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("S{sender}N{n}");
        match n % 3 {
            0 => {
                assert_eq!(code(&client.ask(&admission(&id))), "AA");
                sent.short += 1;
                continue;
            }
            1 => assert_eq!(code(&client.ask(&Draft::clean(&id).bytes())), "AA"),
            _ => {
                if code(&client.ask(&Draft::refused(&id).bytes())) == "AE" {
                    sent.refused += 1;
                    continue;
                }
            }
        }
        sent.passed += 1;
    }
    sent
}

#[test]
fn a_hundred_reloads_under_load_lose_nothing_and_each_message_is_judged_by_one_configuration() {
    let upstream = Upstream::accepting();
    let mut hospital = by_signal().route("his", upstream.address, &[]);
    let gate = hospital.start();
    let stop = Arc::new(AtomicBool::new(false));
    let to = gate.address();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || send(to, sender, &stop))
        })
        .collect();
    for nth in 1..=RELOADS {
        let (from, to) = if nth % 2 == 1 { (STRICT, LENIENT) } else { (LENIENT, STRICT) };
        hospital.change_head(from, to);
        reload(&hospital, &gate, nth);
    }
    stop.store(true, Ordering::Relaxed);
    let sent = senders.into_iter().map(|sender| sender.join().expect("every answer came"));
    let sent = sent.fold(Sent::default(), |all, one| Sent {
        passed: all.passed + one.passed,
        refused: all.refused + one.refused,
        short: all.short + one.short,
    });
    assert!(sent.passed > 0 && sent.refused > 0, "both were under load");
    assert_eq!(upstream.connections(), SENDERS, "no connection was dropped");
    assert_eq!(upstream.frames().len(), sent.passed + sent.short);
    let decided = decisions(gate.data());
    assert_eq!(decided.len(), sent.passed + sent.refused);
    eventually("each delivery is recorded", || {
        (of_kind(gate.data(), "delivery").len() == sent.passed).then_some(())
    });

    let told = configurations(&gate);
    assert_eq!(told.len(), RELOADS + 1);
    // The first is strict; each reload turns it over.
    let lenient: HashMap<&str, bool> =
        told.iter().enumerate().map(|(n, entry)| (name(&entry["id"]), n % 2 == 1)).collect();
    for entry in &decided {
        let by = lenient[name(&entry["body"]["configuration"])];
        let word = if by { "flag" } else { "block" };
        let effect = &entry["body"]["policy"]["effects"]["grant-missing"];
        // What is as the table has it is not written.
        assert!(effect.is_null() && !by || effect[0] == word, "{entry}");
        let expected = match (entry["body"]["verdict"]["cases"][0]["surgeon"]["id"].as_str(), by) {
            (Some("D1005"), true) => "forward-flagged",
            (Some("D1005"), false) => "block",
            _ => "forward",
        };
        assert_eq!(decision(entry), expected, "{entry}");
    }
    println!(
        "{} passed, {} refused, {} short, {RELOADS} reloads",
        sent.passed, sent.refused, sent.short
    );
}

fn name(value: &Value) -> &str {
    value.as_str().expect("an entry")
}
