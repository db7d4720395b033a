//! `orgate explain` and `orgate check` with a FHIR route, and what a FHIR route keeps to itself.

use serde_json::{Value, json};

use crate::support::gate::{Hospital, text};
use crate::support::http::{Client, request};
use crate::support::ledger::files;
use crate::support::resource::{bundle, clean, emergency, refused, with};
use crate::support::server::Server;
use crate::support::upstream::nobody;

fn hospital() -> Hospital {
    Hospital::new().route("his", nobody(), &[]).fhir("fhir", nobody(), &[])
}

fn explained(hospital: &Hospital, body: impl AsRef<[u8]>) -> (Option<i32>, Value, String) {
    let file = hospital.file("stored", body);
    let out = hospital.run(&["explain", &file, "--format", "json"]);
    let verdict = serde_json::from_slice(&out.stdout).unwrap_or_default();
    (out.status.code(), verdict, text(&out.stderr))
}

#[test]
fn a_stored_resource_is_explained_by_the_first_fhir_route() {
    let hospital = hospital();
    let (code, verdict, _) = explained(&hospital, refused("E1").to_string());
    assert_eq!((code, &verdict["decision"]), (Some(1), &json!("block")));
    assert_eq!(verdict["cases"][0]["findings"][0]["rule"], "grant-missing");
    let (code, verdict, _) = explained(&hospital, clean("E2").to_string());
    assert_eq!((code, &verdict["decision"]), (Some(0), &json!("forward")));
    let entries =
        [("POST", "ServiceRequest", clean("E3")), ("POST", "ServiceRequest", refused("E4"))];
    for kind in ["batch", "transaction"] {
        let (code, verdict, _) = explained(&hospital, bundle(kind, &entries).to_string());
        assert_eq!((code, verdict["cases"].as_array().map(Vec::len)), (Some(1), Some(2)), "{kind}");
    }
    let patient = json!({"resourceType": "Patient"}).to_string();
    let (code, verdict, _) = explained(&hospital, patient);
    assert_eq!((code, &verdict["decision"]), (Some(0), &json!("not-surgical")));
}

#[test]
fn a_request_as_the_ledger_keeps_it_is_explained_too() {
    let hospital = hospital();
    let head = "PUT /fhir/ServiceRequest/9 HTTP/1.1\r\ncontent-type: application/fhir+json\r\n\r\n";
    let body = with(refused("E5"), "id", json!("9"));
    let (code, verdict, _) = explained(&hospital, format!("{head}{body}"));
    assert_eq!((code, &verdict["action"]), (Some(1), &json!("change")));
    let other = with(body, "id", json!("8"));
    let (code, verdict, said) = explained(&hospital, format!("{head}{other}"));
    assert_eq!((code, &verdict["gaps"][0]), (Some(1), &json!("message-unreadable")));
    assert!(said.contains("unreadable: fhir-address"), "{said}");
    let (code, verdict, _) = explained(&hospital, "DELETE /fhir/ServiceRequest/9 HTTP/1.1\r\n\r\n");
    assert_eq!((code, &verdict["action"]), (Some(0), &json!("withdraw")));
}

#[test]
fn a_reference_that_a_route_would_look_up_is_named() {
    let hospital = hospital();
    let order = with(clean("E6"), "performer", json!([{"reference": "Practitioner/9"}]));
    let (code, _, said) = explained(&hospital, order.to_string());
    assert_eq!(code, Some(1));
    assert!(said.contains("not looked up") && said.contains("Practitioner/9"), "{said}");
}

#[test]
fn check_lists_the_routes_with_their_mappings() {
    let out = hospital().run(&["check"]);
    let said = text(&out.stdout);
    assert!(out.status.success(), "{said}");
    assert!(
        said.contains("route fhir: 127.0.0.1:0 → http://127.0.0.1:1/fhir, enforce, mapping r4"),
        "{said}"
    );
}

/// Words that stand where a patient's data stands.
const MARKS: [&str; 4] = ["PATIENT-8841", "标记乙", "REASON-8842", "QUERY-8843"];

#[test]
fn nothing_of_a_patient_is_logged_or_counted() {
    let server = Server::storing();
    let settings = ["max_body_kib = 64", "lookup_timeout_ms = 500"];
    let hospital = Hospital::new()
        .log("trace")
        .fhir("fhir", server.address, &settings)
        .fhir("watch", server.address, &["stance = \"observe\"", "max_body_kib = 64"])
        .fhir("down", nobody(), &[]);
    let mut gate = hospital.start();
    let marked = |order: Value| {
        let subject = json!({"reference": "Patient/PATIENT-8841", "display": "标记乙"});
        with(with(order, "subject", subject), "reasonCode", json!([{"text": "REASON-8842"}]))
    };
    for (at, route) in ["fhir", "watch", "down"].into_iter().enumerate() {
        let mut client = Client::connect(gate.route(route));
        let target = "/fhir/ServiceRequest?subject=QUERY-8843";
        for order in [clean("P"), refused("P"), emergency("P")] {
            let order = with(marked(order), "id", json!(format!("p{at}"))).to_string();
            client.write("POST", target, &order);
            client.write("POST", target, order.trim_end_matches('}'));
            let by_reference = with(
                marked(clean("Q")),
                "performer",
                json!([{"reference": "Practitioner/PATIENT-8841"}]),
            );
            client.write("POST", "/fhir/ServiceRequest", &by_reference.to_string());
            let long = order.replace("REASON-8842", &"REASON-8842".repeat(8000));
            client.ask(&request("POST", target, &[], long.as_bytes()));
        }
        client.get("/fhir/Patient/PATIENT-8841?name=QUERY-8843");
        client.get("/elsewhere/PATIENT-8841");
        let fields = ["Content-Type: application/json-patch+json"];
        let patch = br#"[{"op":"add","path":"/note","value":[{"text":"REASON-8842"}]}]"#;
        client.ask(&request("PATCH", "/fhir/ServiceRequest/PATIENT-8841", &fields, patch));
        let entries = [("POST", "ServiceRequest", marked(refused("R")))];
        client.write("POST", "/fhir", &bundle("batch", &entries).to_string());
    }
    let (_, metrics) = gate.page("/metrics");
    gate.stop();
    let log = gate.log();
    assert!(log.contains("message unreadable") && log.contains("judged"), "{log}");
    for mark in MARKS {
        assert!(!log.contains(mark), "{mark} in the log:\n{log}");
        assert!(!metrics.contains(mark), "{mark} in /metrics:\n{metrics}");
    }
    let kept = std::fs::read(&files(&hospital.data())[0]).expect("readable");
    assert!(
        text(&kept).contains("PATIENT-8841"),
        "the ledger holds it, or this test proves nothing"
    );
}
