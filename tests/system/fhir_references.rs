//! References that lead to the server: looked up with the client's own credentials, never for an emergency.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fhir_judged::before;
use crate::support::eventually;
use crate::support::http::{Message, request, response};
use crate::support::ledger::{decision, decisions, findings};
use crate::support::resource::{STAFF, bundle, clean, emergency, refused, with};
use crate::support::server::{Server, stored};

const ORDERS: &str = "/fhir/ServiceRequest";

/// The order with the surgeon named by reference only.
fn by_reference(order: Value, reference: &str) -> Value {
    with(order, "performer", json!([{ "reference": reference }]))
}

fn practitioner(id: &str, number: &str) -> Value {
    json!({
        "resourceType": "Practitioner", "id": id,
        "identifier": [{"system": STAFF, "value": number}],
        "name": [{"text": "沈若川"}]
    })
}

#[test]
fn a_surgeon_is_read_from_the_server_with_the_clients_own_credentials() {
    let role = json!({"resourceType": "PractitionerRole", "id": "r1",
        "practitioner": {"reference": "Practitioner/9"}});
    let server = Server::holding(vec![practitioner("9", "D1002"), role]);
    let (_hospital, gate, server, mut client) = before(server, &["lookup_timeout_ms = 30000"]);
    let fields = [
        "Content-Type: application/fhir+json",
        "Authorization: Bearer abc",
        "Cookie: s=1",
        "X-Other: 1",
    ];
    let body = by_reference(clean("C1"), "PractitionerRole/r1").to_string();
    let answer = client.ask(&request("POST", ORDERS, &fields, body.as_bytes()));
    assert_eq!(answer.status(), 201, "{answer:?}");
    let came = server.requests();
    let lines: Vec<&str> = came.iter().map(Message::start).collect();
    let looked_up = ["GET /fhir/PractitionerRole/r1 HTTP/1.1", "GET /fhir/Practitioner/9 HTTP/1.1"];
    assert_eq!(lines[..2], looked_up);
    for looked_up in &came[..2] {
        assert_eq!(looked_up.field("authorization"), Some("Bearer abc"));
        assert_eq!(looked_up.field("cookie"), Some("s=1"));
        assert_eq!(looked_up.field("accept"), Some("application/fhir+json"));
        assert_eq!(looked_up.field("x-other"), None);
    }
    let all = decisions(gate.data());
    assert_eq!(decision(&all[0]), "forward");
    assert_eq!(all[0]["body"]["read_elsewhere"], json!(["Practitioner/9", "PractitionerRole/r1"]));
    // Remembered for the next one.
    client.write("POST", ORDERS, &by_reference(clean("C2"), "Practitioner/9").to_string());
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn an_order_inside_a_care_plan_names_its_surgeon_beside_it() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let mut order = with(by_reference(clean("C9"), "#doc"), "id", json!("o"));
    let mut plan = json!({ "resourceType": "CarePlan", "status": "active", "intent": "plan",
        "subject": {"reference": "Patient/1"}, "contained": [practitioner("doc", "D1002"), order] });
    assert_eq!(client.write("POST", "/fhir/CarePlan", &plan.to_string()).status(), 201);
    order = with(by_reference(refused("C9"), "#doc"), "id", json!("o"));
    plan["contained"] = json!([order, practitioner("doc", "D1005")]);
    assert_eq!(client.write("POST", "/fhir/CarePlan", &plan.to_string()).status(), 422);
    plan["contained"].as_array_mut().expect("a list").push(practitioner("doc", "D1004"));
    let answer = client.write("POST", "/fhir/CarePlan", &plan.to_string());
    assert!([400, 422].contains(&answer.status()), "two of one id: {answer:?}");
    let all = decisions(gate.data());
    assert_eq!(decision(&all[0]), "forward");
    assert!(findings(&all[1]).contains(&"grant-missing block".to_owned()));
    assert_eq!(server.writes().len(), 1);
}

#[test]
fn a_person_that_the_server_does_not_have_is_unknown_and_the_refusal_is_not_kept() {
    let (_hospital, gate, server, mut client) =
        before(Server::storing(), &["lookup_timeout_ms = 30000"]);
    let body = by_reference(clean("C3"), "Practitioner/9").to_string();
    for _ in 0..2 {
        assert_eq!(client.write("POST", ORDERS, &body).status(), 422);
    }
    let all = decisions(gate.data());
    assert_eq!(all.len(), 2, "who is unknown now may be known the next time");
    assert_eq!(findings(&all[0])[0], "surgeon-unknown block");
    assert_eq!(server.writes().len(), 0);
}

