//! What is written to a FHIR server: refused, flagged, let through, and recorded.

use crate::support::gate::{Gate, Hospital};
use crate::support::http::Client;
use crate::support::ledger::{decision, decisions, entries};
use crate::support::resource::{clean, emergency, laboratory, refused};
use crate::support::server::Server;

/// An enforcing gate before a server.
pub(crate) fn before(server: Server, settings: &[&str]) -> (Hospital, Gate, Server, Client) {
    let hospital = Hospital::new().fhir("fhir", server.address, settings);
    let gate = hospital.start();
    let client = Client::connect(gate.address());
    (hospital, gate, server, client)
}

#[test]
fn a_clean_order_passes_byte_for_byte_and_its_answer_names_its_entry() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let body = format!("  {}\n", serde_json::to_string_pretty(&clean("A1001")).expect("JSON"));
    let answer = client.write("POST", "/fhir/ServiceRequest", &body);
    assert_eq!(answer.status(), 201, "{answer:?}");
    assert_eq!(answer.body, body.as_bytes());
    let came = server.writes();
    assert_eq!(came.len(), 1);
    assert_eq!(came[0].body, body.as_bytes());
    let entries = decisions(gate.data());
    assert_eq!(entries.len(), 1);
    assert_eq!(decision(&entries[0]), "forward");
    assert_eq!(answer.field("orgate-entry"), entries[0]["id"].as_str());
}

#[test]
fn a_refused_order_reaches_nobody_and_says_why() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let answer = client.write("POST", "/fhir/ServiceRequest", &refused("A1002").to_string());
    assert_eq!(answer.status(), 422, "{answer:?}");
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let issue = &outcome["issue"][0];
    assert_eq!(issue["severity"], "error");
    assert_eq!(issue["code"], "business-rule");
    assert_eq!(issue["details"]["coding"][0]["system"], "urn:orgate:rule");
    assert_eq!(issue["details"]["coding"][0]["code"], "grant-missing");
    assert!(issue["details"]["text"].as_str().is_some_and(|text| text.contains('权')), "{issue}");
    assert_eq!(server.requests().len(), 0);
    let entries = decisions(gate.data());
    assert_eq!(decision(&entries[0]), "block");
}

#[test]
fn an_emergency_passes_as_an_override_and_a_laboratory_order_unrecorded() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let answer = client.write("POST", "/fhir/ServiceRequest", &emergency("A1003").to_string());
    assert_eq!(answer.status(), 201, "{answer:?}");
    let answer = client.write("POST", "/fhir/ServiceRequest", &laboratory("L1").to_string());
    assert_eq!((answer.status(), answer.field("orgate-entry")), (201, None));
    assert_eq!(server.writes().len(), 2);
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["override"]);
    let deliveries = |gate: &Gate| {
        let all = entries(gate.data());
        all.into_iter().filter(|entry| entry["kind"] == "delivery").collect::<Vec<_>>()
    };
    let delivery = crate::support::eventually("the delivery", || deliveries(&gate).pop());
    assert_eq!(delivery["body"]["answer_code"], "201");
}
