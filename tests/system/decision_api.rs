//! AuthZEN, `/v1/explain` and the description, through the real binary; tested by a generator that others wrote, too.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::console::{Answer, ask, post};
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decisions_of, entries};
use crate::support::message::{Draft, admission, framed};
use crate::support::upstream::Upstream;
use crate::support::{bytes_of, foreign_program, repository};

const ONE: &str = "/access/v1/evaluation";
const SEVERAL: &str = "/access/v1/evaluations";
const HL7: (&str, &str) = ("Content-Type", "x-application/hl7-v2+er7");
const FHIR: (&str, &str) = ("Content-Type", "application/fhir+json");

fn question(surgeon: &str, code: &str) -> Value {
    json!({
        "subject": { "type": "surgeon", "id": surgeon },
        "action": { "name": "perform" },
        "resource": { "type": "procedure", "id": code },
        "context": { "department": "0301", "patient": "P2699001" },
    })
}

fn explain(gate: &Gate, kind: (&str, &str), query: &str, body: &[u8]) -> Answer {
    ask(gate.console(), "POST", &format!("/v1/explain{query}"), &[kind], body)
}

/// What two verdicts on one order have in common: everything but entry and places in time.
fn judged(verdict: &Value) -> Value {
    let mut verdict = verdict.clone();
    for member in ["entry", "operating_time"] {
        verdict.as_object_mut().expect("a verdict").remove(member);
    }
    verdict
}

#[test]
fn a_question_is_answered_with_the_decision_and_the_verdict_and_recorded() {
    let (hospital, gate, upstream) = Gate::simple(&[]);
    let no = post(gate.console(), ONE, &question("D1005", "52.7x00"));
    assert_eq!(no.status, 200, "{}", text(&no.body));
    let no = no.json();
    assert_eq!((&no["decision"], &no["context"]["decision"]), (&json!(false), &json!("block")));
    assert_eq!(no["context"]["cases"][0]["findings"][0]["rule"], "grant-missing");
    let yes = post(gate.console(), ONE, &question("D1002", "51.2300")).json();
    assert_eq!((&yes["decision"], &yes["context"]["decision"]), (&json!(true), &json!("forward")));
    let mut emergency = question("D1005", "52.7x00");
    emergency["context"]["urgency"] = json!("emergency");
    let emergency = post(gate.console(), ONE, &emergency).json();
    let decided = (&emergency["decision"], &emergency["context"]["decision"]);
    assert_eq!(decided, (&json!(true), &json!("override")));

    let told = entries(gate.data()).into_iter().filter(|entry| entry["kind"] == "access");
    let told: Vec<Value> = told.collect();
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|entry| entry["body"]["interface"] == "authzen"));
    assert!(upstream.frames().is_empty());
    for (entry, code) in told.iter().zip([1, 0, 0]) {
        let again = hospital.run(&["explain", "--entry", entry["id"].as_str().expect("an id")]);
        assert_eq!(again.status.code(), Some(code), "{}", text(&again.stderr));
    }
}

#[test]
fn several_questions_end_where_their_semantic_says() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let asked = |semantic: Option<&str>, codes: &[&str]| {
        let evaluations: Vec<Value> = codes
            .iter()
            .map(|code| json!({ "resource": { "type": "procedure", "id": code } }))
            .collect();
        let mut request = question("D1002", "x");
        request.as_object_mut().expect("an object").remove("resource");
        request["evaluations"] = json!(evaluations);
        if let Some(semantic) = semantic {
            request["options"] = json!({ "evaluations_semantic": semantic });
        }
        let answer = post(gate.console(), SEVERAL, &request).json();
        let decided = answer["evaluations"].as_array().expect("decisions").clone();
        decided.iter().map(|one| one["decision"].as_bool().expect("a decision")).collect::<Vec<_>>()
    };
    // D1002 may perform the first and not the second.
    let (may, not) = ("51.2300", "36.1300");
    assert_eq!(asked(None, &[not, may, not]), [false, true, false]);
    assert_eq!(asked(Some("execute_all"), &[may, not]), [true, false]);
    assert_eq!(asked(Some("deny_on_first_deny"), &[may, not, may]), [true, false]);
    assert_eq!(asked(Some("permit_on_first_permit"), &[not, may, not]), [false, true]);

    // Without `evaluations` the top is the question; what is incomplete is denied, and said.
    let alone = post(gate.console(), SEVERAL, &question("D1002", may)).json();
    assert_eq!(alone["decision"], true);
    let incomplete = post(gate.console(), SEVERAL, &json!({ "evaluations": [{}] })).json();
    let one = &incomplete["evaluations"][0];
    let told = (&one["decision"], &one["context"]["error"]["status"]);
    assert_eq!(told, (&json!(false), &json!(400)));
}

#[test]
fn what_is_malformed_is_a_problem_and_the_callers_number_comes_back() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let wrong = [
        json!([]),
        json!({}),
        json!({ "subject": 1 }),
        question("", "52.7x00"),
        {
            let mut q = question("D1", "A");
            q["action"]["name"] = json!("order");
            q
        },
        {
            let mut q = question("D1", "A");
            q["context"]["time"] = json!("soon");
            q
        },
    ];
    for question in wrong {
        let answer = post(gate.console(), ONE, &question);
        assert_eq!(answer.status, 400, "{question}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json()["status"], 400);
    }
    let headers = [("Content-Type", "application/json"), ("X-Request-ID", "r-7")];
    let body = question("D1002", "51.2300").to_string();
    let answer = ask(gate.console(), "POST", ONE, &headers, body.as_bytes());
    assert_eq!(answer.header("x-request-id"), Some("r-7"));
    let text = [("Content-Type", "text/plain")];
    assert_eq!(ask(gate.console(), "POST", ONE, &text, body.as_bytes()).status, 415);
    let page = [("Content-Type", "application/json"), ("Origin", "https://his.example")];
    assert_eq!(ask(gate.console(), "POST", ONE, &page, body.as_bytes()).status, 403);
    let metadata = ask(gate.console(), "GET", "/.well-known/authzen-configuration", &[], b"");
    let endpoint = metadata.json()["access_evaluation_endpoint"].clone();
    assert!(endpoint.as_str().expect("a URL").ends_with(ONE), "{endpoint}");
}