#[test]
fn an_emergency_is_judged_by_what_is_known_though_the_server_hangs() {
    let server = Server::doing(Box::new(|request: &Message, stream| {
        if request.start().starts_with("GET ") {
            std::thread::sleep(Duration::from_secs(20));
        }
        let _ = stream.write_all(&stored(request));
    }));
    let (_hospital, gate, server, mut client) = before(server, &["lookup_timeout_ms = 60000"]);
    let body = by_reference(emergency("C4"), "Practitioner/9").to_string();
    let answer = client.write("POST", ORDERS, &body);
    assert_eq!(answer.status(), 201, "{answer:?}");
    assert_eq!(server.lines(), ["POST /fhir/ServiceRequest HTTP/1.1"], "nobody was asked");
    let all = decisions(gate.data());
    assert_eq!(decision(&all[0]), "override");
    assert!(findings(&all[0]).iter().any(|f| f.starts_with("surgeon-unknown")));
}

#[test]
fn an_emergency_in_a_batch_waits_for_no_patch_of_another_entry() {
    let server = Server::doing(Box::new(|ask: &Message, stream| {
        if !ask.start().starts_with("GET ") {
            let _ = stream.write_all(&stored(ask));
        }
    }));
    let (_hospital, gate, server, mut client) = before(server, &["lookup_timeout_ms = 60000"]);
    let patch = json!({"resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        {"name": "type", "valueCode": "delete"},
        {"name": "path", "valueString": "ServiceRequest.note"} ]}]});
    let body = bundle(
        "batch",
        &[("PATCH", "ServiceRequest/7", patch), ("POST", "ServiceRequest", emergency("C7"))],
    );
    let answer = client.write("POST", "/fhir", &body.to_string());
    assert_eq!(server.lines(), ["POST /fhir HTTP/1.1"], "nobody was asked");
    let entries = answer.json()["entry"].clone();
    let status =
        |at: usize| entries[at]["response"]["status"].as_str()?.get(..3).map(str::to_owned);
    assert_eq!((status(0), status(1)), (Some("503".to_owned()), Some("201".to_owned())));
    let all = decisions(gate.data());
    assert_eq!(all[0]["body"]["unreadable"], "fhir-current-unavailable");
    assert_eq!(decision(&all[1]), "override");
}

#[test]
fn all_patches_of_a_bundle_together_wait_no_longer_than_the_route_says() {
    let server = Server::doing(Box::new(|ask: &Message, stream| {
        if !ask.start().starts_with("GET ") {
            let _ = stream.write_all(&stored(ask));
        }
    }));
    let (_hospital, _gate, server, mut client) = before(server, &["lookup_timeout_ms = 300"]);
    let patch = json!({"resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        {"name": "type", "valueCode": "delete"},
        {"name": "path", "valueString": "ServiceRequest.note"} ]}]});
    let urls: Vec<String> = (1..=9).map(|id| format!("ServiceRequest/{id}")).collect();
    let entries: Vec<_> = urls.iter().map(|url| ("PATCH", url.as_str(), patch.clone())).collect();
    let answer = client.write("POST", "/fhir", &bundle("transaction", &entries).to_string());
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert!(server.requests().len() < entries.len(), "no patch has a deadline of its own");
}

#[test]
fn a_server_that_hangs_keeps_an_elective_order_no_longer_than_the_route_says() {
    let server = Server::doing(Box::new(|request: &Message, stream| {
        if !request.start().starts_with("GET ") {
            let _ = stream.write_all(&stored(request));
        }
    }));
    let (_hospital, gate, server, mut client) = before(server, &["lookup_timeout_ms = 200"]);
    let body = by_reference(clean("C5"), "Practitioner/9").to_string();
    assert_eq!(client.write("POST", ORDERS, &body).status(), 422);
    assert_eq!(server.writes().len(), 0);
    assert_eq!(findings(&decisions(gate.data())[0])[0], "surgeon-unknown block");
}

#[test]
fn references_inside_a_bundle_ask_nobody() {
    let (_hospital, gate, server, mut client) = before(Server::storing(), &[]);
    let mut body = bundle(
        "transaction",
        &[
            ("POST", "Practitioner", practitioner("x", "D1002")),
            ("POST", "ServiceRequest", by_reference(clean("C6"), "urn:uuid:1")),
        ],
    );
    body["entry"][0]["fullUrl"] = json!("urn:uuid:1");
    let answer = client.write("POST", "/fhir", &body.to_string());
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(server.lines(), ["POST /fhir HTTP/1.1"]);
    assert_eq!(decision(&decisions(gate.data())[0]), "forward");
}

