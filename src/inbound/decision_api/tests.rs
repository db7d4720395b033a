//! AuthZEN requests as they are written, and the description as this gate is configured.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::domain::verdict::Stance;
use crate::gate::stance::RouteStance;
use crate::inbound::decision_api::wire::{EvaluationRequest, EvaluationsRequest, moment};
use crate::inbound::decision_api::{Config, openapi};

fn question() -> Value {
    json!({
        "subject": { "type": "surgeon", "id": "D1005", "properties": { "x": 1 } },
        "action": { "name": "perform" },
        "resource": { "type": "procedure", "id": "52.7x00" },
        "context": { "stage": "notice", "time": "2026-03-02T08:30:00+08:00", "more": [] },
        "beyond": true,
    })
}

fn wrong(change: impl Fn(&mut Value)) -> bool {
    let mut question = question();
    change(&mut question);
    EvaluationRequest::read(question.to_string().as_bytes()).is_err()
}

#[test]
fn a_question_is_a_surgeon_a_procedure_and_what_is_known_besides() {
    assert!(!wrong(|_| ()));
    assert!(!wrong(|q| q["context"] = Value::Null));
    assert!(!wrong(|q| q["subject"]["id"] = json!("工号7")));
    for (place, value) in [
        ("/subject/type", json!("patient")),
        ("/subject/id", json!("")),
        ("/subject/id", json!("D 1")),
        ("/subject/id", json!("D\u{0}")),
        ("/subject/id", json!("x".repeat(65))),
        ("/subject/id", json!(7)),
        ("/subject", json!(["surgeon", "D1"])),
        ("/subject/properties", json!([])),
        ("/action/name", json!("order")),
        ("/resource/type", json!("Procedure")),
        ("/context/stage", json!("plan")),
        ("/context/time", json!("tomorrow")),
        ("/context/time", json!("2026-03-02 08:30:00Z")),
        ("/context/time", json!("1899-03-02T08:30:00Z")),
        ("/context", json!([])),
    ] {
        assert!(wrong(|q| *q.pointer_mut(place).unwrap() = value.clone()), "{place} {value}");
    }
    for member in ["subject", "action", "resource"] {
        assert!(wrong(|q| drop(q.as_object_mut().unwrap().remove(member))), "{member}");
    }
    assert!(wrong(|q| q["context"]["patient"] = json!("x".repeat(129))));
    assert!(wrong(|q| q["context"]["diagnoses"] = json!(vec!["K80"; 101])));
}

#[test]
fn what_a_question_leaves_out_is_taken_whole_from_the_top() {
    let request = json!({
        "subject": { "type": "surgeon", "id": "D1" },
        "action": { "name": "perform" },
        "context": { "site": "north", "patient": "P1" },
        "evaluations": [
            { "resource": { "type": "procedure", "id": "A" } },
            { "resource": { "type": "procedure", "id": "B" }, "context": { "patient": "P2" } },
            { "subject": { "type": "surgeon", "id": "D2" } },
        ],
    });
    let request = EvaluationsRequest::read(request.to_string().as_bytes()).unwrap();
    let evaluations = request.evaluations.as_deref().unwrap();
    let of = |nth: usize| evaluations[nth].with(&request.defaults);
    let (first, second) = (of(0).unwrap(), of(1).unwrap());
    assert_eq!((first.subject.id.as_str(), first.resource.id.as_str()), ("D1", "A"));
    assert_eq!(first.context.unwrap().site.as_deref(), Some("north"));
    let context = second.context.unwrap();
    assert_eq!((context.patient.as_deref(), context.site), (Some("P2"), None));
    assert!(of(2).is_none(), "no procedure");
    for wrong in [
        json!({ "evaluations": vec![json!({}); 101] }),
        json!({ "evaluations": [[]] }),
        json!({ "evaluations": {} }),
        json!({ "options": { "evaluations_semantic": "some" } }),
        json!({ "evaluations": [{ "subject": { "type": "surgeon", "id": " " } }] }),
        json!([]),
    ] {
        assert!(EvaluationsRequest::read(wrong.to_string().as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_time_has_its_offset() {
    assert!(
        moment("2026-03-02T08:30:00Z").is_some() && moment("2026-03-02T08:30:00.5+08:00").is_some()
    );
    for text in ["2026-03-02", "2026-03-02T08:30:00", "20260302T083000Z", "20€6", ""] {
        assert!(moment(text).is_none(), "{text}");
    }
}

#[test]
fn the_description_asks_for_a_token_only_where_one_is_configured() {
    let config = |token: bool| Config {
        token_file: token.then(|| "token".into()),
        stance: Arc::new(RouteStance { stance: Stance::Enforce, departments: Vec::new() }),
        public_url: token.then(|| "https://gate.example/".to_owned()),
        cds_clients: token,
    };
    let read = |token| -> Value {
        serde_json::from_str(&openapi::document(&config(token), &Vec::new())).unwrap()
    };
    let (open, closed) = (read(false), read(true));
    let security =
        |document: &Value, path: &str| document["paths"][path]["post"]["security"].clone();
    for path in ["/v1/explain", "/access/v1/evaluation", "/access/v1/evaluations"] {
        assert_eq!(security(&open, path), Value::Null);
        assert_eq!(security(&closed, path), json!([{ "token": [] }]), "{path}");
    }
    let path = "/cds-services/orgate-order-sign";
    assert_eq!(security(&closed, path), json!([{ "cds-client": [] }]));
    assert_eq!(closed["servers"][0]["url"], "https://gate.example");
}
