//! Names inside a Bundle: who stands under which, once, and where a reference leads.

use serde_json::{Value, json};

use crate::fhir::bundle::tests::{bundle, entry, order};
use crate::fhir::bundle::{BundleFault, BundleType, bundle_type, find};

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
fn a_reference_that_could_mean_somebody_else_is_refused() {
    let with = |kind: &str, holder: &str, person: Value, reference: &str| {
        let mut order = order();
        order["performer"] = json!([{"reference": reference}]);
        let order = json!({
            "fullUrl": holder, "resource": order,
            "request": {"method": "POST", "url": "ServiceRequest"}
        });
        bundle_type(&bundle(kind, json!([order, person])), 10)
    };
    let refused = Err(BundleFault::Redefined);
    let created = |url: &str| {
        let request = json!({"method": "POST", "url": "Practitioner"});
        json!({"fullUrl": url, "resource": practitioner("9"), "request": request})
    };
    for kind in ["transaction", "batch"] {
        let to = |url: &str, reference: &str| with(kind, "urn:uuid:o", created(url), reference);
        assert!(to("urn:uuid:p", "urn:uuid:p").is_ok());
        assert!(to("urn:uuid:p", "Practitioner/8").is_ok());
        assert_eq!(to("http://x/fhir/Practitioner/9", "Practitioner/9"), refused);
        assert_eq!(to("http://x/fhir/Practitioner/9", "http://x/fhir/Practitioner/9"), refused);
    }
    let sent = |url: &str| json!({"fullUrl": url, "resource": practitioner("9")});
    let (here, there) = ("http://x/fhir/ServiceRequest/1", "http://y/fhir/ServiceRequest/1");
    let person = || sent("http://x/fhir/Practitioner/9");
    let fine = Ok(BundleType::Other);
    assert_eq!(with("message", here, person(), "Practitioner/9"), fine);
    assert_eq!(with("message", there, person(), "Practitioner/9"), refused);
    assert_eq!(with("message", "urn:uuid:o", person(), "Practitioner/9"), refused);
    assert_eq!(with("message", there, person(), "http://x/fhir/Practitioner/9"), fine);
    assert_eq!(with("message", there, person(), "http://y/fhir/Practitioner/9"), refused);
    assert_eq!(with("message", "urn:uuid:o", sent("urn:uuid:p"), "urn:uuid:p"), fine);
    assert_eq!(with("message", "urn:uuid:o", sent("urn:uuid:p"), "Practitioner/9"), refused);
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
fn a_reference_leads_into_a_bundle_only_and_to_what_it_writes_only() {
    let at = |root: &Value| find(root, "urn:uuid:p").is_some();
    let list = |request: Value| {
        let mut entry = json!({"fullUrl": "urn:uuid:p", "resource": practitioner("9")});
        if !request.is_null() {
            entry["request"] = request;
        }
        json!([entry])
    };
    let under =
        |method: &str, url: &str| at(&bundle("batch", list(json!({"method": method, "url": url}))));
    assert!(at(&bundle("message", list(Value::Null))));
    for (method, url) in [
        ("POST", "Practitioner"),
        ("POST", "/Practitioner/?_pretty=true"),
        ("PUT", "Practitioner/9"),
        ("PUT", "Practitioner?identifier=x|9"),
    ] {
        assert!(under(method, url), "{method} {url}");
    }
    for (method, url) in [
        ("DELETE", "Practitioner/9"),
        ("DELETE", "Patient/9/_history"),
        ("PATCH", "Practitioner/9"),
        ("GET", "Practitioner/9"),
        ("POST", "Practitioner/_search"),
        ("POST", "Practitioner/$validate"),
        ("POST", "$validate"),
        ("POST", "Binary"),
        ("PUT", "Practitioner"),
        ("PUT", "http://x/fhir/Practitioner/9"),
    ] {
        assert!(!under(method, url), "{method} {url}");
    }
    let mut order = order();
    order["entry"] = list(Value::Null);
    assert!(!at(&order));
    assert!(!at(&json!({"resourceType": "Parameters", "entry": list(Value::Null)})));
    assert!(!at(&json!({"entry": list(Value::Null)})));
}
