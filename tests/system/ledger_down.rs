//! A ledger that cannot be written: the disk takes no more bytes, and later takes them again.

use std::process::Command;

use serde_json::json;

use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decision, decisions_of, entries, files};
use crate::support::message::{Draft, acknowledgement, admission};
use crate::support::reply::{Reply, code};
use crate::support::upstream::Upstream;

/// Lets the gate's files grow no further than the ledger is now, or without limit again.
pub(crate) fn limit(gate: &Gate, full: bool) {
    let size = std::fs::metadata(&files(gate.data())[0]).expect("a ledger file").len();
    let limit = if full { size.to_string() } else { "unlimited".to_owned() };
    let done = Command::new("prlimit")
        .args(["--pid", &gate.pid(), &format!("--fsize={limit}:unlimited")])
        .output()
        .expect("prlimit (util-linux) runs");
    assert!(done.status.success(), "{}", text(&done.stderr));
}

/// A gate that outlives the signal which a file at its limit raises: what remains is a disk that is full.
fn gate_with_a_small_disk(settings: &[&str]) -> (Hospital, Gate, Upstream) {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, settings);
    let gate = hospital.start_by(&mut hospital.command_under("trap '' XFSZ"));
    (hospital, gate, upstream)
}

#[test]
fn elective_orders_are_refused_to_be_sent_again_and_emergencies_pass_and_are_entered_afterwards() {
    let (hospital, mut gate, upstream) = gate_with_a_small_disk(&[]);
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean("D1").bytes())), "AA");
    // The entry on how D1 was answered must be on disk before the disk is full.
    eventually("the delivery entry", || {
        entries(gate.data()).iter().any(|e| e["kind"] == "delivery").then_some(())
    });
    limit(&gate, true);

    for (accept, expected) in [("", "AR"), ("AL", "CR")] {
        let draft = Draft { accept, ..Draft::clean("D2") };
        let reply = Reply::read(&client.ask(&draft.bytes()));
        assert_eq!([reply.code(), reply.field("MSA", 2)], [expected, "D2"]);
        assert_eq!(reply.components("ERR", 0, 5)[0], "ledger-unavailable");
        assert_eq!(reply.components("ERR", 0, 3)[0], "207");
    }
    // What would be refused anyway is, with its own reason, and not only for now.
    let reply = Reply::read(&client.ask(&Draft::refused("D3").bytes()));
    assert_eq!(reply.code(), "AE");
    assert_eq!(reply.components("ERR", 0, 5)[0], "grant-missing");
    for passing in [
        Draft::emergency("D4"),
        Draft { control: "CA", ..Draft::refused("D5") },
        Draft { kind: "ORU^R01", ..Draft::refused("D6") },
    ] {
        client.send(&passing.frame());
        assert_eq!(client.frame(), acknowledgement("AA", passing.id.as_bytes()));
    }
    assert_eq!(code(&client.ask(&admission("D7"))), "AA", "what is not surgical needs no entry");
    assert!(gate.page("/readyz").0.contains("503"));
    gate.says("moved unrecorded");
    gate.says("refused unrecorded");
    assert!(decisions_of(gate.data(), "D4").is_empty());

    limit(&gate, false);
    eventually("what was done meanwhile is entered", || {
        let known = |id: &&str| !decisions_of(gate.data(), id).is_empty();
        ["D2", "D3", "D4", "D5", "D6"].iter().all(known).then_some(())
    });
    eventually("the gate is ready again", || gate.page("/readyz").0.contains("200").then_some(()));
    let entry = |id| decisions_of(gate.data(), id).remove(0);
    for (id, moved) in [("D2", false), ("D3", false), ("D4", true), ("D5", true), ("D6", true)] {
        let done = entry(id)["body"]["without_ledger"].clone();
        assert_eq!((&done["gap"], &done["moved"]), (&json!("ledger-unavailable"), &json!(moved)));
    }
    assert_eq!(decision(&entry("D4")), "override");
    let again = client.ask(&Draft::clean("D2").bytes());
    assert_eq!(code(&again), "AA", "sent again, it is judged again");
    gate.stop();
    let out = hospital.run(&["ledger", "verify"]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    let passed: Vec<String> = upstream
        .frames()
        .iter()
        .map(|frame| text(&crate::support::message::control_id(frame)))
        .collect();
    assert_eq!(passed, ["D1", "D4", "D5", "D6", "D7", "D2"]);
}

#[test]
fn an_observing_route_is_not_held_up_by_its_ledger() {
    let (_hospital, gate, upstream) = gate_with_a_small_disk(&["stance = \"observe\""]);
    let mut client = gate.connect();
    limit(&gate, true);
    for draft in [Draft::clean("O1"), Draft::refused("O2"), Draft::emergency("O3")] {
        assert_eq!(code(&client.ask(&draft.bytes())), "AA");
    }
    assert_eq!(upstream.frames().len(), 3);
    limit(&gate, false);
    eventually("all are entered", || {
        ["O1", "O2", "O3"].iter().all(|id| !decisions_of(gate.data(), id).is_empty()).then_some(())
    });
}

#[test]
fn a_gate_starts_though_its_ledger_cannot_grow_and_lets_emergencies_through() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let mut first = hospital.start();
    let long = |n| Draft::clean(format!("L{n}")).line(&format!("NTE|1||{}", "x".repeat(50_000)));
    for n in 0..4 {
        assert_eq!(code(&first.connect().ask(&long(n).bytes())), "AA");
    }
    first.stop();
    // 256 blocks of 512 bytes: less than the ledger has, more than the register needs to be opened.
    let gate = hospital.start_by(&mut hospital.command_under("trap '' XFSZ; ulimit -S -f 256"));
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean("F1").bytes())), "AR");
    assert_eq!(code(&client.ask(&Draft::emergency("F2").bytes())), "AA");
    assert_eq!(upstream.frames().last(), Some(&Draft::emergency("F2").frame()));
    limit(&gate, false);
    eventually("the emergency is entered", || {
        (!decisions_of(gate.data(), "F2").is_empty()).then_some(())
    });
}
