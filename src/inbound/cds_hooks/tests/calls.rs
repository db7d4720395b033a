//! Bodies of calls and feedback, and where their references lead.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::inbound::cds_hooks::discovery::{Hook, document};
use crate::inbound::cds_hooks::feedback;
use crate::inbound::cds_hooks::references::Known;
use crate::inbound::cds_hooks::request::{self, CallFault, is_uuid, uuid, uuid_bits};
use crate::ledger::EntryId;
use crate::mapping::fhir::{Found, References};

fn call(hook: &str) -> Value {
    json!({
        "hook": hook,
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "fhirServer": "https://his.example/fhir/",
        "context": {
            "userId": "Practitioner/9",
            "patientId": "P1",
            "selections": ["ServiceRequest/b"],
            "draftOrders": {
                "resourceType": "Bundle",
                "entry": [
                    { "resource": { "resourceType": "MedicationRequest", "id": "a" } },
                    { "fullUrl": "urn:uuid:1", "resource": { "resourceType": "ServiceRequest", "id": "b" } },
                    { "resource": { "resourceType": "ServiceRequest", "id": "c" } },
                ],
            },
            "appointments": [{ "resourceType": "Appointment", "id": "d" }],
        },
    })
}

fn judged(call: &Value, hook: Hook) -> Result<Vec<String>, CallFault> {
    let text = call.to_string();
    let call = request::read(text.as_bytes(), hook)?;
    Ok(call.drafts.iter().filter(|d| d.judged).map(|d| d.path.clone()).collect())
}

#[test]
fn each_hook_judges_its_own_resources_and_a_selection_limits_them() {
    let paths = judged(&call("order-sign"), Hook::OrderSign).unwrap();
    assert_eq!(paths, ["draftOrders.entry[1].resource", "draftOrders.entry[2].resource"]);
    let paths = judged(&call("order-select"), Hook::OrderSelect).unwrap();
    assert_eq!(paths, ["draftOrders.entry[1].resource"]);
    for selected in ["b", "urn:uuid:1"] {
        let mut call = call("order-select");
        call["context"]["selections"] = json!([selected]);
        let paths = judged(&call, Hook::OrderSelect).unwrap();
        assert_eq!(paths, ["draftOrders.entry[1].resource"], "{selected}");
    }
    let paths = judged(&call("appointment-book"), Hook::AppointmentBook).unwrap();
    assert_eq!(paths, ["appointments[0]"]);
}

#[test]
fn a_call_that_is_not_understood_says_why() {
    let sign = |change: &dyn Fn(&mut Value)| {
        let mut call = call("order-sign");
        change(&mut call);
        judged(&call, Hook::OrderSign).unwrap_err()
    };
    assert_eq!(sign(&|call| call["hook"] = json!("patient-view")), CallFault::UnknownHook);
    for wrong in [
        sign(&|call| call["hook"] = json!("order-select")),
        sign(&|call| call["hookInstance"] = json!("1")),
        sign(&|call| call["hookInstance"] = json!("d1577c69-dfbe-44ad-ba6d-3e05e953b2eg")),
        sign(&|call| call["context"]["userId"] = json!("")),
        sign(&|call| call["context"]["patientId"] = json!(7)),
        sign(&|call| call["context"] = json!(["a", "b"])),
        sign(&|call| call["prefetch"] = json!([])),
        judged(&json!([]), Hook::OrderSign).unwrap_err(),
    ] {
        assert!(matches!(wrong, CallFault::Shape(_)), "{wrong:?}");
    }
    let select = |selections: Value| {
        let mut call = call("order-select");
        call["context"]["selections"] = selections;
        judged(&call, Hook::OrderSelect).unwrap_err()
    };
    assert!(matches!(select(Value::Null), CallFault::Shape(_)));
    for missing in [
        sign(&|call| call["context"]["draftOrders"] = Value::Null),
        sign(&|call| call["context"]["draftOrders"] = json!("none")),
        sign(&|call| call["context"]["draftOrders"] = json!({ "resourceType": "List" })),
        sign(&|call| call["context"]["draftOrders"] = json!([{ "id": "x" }])),
        sign(&|call| call["context"]["draftOrders"]["entry"][0]["resource"] = json!([1])),
    ] {
        assert_eq!(missing, CallFault::Missing("draftOrders"));
    }
    let many = vec![json!({ "resourceType": "ServiceRequest" }); 101];
    assert_eq!(sign(&|call| call["context"]["draftOrders"] = json!(many)), CallFault::TooMany);
    let twice = r#"{"hook":"order-sign","hook":"order-sign"}"#;
    assert!(matches!(request::read(twice.as_bytes(), Hook::OrderSign), Err(CallFault::Shape(_))));
}

