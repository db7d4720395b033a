//! References that lead into the body itself.

use serde_json::json;

use super::*;

fn found(known: &Known<'_>, reference: &str) -> Option<Arc<Value>> {
    match known.find(reference) {
        Found::Resource(resource) => Some(resource),
        Found::Nothing | Found::NotAsked => None,
    }
}

fn known(root: &Value) -> Known<'_> {
    Known::at(Vec::new(), None, root)
}

#[test]
fn however_many_names_lead_to_a_resource_it_is_copied_once() {
    let person = json!({"resourceType": "Practitioner", "id": "9"});
    let root = json!({"resourceType": "Bundle",
        "entry": [{"fullUrl": "urn:uuid:p", "resource": person}]});
    let known = known(&root);
    let first = found(&known, "urn:uuid:p").unwrap();
    for version in 0..200 {
        let again = found(&known, &format!("urn:uuid:p/_history/{version}")).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
    }
    let plan = json!({"resourceType": "CarePlan", "contained": [person]});
    let known = self::known(&plan);
    assert!(Arc::ptr_eq(&found(&known, "#9").unwrap(), &found(&known, "#9").unwrap()));
}

#[test]
fn a_reference_inside_a_resource_leads_nowhere_beside_it_in_a_bundle() {
    let person = json!({"resourceType": "Practitioner", "id": "9"});
    let mut root = json!({"resourceType": "CarePlan", "contained": [person],
        "entry": [{"fullUrl": "#8", "resource": person}]});
    assert!(found(&known(&root), "#9").is_some());
    for other in ["Bundle", "Parameters"] {
        root["resourceType"] = json!(other);
        assert!(found(&known(&root), "#9").is_none(), "{other}");
        assert!(found(&known(&root), "#8").is_none(), "{other}");
    }
}
