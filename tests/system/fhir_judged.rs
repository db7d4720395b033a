//! What is written to a FHIR server: refused, flagged, let through, and recorded.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::http::{Client, request};
use crate::support::ledger::{decision, decisions, entries};
use crate::support::resource::{clean, emergency, laboratory, refused, with};
use crate::support::server::Server;

/// An enforcing gate before a server.
pub(crate) fn before(server: Server, settings: &[&str]) -> (Hospital, Gate, Server, Client) {
    let hospital = Hospital::new().fhir("fhir", server.address, settings);
    let gate = hospital.start();
    let client = Client::connect(gate.address());
    (hospital, gate, server, client)
}

/// The delivery entries, once there are so many.
pub(crate) fn deliveries(gate: &Gate, count: usize) -> Vec<Value> {
    eventually("the delivery entries", || {
        let mut all = entries(gate.data());
        all.retain(|entry| entry["kind"] == "delivery");
        (all.len() >= count).then_some(all)
    })
}

fn said(entry: &Value, member: &str) -> Vec<u8> {
    let text = entry["body"][member].as_str().expect("it is kept");
    base64::engine::general_purpose::STANDARD.decode(text).expect("base64")
}

const ORDERS: &str = "/fhir/ServiceRequest";

#[test]
fn a_clean_order_passes_byte_for_byte_and_its_answer_names_its_entry() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let body = format!("  {}\n", serde_json::to_string_pretty(&clean("A1001")).expect("JSON"));
    let fields = [
        "Content-Type: application/fhir+json",
        "If-None-Exist: identifier=x|1",
        "Authorization: Bearer secret-token",
        "X-Request-Id: rq-1",
    ];
    let answer =
        client.ask(&request("POST", "/fhir/ServiceRequest?_pretty=true", &fields, body.as_bytes()));
    assert_eq!(answer.status(), 201, "{answer:?}");
    assert_eq!(answer.body, body.as_bytes());
    let came = &server.writes()[0];
    assert_eq!(came.body, body.as_bytes());
    assert_eq!(came.field("authorization"), Some("Bearer secret-token"));
    assert_eq!(came.field("if-none-exist"), Some("identifier=x|1"));
    assert_eq!(came.field("content-length"), Some(body.len().to_string().as_str()));
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["forward"]);
    assert_eq!(answer.field("orgate-entry"), all[0]["id"].as_str());
    let kept = format!(
        "POST /fhir/ServiceRequest?_pretty=true HTTP/1.1\r\ncontent-type: application/fhir+json\r\n\r\n{body}"
    );
    assert_eq!(said(&all[0], "message"), kept.as_bytes());
    assert_eq!(all[0]["body"]["control_id"], "rq-1");
    let delivery = deliveries(&gate, 1).remove(0);
    assert_eq!(delivery["body"]["answer_code"], "201");
    let address = format!("http://{}/fhir/ServiceRequest/77", server.address);
    assert_eq!(delivery["body"]["known_as"][0]["address"], json!(address));
}

#[test]
fn a_refused_order_reaches_nobody_and_says_why() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let body = refused("A1002").to_string();
    let fields = [
        "Content-Type: application/fhir+json",
        "Prefer: return=minimal",
        "Accept: application/fhir+xml",
    ];
    let answer = client.ask(&request("POST", ORDERS, &fields, body.as_bytes()));
    assert_eq!(answer.start(), "HTTP/1.1 422 Unprocessable Entity");
    assert_eq!(answer.field("content-type"), Some("application/fhir+json; charset=utf-8"));
    assert!(answer.field("date").is_some());
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let issue = &outcome["issue"][0];
    assert_eq!((&issue["severity"], &issue["code"]), (&json!("error"), &json!("business-rule")));
    let coding = &issue["details"]["coding"][0];
    assert_eq!(coding, &json!({"system": "urn:orgate:rule", "code": "grant-missing"}));
    assert!(issue["details"]["text"].as_str().is_some_and(|text| text.contains('权')), "{issue}");
    let place = issue["expression"][0].as_str().expect("a place");
    assert!(place.starts_with("ServiceRequest."), "{place}");
    assert_eq!(server.requests().len(), 0);
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["block"]);
    let entry = all[0]["id"].as_str().expect("an id");
    assert_eq!(answer.field("orgate-entry"), Some(entry));
    assert!(issue["diagnostics"].as_str().is_some_and(|text| text.contains(entry)), "{issue}");
    let kept = said(&all[0], "answer");
    assert!(kept.starts_with(b"HTTP/1.1 422 Unprocessable Entity\r\n"));
    assert!(kept.ends_with(&answer.body), "the ledger holds what was sent");
}

