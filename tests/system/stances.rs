//! Emergencies, and what a route does with verdicts: enforce, for some departments, observe.

use crate::support::client::Client;
use crate::support::gate::Gate;
use crate::support::ledger::{decision, decisions_of, findings};
use crate::support::message::Draft;
use crate::support::reply::{Reply, code};
use crate::support::upstream::{Upstream, accepted};

const ATTESTATION: &str =
    "OBX|1|ST|LIFE-SAVING^抢救生命声明^L||感染性休克，院内有权限术者均在台上||||||F";

/// Has the register asked for the surgeon before: an emergency does not wait for it on a busy machine,
/// and then passes with a gap instead of the findings that are tested here.
fn known(client: &mut Client, surgeon: &'static str) {
    let elective = Draft { surgeon, ..Draft::refused(format!("K{surgeon}")) };
    assert_eq!(code(&client.ask(&elective.bytes())), "AE");
}

fn attested(id: &str) -> Draft {
    let draft = Draft::emergency(id).line(ATTESTATION);
    // ORC-11: who attests.
    Draft { urgency: "S||||D1001^林启明", ..draft }
}

#[test]
fn an_emergency_passes_against_a_missing_grant_and_opens_an_override() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    known(&mut client, "D1005");
    let bare = Draft::emergency("E2");
    for draft in [&attested("E1"), &bare] {
        client.send(&draft.frame());
        assert_eq!(client.frame(), accepted(&draft.frame()));
    }
    assert_eq!(upstream.bytes(), [attested("E1").frame(), bare.frame()].concat());
    let entry = |id| decisions_of(gate.data(), id).remove(0);
    let always = [
        "grant-missing overridden",
        "discussion-missing flag",
        "emergency-surgery flag",
        "emergency-override flag",
    ];
    assert_eq!(decision(&entry("E1")), "override");
    assert_eq!(findings(&entry("E1")), always);
    assert_eq!(decision(&entry("E2")), "override");
    assert_eq!(findings(&entry("E2")), [&always[..], &["override-unattested flag"]].concat());
}

#[test]
fn what_no_emergency_lifts_is_refused() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    known(&mut client, "D1005");
    known(&mut client, "D1026");
    let suspended = Draft { surgeon: "D1026^蒋未央", ..Draft::emergency("N1") };
    let stopped = Draft { code: "47.1100", ..Draft::emergency("N2") };
    for (draft, rule) in [(suspended, "surgeon-not-licensed"), (stopped, "technique-stopped")] {
        let reply = Reply::read(&client.ask(&draft.bytes()));
        assert_eq!(reply.code(), "AE");
        assert_eq!(reply.components("ERR", 0, 5)[0], rule);
    }
    assert!(upstream.bytes().is_empty());
}

#[test]
fn a_house_may_demand_the_attestation() {
    let upstream = Upstream::accepting();
    let hospital = crate::support::gate::Hospital::new()
        .set("[policy]\nrequire_attestation = true")
        .route("his", upstream.address, &[]);
    let gate = hospital.start();
    let mut client = gate.connect();
    known(&mut client, "D1005");
    let reply = Reply::read(&client.ask(&Draft::emergency("H1").bytes()));
    assert_eq!(reply.code(), "AE");
    assert_eq!(code(&client.ask(&attested("H2").bytes())), "AA");
    assert_eq!(upstream.bytes(), attested("H2").frame());
}

#[test]
fn only_the_departments_that_went_live_are_enforced() {
    let (_hospital, gate, upstream) = Gate::simple(&["departments = [\"0302\", \"0303\"]"]);
    let mut client = gate.connect();
    let of = |id: &str, department| Draft { department, ..Draft::refused(id) };
    for (id, department, expected, stance) in [
        ("A1", "0302", "AE", "enforce"),
        ("A2", "0301", "AA", "observe"),
        ("A3", "", "AA", "observe"),
        ("A4", " 0303 ", "AE", "enforce"),
    ] {
        let draft = of(id, department);
        assert_eq!(code(&client.ask(&draft.bytes())), expected, "{id}");
        let entry = decisions_of(gate.data(), id).remove(0);
        assert_eq!(decision(&entry), "block", "{id}: what is decided does not depend on it");
        assert_eq!(entry["body"]["verdict"]["stance"], stance, "{id}");
    }
    let both = of("A5", "0301").bytes();
    let both = [&both[..], b"ORC|NW|X|||||||||||||||0302\rPR1|2||52.7x00||||||||D1005\r"].concat();
    assert_eq!(code(&client.ask(&both)), "AE", "one enforced group refuses the whole message");
    assert_eq!(upstream.bytes(), [of("A2", "0301").frame(), of("A3", "").frame()].concat());
}

#[test]
fn observing_forwards_everything_and_records_what_would_have_been() {
    let (_hospital, gate, upstream) = Gate::simple(&["stance = \"observe\""]);
    let mut client = gate.connect();
    let sent = [
        (Draft::clean("O1"), "forward"),
        (Draft::refused("O2"), "block"),
        (Draft::emergency("O3"), "override"),
        (Draft { surgeon: "D1&D2", ..Draft::clean("O4") }, "unavailable"),
    ];
    for (draft, decided) in &sent {
        client.send(&draft.frame());
        assert_eq!(client.frame(), accepted(&draft.frame()));
        let entries = decisions_of(gate.data(), &draft.id);
        assert_eq!(entries.iter().map(decision).collect::<Vec<_>>(), [*decided]);
        assert_eq!(entries[0]["body"]["verdict"]["stance"], "observe");
    }
    let all: Vec<u8> = sent.iter().flat_map(|(draft, _)| draft.frame()).collect();
    assert_eq!(upstream.bytes(), all);
}

#[test]
fn calling_an_operation_off_always_passes() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for control in ["CA", "DC", "HD", "OC", "OD", "OH"] {
        let draft = Draft { control, ..Draft::refused(control) };
        assert_eq!(code(&client.ask(&draft.bytes())), "AA", "{control}");
    }
    assert_eq!(upstream.frames().len(), 6);
}

#[test]
fn a_record_is_never_refused() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for (id, kind) in [("R1", "ORU^R01^ORU_R01"), ("R2", "ADT^A03^ADT_A03"), ("R3", "BAR^P12")] {
        let draft = Draft { kind, ..Draft::refused(id) };
        assert_eq!(code(&client.ask(&draft.bytes())), "AA", "{kind}");
        let entry = decisions_of(gate.data(), id).remove(0);
        assert_eq!(decision(&entry), "forward-flagged");
        let found = ["grant-missing flag", "discussion-missing flag", "order-not-found flag"];
        assert_eq!(findings(&entry), found);
    }
    assert_eq!(upstream.frames().len(), 3);
}
