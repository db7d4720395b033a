//! Who spoke: the certificate of a sender in the entry of what it sent, in `explain`, and on the page of the case.

use std::process::Command;

use serde_json::Value;

use crate::support::browser::Browser;
use crate::support::foreign_program;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::decisions;
use crate::support::message::Draft;
use crate::support::peer::{Peer, reply};
use crate::support::resource::clean;
use crate::support::server::Server;
use crate::support::upstream::Upstream;
use crate::tls::http::{ORDERS, ask};
use crate::tls::{hospital, port, table};

/// SHA-256 of the certificate in a file, by OpenSSL.
fn fingerprint(file: &str) -> String {
    let mut command = Command::new(foreign_program("ORGATE_TEST_OPENSSL"));
    command.args(["x509", "-noout", "-fingerprint", "-sha256", "-in", file]);
    let said = text(&command.output().expect("openssl runs").stdout);
    let (_, digits) = said.trim().split_once('=').unwrap_or_else(|| panic!("{said}"));
    digits.replace(':', "").to_lowercase()
}

/// Who sent what the newest entry is of.
fn sender(gate: &Gate) -> Value {
    decisions(gate.data()).pop().expect("an entry")["body"]["sender"].clone()
}

fn explained(hospital: &Hospital, gate: &Gate, format: &str) -> String {
    let entry = decisions(gate.data()).pop().expect("an entry");
    let id = entry["id"].as_str().expect("an id");
    let out = hospital.run(&["explain", "--entry", id, "--format", format]);
    assert_eq!(text(&out.stderr), "");
    text(&out.stdout)
}

#[test]
fn the_certificate_of_an_hl7_sender_stands_in_the_entry_in_explain_and_on_the_page() {
    let upstream = Upstream::accepting();
    let (hospital, authority, [ca, cert, key]) = hospital();
    let keys = [("cert", cert.as_str()), ("key", &key), ("client_ca", &ca)];
    let hospital = hospital.route("his", upstream.address, &[&table("mllp.tls", &keys)]);
    let gate = hospital.start();
    // A name that is longer than any, with what would turn round what is read after it.
    let name = format!("HIS\u{202e}\n{}", "长".repeat(200));
    let [cert, key] = hospital.pair("his", &authority.issue(&name));
    let mut client = Peer::start("client.py", &[&port(&gate), &ca, &cert, &key]);
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("W1").bytes())).code(), "AA");
    let told = sender(&gate);
    let shown = format!("HIS\u{fffd}\u{fffd}{}", "长".repeat(95));
    assert_eq!(told["name"], shown.as_str());
    assert_eq!(told["certificate"], fingerprint(&cert).as_str());

    let said = explained(&hospital, &gate, "text");
    assert!(said.contains(&format!("sender: {shown}")), "{said}");
    let said: Value = serde_json::from_str(&explained(&hospital, &gate, "json")).expect("JSON");
    assert_eq!(said["sender"], told);
    hospital.account("wang", "first-word-of-all-7", &["--role", "viewer"]);
    let mut browser = Browser::first_login(&gate, "wang", "first-word-of-all-7");
    let entry = decisions(gate.data()).pop().expect("an entry");
    let page =
        browser.get(&format!("/entries/{}?purpose=complaint", entry["id"].as_str().expect("it")));
    assert!(page.body.contains(&format!(">{shown}</dd>")), "{}", page.body);
    assert!(page.body.contains(&format!("SHA-256 {}", fingerprint(&cert))), "{}", page.body);

    // Of every message, on every connection.
    client.tell(&format!("reconnect {}", port(&gate)));
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::refused("W2").bytes())).code(), "AE");
    assert_eq!(sender(&gate), told);
    let verified = hospital.run(&["ledger", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stdout));
}

#[test]
fn the_certificate_of_a_fhir_client_stands_in_the_entry_and_without_one_nothing_does() {
    let server = Server::storing();
    let (hospital, authority, [ca, cert, key]) = hospital();
    let keys = [("cert", cert.as_str()), ("key", &key), ("client_ca", &ca)];
    let hospital = hospital.fhir("fhir", server.address, &[&table("fhir.tls", &keys)]);
    let gate = hospital.start();
    let own = hospital.pair("engine", &authority.issue("engine"));
    let with = ask(&port(&gate), &ca, "POST", ORDERS, &clean("B1").to_string(), &own);
    assert_eq!(with["status"], 201, "{with}");
    let told = sender(&gate);
    assert_eq!(told["name"], "engine");
    assert_eq!(told["certificate"], fingerprint(&own[0]).as_str());

    let (hospital, gate, _upstream) = Gate::simple(&[]);
    assert_eq!(crate::support::reply::code(&gate.connect().ask(&Draft::clean("P1").bytes())), "AA");
    assert_eq!(sender(&gate), Value::Null);
    assert!(!explained(&hospital, &gate, "text").contains("sender"));
}