#[test]
fn a_message_is_explained_as_its_route_would_judge_it() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]).route(
        "watch",
        upstream.address,
        &["stance = \"observe\""],
    );
    let gate = hospital.start();
    let draft = Draft::refused("X1");
    for body in [draft.bytes(), framed(&draft.bytes())] {
        let answer = explain(&gate, HL7, "?route=his", &body);
        assert_eq!(answer.status, 200, "{}", text(&answer.body));
        crate::support::client::Client::connect(gate.route("his")).ask(&draft.bytes());
        let decided = decisions_of(gate.data(), "X1").remove(0);
        assert_eq!(judged(&answer.json()), judged(&decided["body"]["verdict"]));
    }
    let watched = explain(&gate, HL7, "?route=watch", &draft.bytes()).json();
    assert_eq!((&watched["decision"], &watched["stance"]), (&json!("block"), &json!("observe")));
    let other = explain(&gate, HL7, "", &admission("A1")).json();
    assert_eq!((&other["decision"], &other["entry"]), (&json!("not-surgical"), &Value::Null));
    let doubtful = Draft { surgeon: "D1&D2", ..Draft::clean("U1") };
    let doubtful = explain(&gate, HL7, "", &doubtful.bytes()).json();
    assert_eq!(doubtful["gaps"], json!(["message-unreadable"]));
    assert_eq!(doubtful["unreadable"]["why"], "sub-components");

    for (kind, query, body, status) in [
        (HL7, "?route=none", draft.bytes(), 404),
        (FHIR, "?route=his", b"{}".to_vec(), 404),
        (HL7, "", Vec::new(), 400),
        (FHIR, "", b"[]".to_vec(), 400),
        (("Content-Type", "application/xml"), "", b"<x/>".to_vec(), 415),
    ] {
        assert_eq!(explain(&gate, kind, query, &body).status, status, "{kind:?} {query}");
    }
}

#[test]
fn the_same_order_gets_the_same_verdict_as_hl7_as_fhir_and_as_a_question() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let call = bytes_of("tests/data/cds_hooks/good/order-sign-refused.json");
    let call: Value = serde_json::from_slice(&call).expect("JSON");
    let mut order = call["context"]["draftOrders"]["entry"][0]["resource"].clone();
    order["requester"] = Value::Null;
    order.as_object_mut().expect("an order").remove("requester");
    let fhir = explain(&gate, FHIR, "", order.to_string().as_bytes()).json();
    let asked = post(gate.console(), ONE, &question("D1005", "52.7x00")).json()["context"].clone();
    let hl7 = explain(&gate, HL7, "", &Draft::refused("S1").bytes()).json();
    let rules = |verdict: &Value| -> Vec<String> {
        let findings = verdict["cases"][0]["findings"].as_array().expect("findings");
        findings.iter().map(|f| format!("{} {}", f["rule"], f["effect"])).collect()
    };
    assert_eq!(fhir["decision"], "block", "{fhir}");
    assert_eq!((rules(&fhir), rules(&asked)), (rules(&hl7), rules(&hl7)));
}

#[test]
fn with_a_token_configured_nobody_is_let_in_without_it() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new();
    let token = hospital.file("token", "secret-7\n");
    let settings = format!("[decision_api]\ntoken_file = {token:?}");
    let hospital = hospital.set(&settings).route("his", upstream.address, &[]);
    let gate = hospital.start();
    let body = question("D1002", "51.2300").to_string();
    let status = |token: Option<&str>| {
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(token.map(|token| ("Authorization", token)));
        ask(gate.console(), "POST", ONE, &headers, body.as_bytes()).status
    };
    assert_eq!(status(None), 401);
    assert_eq!(status(Some("Bearer secret-8")), 401);
    assert_eq!(status(Some("Bearer secret-77")), 401);
    assert_eq!(status(Some("Basic secret-7")), 401);
    assert_eq!(status(Some("Bearer secret-7")), 200);
    hospital.file("token", "changed");
    assert_eq!(status(Some("Bearer secret-7")), 401, "read anew");
    assert_eq!(status(Some("Bearer changed")), 200);
    assert!(!gate.log().contains("secret-7"));
}

#[test]
fn a_generator_that_others_wrote_finds_the_description_true() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new();
    let token = hospital.file("token", "secret-7");
    let settings = format!("[decision_api]\ntoken_file = {token:?}");
    let hospital = hospital.set(&settings).route("his", upstream.address, &[]);
    let gate = hospital.start();
    let config = repository("tests/system/foreign/schemathesis.toml");
    let out = Command::new(foreign_program("ORGATE_TEST_SCHEMATHESIS"))
        .arg("--config-file")
        .arg(config)
        .args(["run", &format!("http://{}/openapi.json", gate.console())])
        .args(["--header", "Authorization: Bearer secret-7"])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1"])
        .args(["--continue-on-failure", "--no-color"])
        .current_dir(hospital.data())
        .env("PYTHONIOENCODING", "utf-8")
        .output()
        .expect("ORGATE_TEST_SCHEMATHESIS runs");
    assert!(out.status.success(), "{}\n{}", text(&out.stdout), text(&out.stderr));
    gate.still_serves("G1");
}
