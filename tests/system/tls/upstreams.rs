//! Downstream systems by TLS: trusted, not trusted, and those that do not trust the gate.

use crate::support::certificates::{Authority, Pair, self_signed};
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::decisions;
use crate::support::message::Draft;
use crate::support::peer::{Peer, reply};
use crate::support::reply::code;
use crate::support::script::Script;
use crate::tls::{hospital, port, table};

/// A downstream system by python-hl7 that shows a certificate.
fn downstream(hospital: &Hospital, pair: &Pair, client_ca: Option<&str>) -> Script {
    let [cert, key] = hospital.pair("lis", pair);
    let mut arguments = vec![cert.as_str(), &key];
    arguments.extend(client_ca);
    Script::python("server.py", &arguments)
}

fn messages(server: &Script) -> usize {
    server.lines().iter().filter(|line| line.starts_with("message")).count()
}

/// So many came, and no more. What it prints may be read after what it answers.
fn came(server: &Script, wanted: usize) {
    eventually("what was sent comes", || (messages(server) >= wanted).then_some(()));
    assert_eq!(messages(server), wanted, "{:?}", server.lines());
}

#[test]
fn a_foreign_system_behind_tls_gets_what_passes_and_answers_it() {
    let (hospital, authority, [ca, cert, key]) = hospital();
    let lis = downstream(&hospital, &authority.issue("lis"), Some(&ca));
    let keys = [("ca", ca.as_str()), ("cert", &cert), ("key", &key)];
    let outward = table("mllp.upstream_tls", &keys);
    let inward = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.route("his", lis.address(), &[&outward, &inward]);
    let gate = hospital.start();
    let mut client = Peer::start("client.py", &[&port(&gate), &ca]);
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("W1").bytes())).code(), "AA");
    assert_eq!(reply(&client.ask(&Draft::refused("W2").bytes())).code(), "AE");
    assert_eq!(reply(&client.ask(&Draft::clean("W3").bytes())).code(), "AA");
    came(&lis, 2);
}

#[test]
fn long_messages_pass_by_tls_on_both_sides() {
    let (hospital, authority, [ca, cert, key]) = hospital();
    let lis = downstream(&hospital, &authority.issue("lis"), None);
    let outward = table("mllp.upstream_tls", &[("ca", &ca)]);
    let inward = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.route("his", lis.address(), &[&outward, &inward]);
    let gate = hospital.start();
    let note = format!("NTE|1||{}", "手术同意书 consent ".repeat(100_000));
    let file = hospital.file("long.hl7", Draft::clean("L1").line(&note).bytes());
    let to = format!("localhost:{}", port(&gate));
    let out = hospital
        .run(&["send", &file, "--to", &to, "--tls", "--ca", &ca, "--repeat", "3", "--quiet"]);
    assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    came(&lis, 3);
}

/// Sends a clean order through the gate, in vain: the connection ends without an answer.
fn in_vain(gate: &Gate, id: &str) {
    let mut client = Client::connect(gate.address());
    client.try_send(&Draft::clean(id).frame());
    client.expect_closed();
}

#[test]
fn a_system_whose_certificate_does_not_hold_gets_nothing_and_nobody_gets_an_aa() {
    let names = ["localhost", "127.0.0.1"];
    let authority = Authority::new("the hospital's CA");
    let shown = [
        (Authority::new("somebody else's CA").issue("lis"), "certificate-unknown-issuer"),
        (self_signed("lis"), "certificate-unknown-issuer"),
        (authority.issue_for("lis", &names, (-30, -1)), "certificate-expired"),
        (authority.issue_for("lis", &["lis.example"], (-1, 9)), "certificate-wrong-name"),
    ];
    for (pair, why) in shown {
        let hospital = Hospital::new();
        let ca = hospital.file("ca.pem", &authority.pem);
        let lis = downstream(&hospital, &pair, None);
        let outward = table("mllp.upstream_tls", &[("ca", &ca)]);
        let hospital = hospital.route("his", lis.address(), &[&outward]);
        let gate = hospital.start();
        in_vain(&gate, "X1");
        gate.says("upstream cannot be reached");
        gate.says(&format!("why={why}"));
        assert_eq!(messages(&lis), 0, "{why}: {:?}", lis.lines());
        assert!(decisions(gate.data()).is_empty(), "nothing was judged");
    }
}

