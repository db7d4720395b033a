//! Bundles: a transaction stands or falls as one, a batch entry by entry.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::fhir_judged::before;
use crate::support::eventually;
use crate::support::http::request;
use crate::support::ledger::{decision, decisions, entries};
use crate::support::resource::{STAFF, bundle, clean, laboratory, refused, with};
use crate::support::server::Server;

#[test]
fn a_transaction_with_one_refused_order_is_refused_whole() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let patient = json!({"resourceType": "Patient"});
    let body = bundle(
        "transaction",
        &[
            ("POST", "Patient", patient),
            ("POST", "ServiceRequest", clean("T1")),
            ("POST", "ServiceRequest", refused("T2")),
        ],
    );
    let answer = client.write("POST", "/fhir", &body.to_string());
    assert_eq!(answer.status(), 422, "{answer:?}");
    let issue = &answer.json()["issue"][0];
    assert_eq!(issue["details"]["coding"][0]["code"], "grant-missing");
    let place = issue["expression"][0].as_str().expect("a place");
    assert!(place.starts_with("Bundle.entry[2].resource"), "{place}");
    assert_eq!(server.requests().len(), 0);
    assert_eq!(decisions(gate.data()).len(), 1);
}

#[test]
fn a_clean_transaction_passes_and_its_orders_are_known_by_their_addresses() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let patient = json!({"resourceType": "Patient"});
    let body = bundle(
        "transaction",
        &[("POST", "Patient", patient), ("POST", "ServiceRequest", clean("T3"))],
    );
    let body = serde_json::to_string_pretty(&body).expect("JSON");
    let answer = client.write("POST", "/fhir/", &body);
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(answer.json()["entry"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.writes()[0].body, body.as_bytes());
    let known = eventually("the delivery", || {
        let all = entries(gate.data());
        let delivery = all.into_iter().find(|entry| entry["kind"] == "delivery")?;
        Some(delivery["body"]["known_as"].clone())
    });
    let address = format!("http://{}/fhir/ServiceRequest/101", server.address);
    assert_eq!(known[0]["address"], json!(address));
    assert_eq!(known[0]["order_no"].as_str().map(|no| no.contains("T3")), Some(true), "{known}");
}

/// Five entries: a reading, three orders of which the second and third are refused, a laboratory order.
fn mixed() -> Value {
    bundle(
        "batch",
        &[
            ("GET", "Patient/1", Value::Null),
            ("POST", "ServiceRequest", clean("B1")),
            ("POST", "ServiceRequest", refused("B2")),
            ("POST", "ServiceRequest", refused("B3")),
            ("POST", "ServiceRequest", laboratory("B4")),
        ],
    )
}

fn statuses(answer: &Value) -> Vec<&str> {
    let entries = answer["entry"].as_array().expect("entries");
    entries.iter().map(|entry| entry["response"]["status"].as_str().expect("a status")).collect()
}

fn check_mixed(answer: &Value, came: &Value) {
    assert_eq!(answer["type"], "batch-response");
    let refusal = "422 Unprocessable Entity";
    let expected = ["201 Created", "201 Created", refusal, refusal, "201 Created"];
    assert_eq!(statuses(answer), expected);
    let outcome = &answer["entry"][2]["response"]["outcome"];
    assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "grant-missing");
    assert_eq!(answer["entry"][4]["response"]["location"], "ServiceRequest/102/_history/1");
    let kept: Vec<Value> =
        [0, 1, 4].iter().map(|at| mixed()["entry"][*at as usize].clone()).collect();
    assert_eq!(came["entry"], json!(kept));
    assert_eq!(came["type"], "batch");
}

#[test]
fn refused_entries_of_a_batch_are_answered_in_their_places_and_the_others_forwarded() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let fields = ["Content-Type: application/fhir+json", "Accept-Encoding: gzip", "If-Match: x"];
    let answer = client.ask(&request("POST", "/fhir", &fields, mixed().to_string().as_bytes()));
    assert_eq!(answer.status(), 200, "{answer:?}");
    let came = &server.writes()[0];
    check_mixed(&answer.json(), &came.json());
    assert_eq!(came.field("accept-encoding"), Some("identity"));
    assert_eq!(came.field("if-match"), Some("x"));
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["forward", "block", "block"]);
    assert_eq!(answer.all("orgate-entry"), [all[0]["id"].as_str().expect("an id")]);
    let delivery = eventually("the delivery", || {
        entries(gate.data()).into_iter().find(|entry| entry["kind"] == "delivery")
    });
    assert_eq!(delivery["body"]["answer_code"], "201");
    let address = format!("http://{}/fhir/ServiceRequest/101", server.address);
    assert_eq!(delivery["body"]["known_as"][0]["address"], json!(address));
}