#[test]
fn a_json_patch_is_judged_by_what_it_would_make_of_the_resource_and_forwarded_as_it_came() {
    let held = with(refused("P1"), "id", json!("7"));
    let (_hospital, gate, server, mut client) =
        before(Server::holding(vec![held]), &["lookup_timeout_ms = 30000"]);
    let fields = ["Content-Type: application/json-patch+json", "If-Match: W/\"1\""];
    let mut patch = |body: &str| {
        client.ask(&request("PATCH", "/fhir/ServiceRequest/7", &fields, body.as_bytes())).status()
    };
    let note = r#"[{"op":"add","path":"/note","value":[{"text":"x"}]}]"#;
    assert_eq!(patch(note), 422, "it stays an order that must not pass");
    let withdrawn = r#" [{"op":"replace","path":"/status","value":"revoked"}]"#;
    assert_eq!(patch(withdrawn), 200);
    let repaired = r#"[{"op":"replace","path":"/performer/0/identifier/value","value":"D1006"}]"#;
    let status = patch(repaired);
    assert!(status == 200 || status == 422, "judged by the new surgeon: {status}");
    assert_eq!(patch(r#"[{"op":"remove","path":"/nothing/here"}]"#), 400);
    let came = server.writes();
    assert_eq!(came[0].body, withdrawn.as_bytes());
    assert_eq!(came[0].field("if-match"), Some("W/\"1\""));
    assert_eq!(decision(&decisions(gate.data())[0]), "block");
}

#[test]
fn a_fhirpath_patch_is_judged_likewise() {
    let held = with(clean("P2"), "id", json!("7"));
    let (_hospital, _gate, server, mut client) =
        before(Server::holding(vec![held]), &["lookup_timeout_ms = 30000"]);
    let patch = |path: &str, value: Value| {
        let part = |name: &str, kind: &str, value: Value| json!({"name": name, kind: value});
        json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
            part("type", "valueCode", json!("replace")),
            part("path", "valueString", json!(path)),
            {"name": "value", "valueString": value}
        ]}]})
        .to_string()
    };
    let target = "/fhir/ServiceRequest/7";
    let surgeon = "ServiceRequest.performer[0].identifier.value";
    assert_eq!(client.write("PATCH", target, &patch(surgeon, json!("D9999"))).status(), 422);
    assert_eq!(server.writes().len(), 0);
    let answer = client.write("PATCH", target, &patch(surgeon, json!("D1002")));
    assert_eq!(answer.status(), 200, "{answer:?}");
}

#[test]
fn a_search_that_shows_a_part_only_is_no_ground_for_a_patch() {
    let (mut shown, tag) = (with(clean("P3"), "id", json!("7")), json!([{"code": "SUBSETTED"}]));
    let server = Server::doing(Box::new(move |ask: &Message, stream| {
        let answer = if ask.start().starts_with("GET ") {
            let part = ask.start().contains("part");
            shown["meta"] = if part { json!({ "tag": tag }) } else { json!({}) };
            let found = json!({"resourceType": "Bundle", "type": "searchset", "total": 1,
                "entry": [{ "resource": shown }]});
            let json = "Content-Type: application/fhir+json";
            response("200 OK", &[json], found.to_string().as_bytes())
        } else {
            stored(ask)
        };
        let _ = stream.write_all(&answer);
    }));
    let (_hospital, _gate, server, mut client) = before(server, &["lookup_timeout_ms = 30000"]);
    let fields = ["Content-Type: application/json-patch+json"];
    let mut patch = |search: &str| {
        let target = format!("/fhir/ServiceRequest?{search}");
        let body = br#"[{"op":"add","path":"/note","value":[{"text":"x"}]}]"#;
        client.ask(&request("PATCH", &target, &fields, body)).status()
    };
    assert_eq!(patch("identifier=x&%5Felements=performer"), 400);
    assert_eq!(server.requests().len(), 0, "nobody was asked");
    assert_eq!(patch("identifier=part"), 400);
    assert_eq!(server.writes().len(), 0);
    assert_eq!(patch("identifier=x"), 200);
}

#[test]
fn a_patch_of_nothing_and_one_of_what_cannot_be_read_go_nowhere() {
    let (_hospital, gate, server, mut client) =
        before(Server::storing(), &["lookup_timeout_ms = 30000"]);
    let fields = ["Content-Type: application/json-patch+json"];
    let body = br#"[{"op":"add","path":"/note","value":[]}]"#;
    let ask = request("PATCH", "/fhir/ServiceRequest/404", &fields, body);
    // The stand-in would take it: a server may hold by now what it did not when it was read.
    for _ in 0..2 {
        let answer = client.ask(&ask);
        assert_eq!(
            (answer.status(), &answer.json()["issue"][0]["code"]),
            (404, &json!("not-found"))
        );
    }
    let all = decisions(gate.data());
    assert_eq!(all.len(), 2, "what is not there now may be there the next time");
    assert_eq!(all[0]["body"]["unreadable"], "fhir-current-missing");
    let entry = json!({ "request": { "method": "PATCH", "url": "ServiceRequest/404" }, "resource": {
        "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
            { "name": "type", "valueCode": "delete" },
            { "name": "path", "valueString": "ServiceRequest.note" } ] }] } });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] });
    assert_eq!(client.write("POST", "/fhir", &bundle.to_string()).status(), 404);
    assert_eq!(server.writes().len(), 0);

    let broken = Server::doing(Box::new(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
    }));
    let (_hospital, _gate, server, mut client) = before(broken, &["lookup_timeout_ms = 30000"]);
    for _ in 0..2 {
        let answer = client.ask(&ask);
        assert_eq!(answer.status(), 503, "{answer:?}");
        assert!(answer.field("retry-after").is_some());
        assert_eq!(answer.json()["issue"][0]["code"], "transient");
    }
    assert_eq!(server.writes().len(), 0);
    eventually("both were looked up", || (server.requests().len() == 2).then_some(()));
}
