//! Bundles whose entries agree with themselves, and those that do not.

mod inside;
mod names;
mod twice;

use serde_json::{Value, json};

use crate::fhir::bundle::{BundleFault, BundleType, EntryPatch, bundle_type, entries};
use crate::fhir::document::Limits;
use crate::fhir::interaction::{Allowed, Interaction, Write};
use crate::fhir::patch::PatchFault;

const LIMITS: Limits = Limits { bytes: 64 * 1024, depth: 64 };

fn order() -> Value {
    json!({"resourceType": "ServiceRequest", "performer": [{"reference": "urn:uuid:p1"}]})
}

fn bundle(kind: &str, entry: Value) -> Value {
    json!({"resourceType": "Bundle", "type": kind, "entry": entry})
}

fn batch(entry: Value) -> Value {
    bundle("batch", json!([entry]))
}

fn entry(method: &str, url: &str, resource: Value) -> Value {
    json!({"request": {"method": method, "url": url}, "resource": resource})
}

#[track_caller]
fn asks(of: &Value) -> Interaction {
    bundle_type(of, 10).unwrap();
    entries(of, &Allowed::default()).unwrap().remove(0).interaction
}

#[track_caller]
fn disagrees(of: Value) {
    let batch = batch(of);
    let read = bundle_type(&batch, 10).and_then(|_| entries(&batch, &Allowed::default()));
    assert_eq!(read.map(|_| ()), Err(BundleFault::EntryDisagrees), "{batch}");
}

#[test]
fn the_type_of_a_bundle_is_one_that_fhir_has() {
    for (kind, of) in [
        ("transaction", BundleType::Transaction),
        ("batch", BundleType::Batch),
        ("message", BundleType::Other),
        ("document", BundleType::Other),
        ("collection", BundleType::Other),
        ("history", BundleType::Other),
    ] {
        assert_eq!(bundle_type(&bundle(kind, json!([])), 1), Ok(of));
    }
    let of = |text: &str| bundle_type(&serde_json::from_str(text).unwrap(), 3);
    for odd in [
        r#"{"resourceType":"Bundle"}"#,
        r#"{"resourceType":"Bundle","type":"Transaction"}"#,
        r#"{"resourceType":"Bundle","type":["batch"]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":{}}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":null}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[1]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[[]]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":null}]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{}}]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":1}]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":[]}]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"url":{}}}]}"#,
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"ifNoneExist":[]}}]}"#,
    ] {
        assert_eq!(of(odd), Err(BundleFault::Shape), "{odd}");
    }
    let four = bundle("batch", json!([{}, {}, {}, {}]));
    assert_eq!(bundle_type(&four, 3), Err(BundleFault::TooMany));
    assert_eq!(bundle_type(&four, 4), Ok(BundleType::Batch));
}

#[test]
fn an_entry_asks_what_a_request_would() {
    for url in ["ServiceRequest", "/ServiceRequest"] {
        let Interaction::Write(Write::Create(target)) = asks(&batch(entry("POST", url, order())))
        else {
            panic!("{url}")
        };
        assert_eq!((target.id, target.condition), (None, None));
    }
    let mut conditional = entry("POST", "ServiceRequest", order());
    conditional["request"]["ifNoneExist"] = json!("identifier=s|1");
    let Interaction::Write(Write::Create(target)) = asks(&batch(conditional)) else { panic!() };
    assert_eq!(target.condition.as_deref(), Some("identifier=s|1"));

    let mut own = order();
    own["id"] = json!("7");
    let Interaction::Write(Write::Update(target)) =
        asks(&batch(entry("PUT", "ServiceRequest/7", own.clone())))
    else {
        panic!()
    };
    assert_eq!(target.identity().as_deref(), Some("ServiceRequest/7"));
    let update = asks(&batch(entry("PUT", "ServiceRequest?identifier=s|1", own)));
    let Interaction::Write(Write::Update(target)) = update else { panic!() };
    assert_eq!(target.condition.as_deref(), Some("identifier=s|1"));

    for (url, deletes) in [("ServiceRequest/7", true), ("Patient/7", false)] {
        let asked = asks(&batch(json!({"request": {"method": "DELETE", "url": url}})));
        assert_eq!(matches!(asked, Interaction::Delete(_)), deletes, "{url}");
    }
    let read = json!({"request": {"method": "GET", "url": "ServiceRequest?_id=1"}});
    assert_eq!(asks(&batch(read)), Interaction::Stream);
    let patient = json!({"resourceType": "Patient", "id": "3"});
    let unjudged = Interaction::Unjudged { resource_type: "Patient".to_owned() };
    assert_eq!(asks(&batch(entry("PUT", "Patient/3", patient.clone()))), unjudged);
    assert_eq!(asks(&batch(entry("POST", "Patient", patient))), unjudged);
    let binary = json!({"resourceType": "Binary"});
    assert_eq!(asks(&batch(entry("POST", "Binary", binary))), Interaction::Stream);
    let values = json!({"resourceType": "ValueSet"});
    let absolute = entry("PUT", "http://hl7.org/fhir/us/sdc/ValueSet/LL1-9", values);
    assert_eq!(asks(&batch(absolute)), Interaction::Stream);
    let parameters = json!({"resourceType": "Parameters"});
    let operation = asks(&batch(entry("POST", "$process-message", parameters.clone())));
    assert!(matches!(operation, Interaction::Write(Write::Operation(_))));
    let refused = asks(&batch(entry("POST", "$import", parameters)));
    assert_eq!(refused, Interaction::NotAllowed("$import".to_owned()));
}