#[test]
fn a_refused_order_sent_again_gets_the_same_answer_and_no_second_entry() {
    let (hospital, mut gate, server, mut client) = before(Server::storing(), &[]);
    let body = refused("A1004").to_string();
    let first = client.write("POST", ORDERS, &body);
    let again = client.write("POST", ORDERS, &body);
    assert_eq!(again.start(), first.start());
    assert!(again.body == first.body, "{again:?}\n{first:?}");
    assert_eq!(again.field("orgate-entry"), first.field("orgate-entry"));
    gate.stop();
    let gate = hospital.start();
    let again = Client::connect(gate.address()).write("POST", ORDERS, &body);
    assert_eq!(again.status(), 422);
    assert!(again.body == first.body, "not remembered over a restart: {again:?}");
    assert_eq!(decisions(gate.data()).len(), 1);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn an_emergency_passes_as_an_override_and_a_laboratory_order_unrecorded() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let answer = client.write("POST", ORDERS, &emergency("A1003").to_string());
    assert_eq!(answer.status(), 201, "{answer:?}");
    let answer = client.write("POST", ORDERS, &laboratory("L1").to_string());
    assert_eq!((answer.status(), answer.field("orgate-entry")), (201, None));
    assert_eq!(server.writes().len(), 2);
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["override"]);
}

#[test]
fn an_update_is_judged_too_and_withdrawals_pass_and_are_recorded() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let bad = with(refused("A1005"), "id", json!("9"));
    assert_eq!(client.write("PUT", "/fhir/ServiceRequest/9", &bad.to_string()).status(), 422);
    assert_eq!(
        client
            .write("PUT", "/fhir/ServiceRequest?identifier=x|A1005", &refused("A1005").to_string())
            .status(),
        422
    );
    let revoked = with(bad.clone(), "status", json!("revoked"));
    assert_eq!(client.write("PUT", "/fhir/ServiceRequest/9", &revoked.to_string()).status(), 200);
    let answer = client.ask(b"DELETE /fhir/ServiceRequest/9 HTTP/1.1\r\nHost: gate\r\n\r\n");
    assert_eq!(answer.status(), 200);
    assert!(answer.field("orgate-entry").is_some());
    assert_eq!(client.write("PUT", "/fhir/ServiceRequest/8", &bad.to_string()).status(), 400);
    let lines: Vec<String> = server.lines();
    assert_eq!(
        lines,
        ["PUT /fhir/ServiceRequest/9 HTTP/1.1", "DELETE /fhir/ServiceRequest/9 HTTP/1.1"]
    );
    let all = decisions(gate.data());
    let actions: Vec<&str> = all
        .iter()
        .map(|entry| entry["body"]["verdict"]["action"].as_str().unwrap_or("?"))
        .collect();
    assert_eq!(actions, ["change", "change", "withdraw", "withdraw", "?"]);
    assert_eq!(all[4]["body"]["unreadable"], "fhir-address");
}

#[test]
fn a_later_appointment_belongs_to_the_order_that_the_server_gave_an_address() {
    let (hospital, mut gate, server, mut client) = before(Server::storing(), &[]);
    assert_eq!(client.write("POST", ORDERS, &clean("A1006").to_string()).status(), 201);
    deliveries(&gate, 1);
    let number =
        decisions(gate.data())[0]["body"]["facts"]["orders"][0]["groups"][0]["order_no"].clone();
    assert!(number.is_string());
    gate.stop();
    let gate = hospital.start();
    let appointment = json!({
        "resourceType": "Appointment", "status": "booked",
        "basedOn": [{"reference": "ServiceRequest/77"}],
        "serviceType": [{"coding": [{"code": "51.2300"}]}],
        "participant": [{"actor": {"reference": "Practitioner/nobody"}, "status": "accepted"}]
    });
    Client::connect(gate.address()).write("POST", "/fhir/Appointment", &appointment.to_string());
    let all = decisions(gate.data());
    let own = &all.last().expect("a notice")["body"]["facts"]["orders"][0];
    assert_eq!(own["stage"], "notice");
    assert_eq!(own["groups"][0]["order_no"], number);
    drop(server);
}

