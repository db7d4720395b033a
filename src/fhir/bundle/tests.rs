//! Bundles whose entries agree with themselves, and those that do not.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fhir::bundle::{
    BundleFault, BundleType, EntryPatch, bundle_type, contained, entries, find,
};
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

fn practitioner(id: &str) -> Value {
    json!({
        "resourceType": "Practitioner", "id": id,
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.4", "value": "D1002"}]
    })
}

#[test]
fn nothing_stands_under_one_name_twice() {
    let with = |one: Value, other: Value| {
        let order = json!({"fullUrl": "urn:uuid:o", "resource": order()});
        bundle_type(&bundle("message", json!([order, one, other])), 10)
    };
    let at = |url: &str, id: &str| json!({"fullUrl": url, "resource": practitioner(id)});
    let refused = Err(BundleFault::Redefined);
    assert_eq!(with(at("urn:uuid:p1", "1"), at("urn:uuid:p2", "2")), Ok(BundleType::Other));
    assert_eq!(with(at("urn:uuid:p1", "1"), at("urn:uuid:p1", "2")), refused);
    assert_eq!(with(at("urn:uuid:p1", "1"), at("urn:uuid:p2", "1")), refused);
    assert_eq!(with(at("urn:uuid:p1", "1"), at("http://x/Practitioner/1", "1")), refused);
    assert_eq!(with(at("http://x/Practitioner/1", "2"), json!({})), refused);
    let patient = json!({"resourceType": "Patient", "id": "1"});
    let patient = |url: &str| json!({"fullUrl": url, "resource": patient});
    assert_eq!(with(patient("urn:uuid:a"), patient("urn:uuid:b")), Ok(BundleType::Other));
    assert_eq!(with(patient("urn:uuid:a"), patient("urn:uuid:a")), refused);
    let unjudged = bundle("message", json!([at("urn:uuid:p", "1"), at("urn:uuid:p", "1")]));
    assert_eq!(bundle_type(&unjudged, 10), Ok(BundleType::Other));
}

#[test]
fn who_is_referred_to_is_not_changed_in_the_same_bundle() {
    let with = |request: Value, reference: &str| {
        let mut order = order();
        order["performer"] = json!([{"reference": reference}]);
        let list = json!([
            {"fullUrl": "urn:uuid:p1", "request": request, "resource": practitioner("1")},
            entry("POST", "ServiceRequest", order)
        ]);
        bundle_type(&bundle("transaction", list), 10)
    };
    let (fine, refused) = (Ok(BundleType::Transaction), Err(BundleFault::Redefined));
    let put = json!({"method": "PUT", "url": "Practitioner/1"});
    assert_eq!(with(put.clone(), "Practitioner/1"), refused);
    assert_eq!(with(put.clone(), "Practitioner/1/_history/2"), refused);
    assert_eq!(with(put.clone(), "http://x/fhir/Practitioner/1"), refused);
    assert_eq!(with(put.clone(), "urn:uuid:p1"), refused);
    assert_eq!(with(put, "Practitioner/2"), fine);
    let post = json!({"method": "POST", "url": "Practitioner"});
    assert_eq!(with(post, "urn:uuid:p1"), fine);
    let patch = json!({"method": "PATCH", "url": "Practitioner/1"});
    assert_eq!(with(patch, "Practitioner/1"), refused);
    let unless = |search: &str| {
        let request = json!({"method": "POST", "url": "Practitioner", "ifNoneExist": search});
        with(request, "urn:uuid:p1")
    };
    assert_eq!(unless("identifier=urn:oid:2.16.156.10011.1.4|D1002"), fine);
    assert_eq!(unless("identifier=urn%3Aoid%3A2.16.156.10011.1.4%7CD1002"), fine);
    assert_eq!(unless("identifier=urn:oid:2.16.156.10011.1.4|D1005"), refused);
    assert_eq!(unless("identifier=D1002"), refused);
    assert_eq!(unless("name=x"), refused);
    let search = "Practitioner?identifier=urn:oid:2.16.156.10011.1.4|D1002";
    assert_eq!(with(json!({"method": "PUT", "url": search}), "urn:uuid:p1"), fine);
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
fn what_is_judged_is_found_at_any_depth_with_its_place() {
    let root = json!({
        "resourceType": "Bundle", "type": "message",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "MessageHeader"}},
            {"fullUrl": "urn:uuid:2", "resource": {
                "resourceType": "ServiceRequest", "contained": [{"resourceType": "Procedure"}]
            }},
            {"resource": {"resourceType": "Parameters", "parameter": [
                {"name": "x", "part": [{"name": "y", "resource": {"resourceType": "Appointment"}}]}
            ]}}
        ]
    });
    let found: Vec<(String, Option<&str>)> =
        contained(&root).into_iter().map(|found| (found.path, found.full_url)).collect();
    assert_eq!(
        found,
        [
            ("Bundle.entry[1].resource".to_owned(), Some("urn:uuid:2")),
            ("Bundle.entry[1].resource.contained[0]".to_owned(), None),
            ("Bundle.entry[2].resource.parameter[0].part[0].resource".to_owned(), None),
        ]
    );
    let own = order();
    assert_eq!(contained(&own)[0].path, "ServiceRequest");
    assert_eq!(format!("{:?}", contained(&own)[0]), "Contained { path: \"ServiceRequest\", .. }");
    let mut deep = json!({"resourceType": "servicerequest"});
    for _ in 0..10_000 {
        deep = Value::Array(vec![deep]);
    }
    assert_eq!(contained(&deep).len(), 1);
    // Dropping a value recurses, so it is taken apart level by level.
    while let Value::Array(mut list) = deep {
        deep = list.pop().unwrap_or_default();
    }
}