#[test]
fn an_entry_whose_parts_disagree_is_refused() {
    let patient = || json!({"resourceType": "Patient"});
    disagrees(entry("POST", "Patient", order()));
    disagrees(entry("POST", "ServiceRequest", patient()));
    disagrees(entry("POST", "Binary", order()));
    disagrees(entry("POST", "Bundle", order()));
    disagrees(entry("PUT", "Patient/1", order()));
    disagrees(entry("POST", "Appointment", order()));
    disagrees(entry("post", "ServiceRequest", order()));
    disagrees(entry("GET", "ServiceRequest", order()));
    disagrees(entry("PATCH", "ServiceRequest/1", order()));
    disagrees(entry("PATCH", "Patient/1", order()));
    disagrees(entry("POST", "ServiceRequest/1", order()));
    disagrees(entry("PUT", "", order()));
    disagrees(entry("POST", "?x=y", order()));
    disagrees(json!({"request": {"method": "POST", "url": "ServiceRequest"}}));
    disagrees(json!({"request": {"method": "POST", "url": "Patient"}}));
    disagrees(entry("POST", "http://x/fhir/Patient", order()));
    disagrees(json!({"resource": order()}));
    disagrees(json!({"request": {"method": "POST"}, "resource": order()}));
    disagrees(json!({"request": {"url": "ServiceRequest"}, "resource": order()}));
    for url in [
        "http://10.0.0.21:8080/fhir/ServiceRequest",
        "//ServiceRequest",
        "x/../ServiceRequest",
        "./ServiceRequest",
        "ServiceRequest#x",
        " ServiceRequest",
        "ServiceRequest ",
        "ServiceRequest\\",
        "%2FServiceRequest",
        "Patient/1/ServiceRequest",
        "ServiceRequest?_method=PUT",
        "urn:uuid:1",
    ] {
        disagrees(entry("POST", url, order()));
    }
    for url in [
        "http://x/fhir/ServiceRequest",
        "http://x/fhir/Patient/../ServiceRequest",
        "http://x/fhir/%54ask",
        "http://x/fhir/$import",
        "http://x/fhir/$process-message",
        "http://x/fhir/Patient?_method=PUT",
        "http://x",
    ] {
        disagrees(entry("POST", url, patient()));
    }
    disagrees(entry("PATCH", "http://x/fhir/Patient/1", json!({"resourceType": "Parameters"})));
    let mut other = order();
    other["id"] = json!("8");
    disagrees(entry("PUT", "ServiceRequest/7", other));
    disagrees(entry("PUT", "Patient/7", json!({"resourceType": "Patient", "id": "8"})));
}

#[test]
fn a_bundle_in_a_batch_or_transaction_is_refused_at_any_depth() {
    let inner = json!({"resourceType": "Bundle", "type": "document"});
    let parameters =
        json!({"resourceType": "Parameters", "parameter": [{"name": "x", "resource": inner}]});
    for kind in ["batch", "transaction"] {
        for resource in [&inner, &parameters] {
            let list = json!([entry("POST", "Bundle", resource.clone())]);
            assert_eq!(bundle_type(&bundle(kind, list), 10), Err(BundleFault::BundleInBundle));
        }
    }
    let message = bundle("message", json!([{"resource": inner}]));
    assert_eq!(bundle_type(&message, 10), Ok(BundleType::Other));
}

#[test]
fn a_patch_entry_holds_a_patch() {
    let entry = |resource: Value| batch(entry("PATCH", "ServiceRequest/7", resource));
    let patch = |bundle: &Value| {
        let entry = entries(bundle, &Allowed::default()).unwrap().remove(0);
        assert!(matches!(entry.interaction, Interaction::Write(Write::Patch(_))));
        entry.patch(LIMITS).map(|patch| match patch {
            EntryPatch::Json(patch) => patch,
            EntryPatch::FhirPath(parameters) => parameters.clone(),
        })
    };
    let parameters = json!({"resourceType": "Parameters"});
    let came = entry(parameters.clone());
    assert_eq!(patch(&came), Ok(parameters));
    let data = "W3sib3AiOiJyZW1vdmUiLCJwYXRoIjoiL3gifV0=";
    let binary = |kind: Value, data: &str| {
        entry(json!({"resourceType": "Binary", "contentType": kind, "data": data}))
    };
    let json_patch = json!("application/json-patch+json");
    let came = binary(json_patch.clone(), data);
    assert_eq!(patch(&came), Ok(json!([{"op": "remove", "path": "/x"}])));
    for odd in [
        binary(json!("application/xml-patch+xml"), data),
        binary(json!(1), data),
        binary(json_patch.clone(), "e30="),
        binary(json_patch, "[]"),
        entry(json!({"resourceType": "Binary"})),
    ] {
        assert_eq!(patch(&odd), Err(PatchFault::Shape), "{odd}");
    }
}

#[test]
fn every_fault_has_its_own_name_and_both_sentences() {
    use BundleFault::*;
    let all = [Shape, EntryDisagrees, BundleInBundle, Redefined, PatchedTwice, TooMany];
    let names: std::collections::BTreeSet<&str> = all.iter().map(|fault| fault.as_str()).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().all(|fault| fault.english().is_ascii() && !fault.chinese().is_ascii()));
}