#[test]
fn an_entry_of_a_batch_is_not_judged_by_whom_another_batch_held() {
    let (_hospital, gate, _server, mut client) = before(Server::storing(), &[]);
    let order = with(clean("B10"), "performer", json!([{"reference": "urn:uuid:p"}]));
    let mut answers = Vec::new();
    for number in ["D9999", "D1002"] {
        let person = json!({"resourceType": "Practitioner",
            "identifier": [{"system": STAFF, "value": number}]});
        let mut body = bundle(
            "batch",
            &[("POST", "Practitioner", person), ("POST", "ServiceRequest", order.clone())],
        );
        body["entry"][0]["fullUrl"] = json!("urn:uuid:p");
        let answer = client.write("POST", "/fhir", &body.to_string());
        assert_eq!(answer.status(), 200, "{answer:?}");
        answers.push(statuses(&answer.json())[1].to_owned());
    }
    assert_eq!(answers, ["422 Unprocessable Entity", "201 Created"]);
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["block", "forward"]);
    assert_eq!(all[0]["body"]["read_elsewhere"], json!(["Bundle"]));
}

#[test]
fn a_compressed_batch_loses_its_coding_only_when_something_is_cut_out() {
    let gzip = |body: &Value| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(body.to_string().as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    };
    let (_hospital, _gate, server, mut client) = before(Server::storing(), &[]);
    let fields = ["Content-Type: application/fhir+json", "Content-Encoding: gzip"];
    let answer = client.ask(&request("POST", "/fhir", &fields, &gzip(&mixed())));
    let came = &server.writes()[0];
    assert_eq!(came.field("content-encoding"), None);
    check_mixed(&answer.json(), &came.json());
    let whole = gzip(&bundle("batch", &[("POST", "ServiceRequest", clean("B5"))]));
    client.ask(&request("POST", "/fhir", &fields, &whole));
    let came = &server.writes()[1];
    assert_eq!((came.field("content-encoding"), &came.body), (Some("gzip"), &whole));
}

#[test]
fn a_batch_of_refused_entries_only_never_reaches_the_server() {
    let (_hospital, _gate, server, mut client) = before(Server::storing(), &[]);
    let entries =
        [("POST", "ServiceRequest", refused("B6")), ("POST", "ServiceRequest", refused("B7"))];
    let answer = client.write("POST", "/fhir", &bundle("batch", &entries).to_string());
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(statuses(&answer.json()), ["422 Unprocessable Entity"; 2]);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_batch_of_which_nothing_is_refused_passes_byte_for_byte() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let entries = [
        ("POST", "ServiceRequest", clean("B8")),
        ("DELETE", "ServiceRequest/5", Value::Null),
        ("POST", "ServiceRequest", laboratory("B9")),
    ];
    let body = format!("\n{}\n", bundle("batch", &entries));
    let answer = client.write("POST", "/fhir", &body);
    assert_eq!(answer.status(), 200);
    assert_eq!(server.writes()[0].body, body.as_bytes());
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["forward", "forward"]);
    assert_eq!(all[1]["body"]["verdict"]["action"], "withdraw");
}

#[test]
fn a_message_bundle_is_judged_by_what_it_contains() {
    let (_hospital, _gate, server, mut client) = before(Server::storing(), &[]);
    let header =
        json!({"resourceType": "MessageHeader", "eventCoding": {"code": "x"}, "source": {}});
    let body = json!({"resourceType": "Bundle", "type": "message", "entry": [
        {"fullUrl": "urn:uuid:1", "resource": header},
        {"fullUrl": "urn:uuid:2", "resource": refused("M1")}
    ]});
    for target in ["/fhir/$process-message", "/fhir", "/fhir/Bundle"] {
        let answer = client.write("POST", target, &body.to_string());
        assert_eq!(answer.status(), 422, "{target}: {answer:?}");
    }
    assert_eq!(server.requests().len(), 0);
}
