//! CDS Hooks: whom `userId` and `patientId` lead to, and what follows where they lead to no number.

use serde_json::{Value, json};

use crate::cds_hooks::{emergency, feedback};
use crate::support::bytes_of;
use crate::support::console::post;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::of_kind;
use crate::support::upstream::Upstream;

const SIGN: &str = "/cds-services/orgate-order-sign";

fn refused(change: impl FnOnce(&mut Value)) -> Value {
    let bytes = bytes_of("tests/data/cds_hooks/good/order-sign-refused.json");
    let mut call = serde_json::from_slice(&bytes).expect("JSON");
    change(&mut call);
    call
}

/// The card of a call, and the entry it is recorded under.
fn asked(gate: &Gate, call: &Value) -> (Value, Value) {
    let answer = post(gate.console(), SIGN, call);
    assert_eq!(answer.status, 200, "{}", text(&answer.body));
    let card = answer.json()["cards"][0].clone();
    let mut looks = of_kind(gate.data(), "access");
    looks.retain(|entry| entry["body"]["act"] == "inquiry");
    (card, looks.pop().expect("an inquiry"))
}

#[test]
fn who_leads_to_no_staff_number_is_on_record_and_what_they_attest_has_no_name() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    let none = refused(|call| call["prefetch"] = json!({}));
    let unnumbered = refused(|call| {
        call["prefetch"]["user"]["identifier"][0]["system"] = json!("urn:badge");
    });
    let own_id = refused(|call| {
        // The logical id again, in a system that is none of ours.
        call["prefetch"]["user"]["identifier"] = json!([{ "system": "urn:badge", "value": "12" }]);
    });
    for call in [none, unnumbered, own_id] {
        let (card, entry) = asked(&gate, &call);
        let caller = json!({ "client": "loopback", "user_reference": "Practitioner/12" });
        assert_eq!(entry["body"]["caller"], caller);
        assert_eq!(card["indicator"], "critical");
        assert_eq!(feedback(gate.console(), &card).status, 200);
        let attested = of_kind(gate.data(), "override").pop().expect("an attestation");
        assert!(attested["body"].get("by").is_none(), "{attested}");
    }
    let rules = emergency(&gate, "U1");
    assert!(rules.contains(&"override-unattested flag".to_owned()), "{rules:?}");
    // Attested by somebody who is known, it is attested, whatever was said before or after.
    let (card, entry) = asked(&gate, &refused(|_| ()));
    assert_eq!(entry["body"]["caller"], json!({ "client": "loopback", "user": "D1002" }));
    assert_eq!(feedback(gate.console(), &card).status, 200);
    let (card, _) = asked(&gate, &refused(|call| call["prefetch"] = json!({})));
    assert_eq!(feedback(gate.console(), &card).status, 200);
    let rules = emergency(&gate, "U2");
    assert!(!rules.contains(&"override-unattested flag".to_owned()), "{rules:?}");
}

#[test]
fn a_draft_without_a_patient_takes_the_number_of_the_calls_patient_or_none() {
    let mapping = String::from_utf8(bytes_of("mappings/fhir/r4.toml")).expect("text");
    let systems = "[patients]\nidentifier_systems = []";
    assert!(mapping.contains(systems));
    let numbered = mapping.replace(systems, "[patients]\nidentifier_systems = [\"urn:mrn\"]");
    let upstream = Upstream::accepting();
    let hospital = Hospital::new();
    // Its own examples are of patients without such a number.
    let numbered = numbered.split("\n[[example]]").next().expect("a mapping");
    let file = hospital.file("numbered.toml", numbered);
    let hospital = hospital.set(&format!("[cds_hooks]\nmapping = {file:?}"));
    let hospital = hospital.route("his", upstream.address, &[]);
    let gate = hospital.start();
    let patient = |change: &dyn Fn(&mut Value)| {
        let call = refused(|call| {
            let draft = &mut call["context"]["draftOrders"]["entry"][0]["resource"];
            draft.as_object_mut().expect("a draft").remove("subject");
            change(call);
        });
        let (card, entry) = asked(&gate, &call);
        let patient = entry["body"]["facts"]["orders"][0]["patient"].clone();
        assert_eq!(card.get("overrideReasons").is_some(), patient.is_string(), "{card}");
        patient
    };
    let number = |call: &mut Value| {
        call["prefetch"]["patient"]["identifier"] = json!([{ "system": "urn:mrn", "value": "M7" }]);
    };
    assert_eq!(patient(&number), "M7");
    assert_eq!(patient(&|_| ()), Value::Null, "a logical id is no number here");
    assert_eq!(patient(&|call| call["prefetch"]["patient"] = Value::Null), Value::Null);
}