#[test]
fn a_reference_leads_to_the_entry_that_bears_its_name() {
    let root = bundle(
        "transaction",
        json!([
            {"fullUrl": "urn:uuid:p1", "resource": practitioner("a"),
             "request": {"method": "POST", "url": "Practitioner"}},
            {"fullUrl": "http://x/fhir/Practitioner/b", "resource": practitioner("b")},
            {"resource": practitioner("c"), "request": {"method": "PUT", "url": "Practitioner/c"}},
            {"resource": practitioner("d"), "request": {"method": "POST", "url": "Practitioner"}}
        ]),
    );
    let id = |reference: &str| find(&root, reference).map(|found| found["id"].as_str().unwrap());
    assert_eq!(id("urn:uuid:p1"), Some("a"));
    assert_eq!(id("Practitioner/b"), Some("b"));
    assert_eq!(id("Practitioner/b/_history/1"), Some("b"));
    assert_eq!(id("http://x/fhir/Practitioner/b"), Some("b"));
    assert_eq!(id("Practitioner/c"), Some("c"));
    for nobody in
        ["Practitioner/a", "Practitioner/d", "http://y/fhir/Practitioner/b", "#a", "", "b"]
    {
        assert_eq!(id(nobody), None, "{nobody}");
    }
}

#[test]
fn every_fault_has_its_own_name_and_both_sentences() {
    use BundleFault::*;
    let all = [Shape, EntryDisagrees, BundleInBundle, Redefined, TooMany];
    let names: std::collections::BTreeSet<&str> = all.iter().map(|fault| fault.as_str()).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().all(|fault| fault.english().is_ascii() && !fault.chinese().is_ascii()));
}

/// The plain model: judged resources by recursion.
fn count(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(list) => list.iter().map(count).sum(),
        _ => 0,
    };
    let own = ["ServiceRequest", "Appointment", "Procedure"]
        .iter()
        .any(|own| value.get("resourceType").and_then(Value::as_str) == Some(own));
    inner + usize::from(own)
}

fn value() -> impl Strategy<Value = Value> {
    let texts = ["ServiceRequest", "Procedure", "Patient", "batch", "POST", "ServiceRequest/1"];
    let leaf = prop_oneof![
        Just(json!(1)),
        prop::sample::select(texts.to_vec()).prop_map(|text| json!(text)),
    ];
    let key = prop::sample::select(vec![
        "resourceType",
        "entry",
        "resource",
        "request",
        "contained",
        "type",
        "method",
        "url",
        "x",
    ]);
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|members| {
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn everything_judged_is_found_once_and_stands_where_it_says(root in value()) {
        let found = contained(&root);
        prop_assert_eq!(found.len(), count(&root));
        for one in &found {
            let pointer = one.path.split_once(['.', '[']).map_or(String::new(), |(head, _)| {
                one.path.strip_prefix(head).unwrap().replace(']', "").replace(['.', '['], "/")
            });
            let there = root.pointer(&pointer);
            prop_assert!(there.is_some_and(|there| std::ptr::eq(there, one.resource)), "{}", one.path);
        }
    }

    #[test]
    fn reading_a_bundle_is_total(root in value()) {
        let _ = bundle_type(&root, 3);
        let _ = entries(&root, &Allowed::default());
        let _ = find(&root, "Practitioner/1");
    }
}