#[test]
fn references_lead_to_what_was_prefetched_or_drafted_and_to_nothing_else() {
    let practitioner = |id: &str, number: &str| json!({ "resourceType": "Practitioner", "id": id, "identifier": [{ "value": number }] });
    let prefetch = json!({
        "user": practitioner("1", "D1"),
        "absent": null,
        "failed": { "resourceType": "OperationOutcome", "issue": [] },
        "wrapped": { "response": { "status": "200" }, "resource": practitioner("2", "D2") },
        "search": {
            "resourceType": "Bundle",
            "entry": [
                { "fullUrl": "https://his.example/fhir/Practitioner/3", "resource": practitioner("3", "D3") },
                { "resource": practitioner("4", "D4") },
                { "resource": practitioner("5", "D5") },
                { "response": { "status": "404" } },
            ],
        },
    });
    let base = Some("https://his.example/fhir/");
    let mut known = Known::new(prefetch.as_object(), base);
    known.add(&Arc::new(practitioner("4", "D4")), None);
    known.add(&Arc::new(practitioner("5", "D6")), None);
    known.add(&Arc::new(practitioner("7", "D7")), Some("urn:uuid:7"));
    let number = |reference: &str| match known.find(reference) {
        Found::Resource(found) => found["identifier"][0]["value"].as_str().unwrap().to_owned(),
        Found::Nothing => "nothing".to_owned(),
        Found::NotAsked => "not asked".to_owned(),
    };
    let cases = [
        ("Practitioner/1", "D1"),
        ("Practitioner/2", "D2"),
        ("Practitioner/3", "D3"),
        ("https://his.example/fhir/Practitioner/3", "D3"),
        ("https://his.example/fhir/Practitioner/1", "D1"),
        ("Practitioner/1/_history/2", "D1"),
        ("Practitioner/4", "D4"),
        ("urn:uuid:7", "D7"),
        // Two that differ under one name.
        ("Practitioner/5", "nothing"),
        ("Practitioner/9", "not asked"),
        ("https://other.example/fhir/Practitioner/1", "not asked"),
        ("Practitioner/12", "not asked"),
    ];
    for (reference, expected) in cases {
        assert_eq!(number(reference), expected, "{reference}");
    }
}

#[test]
fn feedback_attests_only_by_one_of_our_reasons_on_a_card_that_was_overridden() {
    let id = EntryId::new("2026-03-02T00:00:00Z".parse().unwrap());
    let read = |outcome: &str, reason: Value| {
        let card = uuid(id.bits());
        let card = json!({ "card": card, "outcome": outcome, "overrideReason": reason });
        feedback::read(json!({ "feedback": [card] }).to_string().as_bytes())
    };
    let ours = json!({
        "reason": { "code": "life-saving", "system": "urn:orgate:override-reason" },
        "userComment": " 失血性休克 ",
    });
    let told = read("overridden", ours.clone()).unwrap();
    assert_eq!(told[0].inquiry, id);
    let reason = told[0].reason.as_ref().unwrap();
    assert_eq!(
        (reason.code.as_str(), reason.comment.as_deref()),
        ("life-saving", Some("失血性休克"))
    );
    for (outcome, reason) in [
        ("accepted", ours),
        ("overridden", Value::Null),
        ("overridden", json!({ "userComment": "因为" })),
        ("overridden", json!({ "reason": { "code": "patient-refused" } })),
        (
            "overridden",
            json!({ "reason": { "code": "life-saving", "system": "http://other.example" } }),
        ),
    ] {
        assert!(read(outcome, reason.clone()).unwrap()[0].reason.is_none(), "{outcome} {reason}");
    }
    assert!(read("ignored", Value::Null).is_err());
    assert!(read("overridden", json!({ "userComment": "长".repeat(1001) })).is_err());
    for wrong in
        ["", "{}", r#"{"feedback":[]}"#, r#"{"feedback":[{"card":"1","outcome":"accepted"}]}"#]
    {
        assert!(feedback::read(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn discovery_names_each_service_once_and_asks_for_tokens_of_the_standard_only() {
    let document = document();
    let services = document["services"].as_array().unwrap();
    let ids: Vec<&str> = services.iter().map(|service| service["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["orgate-order-sign", "orgate-order-select", "orgate-appointment-book"]);
    let known = [
        "context.patientId",
        "context.encounterId",
        "userPractitionerId",
        "userPractitionerRoleId",
    ];
    for service in services {
        for template in service["prefetch"].as_object().unwrap().values() {
            for token in template.as_str().unwrap().split("{{").skip(1) {
                assert!(known.contains(&token.split("}}").next().unwrap()), "{template}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn every_entry_id_is_a_uuid_and_comes_back(bits: u128) {
        let text = uuid(bits);
        assert!(is_uuid(&text));
        assert_eq!(uuid_bits(&text), Some(bits));
        assert_eq!(uuid_bits(&text.to_uppercase()), Some(bits));
        assert_eq!(uuid_bits(text.get(1..).unwrap()), None);
    }

    #[test]
    fn no_body_makes_reading_panic(body in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
        let _ = request::read(&body, Hook::OrderSign);
        let _ = feedback::read(&body);
    }
}
