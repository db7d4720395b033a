//! FHIR resources of invented people.

use serde_json::{Value, json};

/// The system of staff numbers.
pub(crate) const STAFF: &str = "urn:oid:2.16.156.10011.1.4";

/// An order for an operation by the surgeon of this number.
fn order(number: &str, surgeon: &str, code: &str, display: &str) -> Value {
    json!({
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "urn:sample:orders", "value": number}],
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "code": {"coding": [{"system": "urn:sample:chs", "code": code, "display": display}]},
        "subject": {"reference": "Patient/P2699001", "display": "赵样例"},
        "performer": [{"identifier": {"system": STAFF, "value": surgeon}}]
    })
}

/// D1002 沈若川 holds a grant for 51.2300.
pub(crate) fn clean(number: &str) -> Value {
    order(number, "D1002", "51.2300", "腹腔镜下胆囊切除术")
}

/// D1005 秦可欣 was never granted 52.7x00: grant-missing.
pub(crate) fn refused(number: &str) -> Value {
    order(number, "D1005", "52.7x00", "根治性胰十二指肠切除术")
}

/// The same as an emergency: an override.
pub(crate) fn emergency(number: &str) -> Value {
    with(refused(number), "priority", json!("stat"))
}

/// A laboratory order: none of the gate's business.
pub(crate) fn laboratory(number: &str) -> Value {
    let mut order = order(number, "D1003", "L0101", "血常规");
    order["code"]["coding"][0]["system"] = json!("urn:sample:lis");
    order
}

/// The resource with one member more, or another one.
pub(crate) fn with(mut resource: Value, member: &str, value: Value) -> Value {
    resource[member] = value;
    resource
}

/// A Bundle of this type with these entries: method, url, resource.
pub(crate) fn bundle(kind: &str, entries: &[(&str, &str, Value)]) -> Value {
    let entries = entries.iter().map(|(method, url, resource)| {
        let request = json!({"method": method, "url": url});
        match resource {
            Value::Null => json!({ "request": request }),
            resource => json!({ "resource": resource, "request": request }),
        }
    });
    json!({ "resourceType": "Bundle", "type": kind, "entry": entries.collect::<Vec<_>>() })
}