#[test]
fn a_sender_that_has_said_all_is_still_answered_by_a_system_behind_tls() {
    let (hospital, authority, [ca, ..]) = hospital();
    let lis = downstream(&hospital, &authority.issue("lis"), None);
    let outward = table("mllp.upstream_tls", &[("ca", &ca)]);
    let hospital = hospital.route("his", lis.address(), &[&outward]);
    let gate = hospital.start();
    let mut client = gate.connect();
    client.send(&[Draft::clean("F1").frame(), Draft::clean("F2").frame()].concat());
    client.finish();
    assert_eq!([code(&client.answer()), code(&client.answer())], ["AA", "AA"]);
    client.expect_closed();
    came(&lis, 2);
}

#[test]
fn another_name_is_trusted_only_when_the_configuration_says_so() {
    let (hospital, authority, [ca, ..]) = hospital();
    let pair = authority.issue_for("lis", &["lis.example"], (-1, 9));
    let lis = downstream(&hospital, &pair, None);
    let keys = [("ca", ca.as_str()), ("server_name", "lis.example")];
    let outward = table("mllp.upstream_tls", &keys);
    let hospital = hospital.route("his", lis.address(), &[&outward]);
    hospital.start().still_serves("N1");
}

#[test]
fn a_system_that_wants_a_certificate_of_the_gate_gets_nothing_without_one() {
    let (hospital, authority, [ca, cert, key]) = hospital();
    let lis = downstream(&hospital, &authority.issue("lis"), Some(&ca));
    let without = table("mllp.upstream_tls", &[("ca", &ca)]);
    let mut hospital = hospital.route("his", lis.address(), &[&without]);
    let mut gate = hospital.start();
    in_vain(&gate, "C1");
    assert_eq!(messages(&lis), 0, "{:?}", lis.lines());
    gate.stop();

    let keys = [("ca", ca.as_str()), ("cert", &cert), ("key", &key)];
    hospital.change(&without, &table("mllp.upstream_tls", &keys));
    hospital.start().still_serves("C2");
    came(&lis, 1);
}

#[test]
fn the_test_client_trusts_and_is_trusted_by_files() {
    let (hospital, authority, [ca, cert, key]) = hospital();
    let lis = downstream(&hospital, &authority.issue("lis"), Some(&ca));
    let file = hospital.file("one.hl7", Draft::clean("O1").bytes());
    let to = lis.address().to_string();
    let send = |more: &[&str]| {
        let mut arguments = vec!["send", &file, "--to", &to, "--timeout-ms", "60000", "--tls"];
        arguments.extend(more);
        hospital.run(&arguments)
    };
    let good = send(&["--ca", &ca, "--cert", &cert, "--key", &key]);
    assert!(good.status.success(), "{}", text(&good.stderr));
    assert!(text(&good.stdout).contains("MSA|AA|O1"), "{}", text(&good.stdout));
    let unnamed = send(&["--ca", &ca]);
    assert_eq!(unnamed.status.code(), Some(1), "{}", text(&unnamed.stdout));
    let distrusted = send(&["--ca", &cert, "--cert", &cert, "--key", &key]);
    assert_eq!(distrusted.status.code(), Some(1));
    assert!(text(&distrusted.stderr).contains("certificate-"), "{}", text(&distrusted.stderr));
    let other = send(&["--ca", &ca, "--server-name", "lis.example"]);
    assert!(text(&other.stderr).contains("certificate-wrong-name"), "{}", text(&other.stderr));
    came(&lis, 1);
}