#[test]
fn an_observing_route_forwards_all_and_records_what_would_have_been_decided() {
    let (_hospital, gate, server, mut client) =
        before(Server::storing(), &["stance = \"observe\"", "max_body_kib = 16"]);
    let long = format!("{{\"resourceType\":\"ServiceRequest\",\"x\":\"{}\"}}", "y".repeat(40_000));
    let bodies = [refused("A1007").to_string(), "{\"resourceType\": \"Serv".to_owned(), long];
    for body in &bodies {
        assert_eq!(client.write("POST", ORDERS, body).status(), 201);
    }
    let xml = b"<ServiceRequest xmlns=\"http://hl7.org/fhir\"/>".as_slice();
    let fields = ["Content-Type: application/fhir+xml", "X-HTTP-Method-Override: PUT"];
    client.ask(&request("POST", ORDERS, &fields, xml));
    let came: Vec<Vec<u8>> = server.writes().into_iter().map(|request| request.body).collect();
    let mut sent: Vec<Vec<u8>> = bodies.into_iter().map(String::into_bytes).collect();
    sent.push(xml.to_vec());
    assert_eq!(came, sent);
    let all = decisions(gate.data());
    let unreadable: Vec<&str> =
        all.iter().map(|entry| entry["body"]["unreadable"].as_str().unwrap_or("-")).collect();
    assert_eq!(unreadable, ["-", "fhir-not-json", "fhir-too-long", "fhir-method-override"]);
    assert_eq!(decision(&all[0]), "block");
}

/// Method, target, headers, body; status and what is told.
type Case<'c> = (&'c str, &'c str, &'c [&'c str], &'c [u8], u16, &'c str);

#[test]
fn what_cannot_be_judged_is_refused_with_its_own_status() {
    let (_hospital, _gate, server, mut client) = before(Server::storing(), &["max_body_kib = 16"]);
    let json = "Content-Type: application/fhir+json";
    let body = clean("A1008").to_string();
    let body = body.as_bytes();
    let long = vec![b' '; 17 * 1024];
    let cases: [Case<'_>; 9] = [
        ("POST", ORDERS, &[json], b"{", 400, "structure"),
        ("POST", ORDERS, &[json], b"{\"resourceType\":\"Patient\"}", 400, "structure"),
        ("POST", ORDERS, &["Content-Type: application/fhir+xml"], b"<a/>", 415, "not-supported"),
        ("POST", ORDERS, &[json, "Content-Encoding: zstd"], body, 415, "not-supported"),
        ("POST", ORDERS, &[json, "Content-Encoding: gzip"], body, 400, "structure"),
        ("POST", ORDERS, &[json], &long, 413, "too-long"),
        ("POST", "/fhir/$graphql", &[json], b"{}", 403, "not-supported"),
        ("POST", "/fhir/Patient", &[json], body, 400, "structure"),
        ("POST", ORDERS, &[json, "X-Original-URL: /x"], body, 400, "structure"),
    ];
    for (method, target, fields, body, status, code) in cases {
        let answer = client.ask(&request(method, target, fields, body));
        assert_eq!(answer.status(), status, "{target} {fields:?}: {answer:?}");
        let issue = &answer.json()["issue"][0];
        assert_eq!((&issue["severity"], &issue["code"]), (&json!("error"), &json!(code)));
    }
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn requests_that_are_too_long_to_be_kept_whole_are_not_taken_for_one_another() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &["max_body_kib = 16"]);
    let json = "Content-Type: application/fhir+json";
    for filler in [b' ', b'\n'] {
        let long = vec![filler; 17 * 1024];
        assert_eq!(client.ask(&request("POST", ORDERS, &[json], &long)).status(), 413);
    }
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["unavailable", "unavailable"]);
    assert_eq!(all[0]["body"]["read_elsewhere"], json!(["fhir-too-long"]));
    assert_eq!(server.requests().len(), 0);
}
