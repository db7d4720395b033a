//! What is patched is changed by nothing else in the same Bundle.

use serde_json::{Value, json};

use crate::fhir::bundle::tests::{bundle, entry};
use crate::fhir::bundle::{BundleFault, bundle_type, entries};
use crate::fhir::interaction::Allowed;

fn patch(url: &str) -> Value {
    entry("PATCH", url, json!({"resourceType": "Parameters"}))
}

fn put(url: &str) -> Value {
    entry("PUT", url, json!({"resourceType": "ServiceRequest"}))
}

fn delete(url: &str) -> Value {
    json!({"request": {"method": "DELETE", "url": url}})
}

fn post() -> Value {
    entry("POST", "ServiceRequest", json!({"resourceType": "ServiceRequest", "id": "7"}))
}

#[test]
fn a_patch_stands_alone_among_the_changes_of_its_target() {
    for kind in ["batch", "transaction"] {
        let read = |list: &[Value]| {
            let of = bundle(kind, json!(list));
            bundle_type(&of, 10).unwrap();
            entries(&of, &Allowed::default()).map(|entries| entries.len())
        };
        let search = "ServiceRequest?identifier=x|7";
        for list in [
            [patch("ServiceRequest/7"), patch("ServiceRequest/7")],
            [patch("ServiceRequest/7"), patch("/ServiceRequest/7/")],
            [patch("ServiceRequest/7a"), patch("ServiceRequest/7A")],
            [patch("ServiceRequest/7"), put("ServiceRequest/7")],
            [delete("ServiceRequest/7"), patch("ServiceRequest/7")],
            [patch("ServiceRequest/7"), patch(search)],
            [put(search), patch("ServiceRequest/7")],
            [put("ServiceRequest"), patch("ServiceRequest/7")],
            [delete(search), patch("ServiceRequest/7")],
            [patch(search), put("ServiceRequest/8")],
            [patch(search), patch(search)],
            [patch("CarePlan/7"), patch("CarePlan/7")],
        ] {
            assert_eq!(read(&list), Err(BundleFault::PatchedTwice), "{list:?}");
        }
        for list in [
            [patch("ServiceRequest/7"), patch("ServiceRequest/8")],
            [patch("ServiceRequest/7"), patch("Appointment/7")],
            [patch("ServiceRequest/7"), patch("Appointment?identifier=x|7")],
            [patch("ServiceRequest/7"), post()],
            [post(), patch(search)],
            [put("ServiceRequest/7"), put("ServiceRequest/7")],
        ] {
            assert_eq!(read(&list), Ok(2), "{list:?}");
        }
    }
}
