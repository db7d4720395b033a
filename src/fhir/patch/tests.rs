//! Patches as the standards write them, and what is refused because servers would differ.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fhir::patch::{PatchFault, fhirpath_patch, json_patch};

fn order() -> Value {
    json!({
        "resourceType": "ServiceRequest",
        "id": "77",
        "status": "active",
        "code": {"coding": [{"system": "s1", "code": "51.2300"}, {"system": "s2", "code": "x"}]},
        "performer": [{"reference": "Practitioner/1"}, {"reference": "Practitioner/2"}],
        "occurrenceDateTime": "2026-03-02T08:30:00+08:00",
        "extension": [{"url": "urn:a", "valueString": "one"}, {"url": "urn:b", "valueCode": "two"}]
    })
}

fn operation(parts: &[(&str, &str, Value)]) -> Value {
    let parts: Vec<Value> =
        parts.iter().map(|(name, kind, value)| json!({"name": name, *kind: value})).collect();
    json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]})
}

fn code(kind: &'static str) -> (&'static str, &'static str, Value) {
    ("type", "valueCode", json!(kind))
}

fn path(path: &str) -> (&'static str, &'static str, Value) {
    ("path", "valueString", json!(path))
}

fn replace(at: &str, kind: &str, value: Value) -> Result<Value, PatchFault> {
    fhirpath_patch(&order(), &operation(&[code("replace"), path(at), ("value", kind, value)]))
}

fn add(at: &str, name: &str, kind: &str, value: Value) -> Result<Value, PatchFault> {
    let name = ("name", "valueString", json!(name));
    fhirpath_patch(&order(), &operation(&[code("add"), path(at), name, ("value", kind, value)]))
}

fn delete(at: &str) -> Result<Value, PatchFault> {
    fhirpath_patch(&order(), &operation(&[code("delete"), path(at)]))
}

#[test]
fn a_json_patch_does_what_the_rfc_says() {
    let patched = json_patch(
        &order(),
        &json!([
            {"op": "test", "path": "/status", "value": "active"},
            {"op": "replace", "path": "/performer/0/reference", "value": "Practitioner/9"},
            {"op": "remove", "path": "/performer/1"},
            {"op": "add", "path": "/code/coding/-", "value": {"code": "y"}},
            {"op": "copy", "from": "/status", "path": "/intent"},
            {"op": "move", "from": "/occurrenceDateTime", "path": "/authoredOn"}
        ]),
    )
    .unwrap();
    assert_eq!(patched["performer"], json!([{"reference": "Practitioner/9"}]));
    assert_eq!(patched["code"]["coding"][2]["code"], "y");
    assert_eq!((&patched["intent"], patched.get("occurrenceDateTime")), (&json!("active"), None));
}

#[test]
fn a_json_patch_that_is_none_or_does_not_fit_is_refused() {
    use PatchFault::*;
    for (patch, why) in [
        (json!([]), Shape),
        (json!({"op": "remove", "path": "/status"}), Shape),
        (json!([{"op": "Remove", "path": "/status"}]), Shape),
        (json!([{"op": "remove", "path": "status"}]), Shape),
        (json!([{"op": "add", "path": "/status"}]), Shape),
        (json!([{"op": "test", "path": "/status", "value": "draft"}]), DoesNotApply),
        (json!([{"op": "remove", "path": "/nothing"}]), DoesNotApply),
        (json!([{"op": "add", "path": "/performer/7", "value": {}}]), DoesNotApply),
        (json!([{"op": "replace", "path": "/resourceType", "value": "Patient"}]), DoesNotApply),
        (json!([{"op": "replace", "path": "/id", "value": "78"}]), DoesNotApply),
        (json!([{"op": "remove", "path": "/id"}]), DoesNotApply),
        (json!([{"op": "replace", "path": "", "value": []}]), DoesNotApply),
        (json!([{"op": "add", "path": "/Performer", "value": []}]), Path),
        (json!([{"op": "add", "path": "/sTATUS", "value": "revoked"}]), Path),
    ] {
        assert_eq!(json_patch(&order(), &patch), Err(why), "{patch}");
    }
}

#[test]
fn copies_of_copies_do_not_grow_without_end() {
    let double = json!({"op": "copy", "from": "/extension", "path": "/extension/-"});
    let patch = Value::Array(vec![double; 60]);
    assert_eq!(json_patch(&order(), &patch), Err(PatchFault::DoesNotApply));
}

#[test]
fn an_element_is_replaced_wherever_a_simple_path_leads() {
    let reference = json!({"reference": "Practitioner/9"});
    for at in [
        "ServiceRequest.performer[1]",
        "performer[1]",
        "ServiceRequest.performer.last()",
        "ServiceRequest.performer.where(reference = 'Practitioner/2')",
        "ServiceRequest.performer.where(reference='Practitioner/2').first()",
    ] {
        let patched = replace(at, "valueReference", reference.clone()).unwrap();
        let wanted = json!([{"reference": "Practitioner/1"}, {"reference": "Practitioner/9"}]);
        assert_eq!(patched["performer"], wanted, "{at}");
    }
    let patched = replace("ServiceRequest.performer.first().reference", "valueString", json!("x"));
    assert_eq!(patched.unwrap()["performer"][0]["reference"], "x");
    let at = "ServiceRequest.code.coding.where(system = 's1').code";
    assert_eq!(
        replace(at, "valueCode", json!("52.7x00")).unwrap()["code"]["coding"][0]["code"],
        "52.7x00"
    );
    let at = "ServiceRequest.extension('urn:b').value";
    let extension = &replace(at, "valueString", json!("z")).unwrap()["extension"][1];
    assert_eq!(*extension, json!({"url": "urn:b", "valueString": "z"}));
}

#[test]
fn a_choice_is_found_under_its_plain_name_and_takes_its_new_type() {
    let period = json!({"start": "2026-03-03"});
    let patched = replace("ServiceRequest.occurrence", "valuePeriod", period.clone()).unwrap();
    assert_eq!(patched.get("occurrenceDateTime"), None);
    assert_eq!(patched["occurrencePeriod"], period);
    let patched = replace("ServiceRequest.occurrence", "valueDateTime", json!("2027")).unwrap();
    assert_eq!(patched["occurrenceDateTime"], "2027");
    assert_eq!(delete("ServiceRequest.occurrence").unwrap().get("occurrenceDateTime"), None);
    let again = add("ServiceRequest", "occurrence", "valuePeriod", period.clone());
    assert_eq!(again, Err(PatchFault::DoesNotApply));
    let mut two = order();
    two["occurrencePeriod"] = period;
    let patch = operation(&[code("delete"), path("ServiceRequest.occurrence")]);
    assert_eq!(fhirpath_patch(&two, &patch), Err(PatchFault::Path));
}

#[test]
fn an_element_is_added_as_a_list_where_fhir_has_one() {
    let text = json!({"text": "t"});
    let patched =
        add("ServiceRequest", "reasonCode", "valueCodeableConcept", text.clone()).unwrap();
    assert_eq!(patched["reasonCode"], json!([text]));
    let patched = add("ServiceRequest", "performer", "valueReference", json!({"reference": "a/b"}));
    assert_eq!(patched.unwrap()["performer"][2]["reference"], "a/b");
    let patched =
        add("ServiceRequest.code", "coding", "valueCoding", json!({"code": "c"})).unwrap();
    assert_eq!(patched["code"]["coding"][2]["code"], "c");
    let patched = add("ServiceRequest", "priority", "valueCode", json!("stat")).unwrap();
    assert_eq!(patched["priority"], "stat");
    let patched = add("ServiceRequest.code", "text", "valueString", json!("t")).unwrap();
    assert_eq!(patched["code"]["text"], "t");
    assert_eq!(
        add("ServiceRequest", "status", "valueCode", json!("draft")),
        Err(PatchFault::DoesNotApply)
    );
    assert_eq!(add("ServiceRequest", "unknown", "valueCode", json!("x")), Err(PatchFault::Path));
    assert_eq!(add("ServiceRequest", "Status", "valueCode", json!("x")), Err(PatchFault::Path));
}

#[test]
fn an_element_without_a_type_of_its_own_is_built_from_parts() {
    let procedure = json!({"resourceType": "Procedure", "status": "completed"});
    let parts = json!([
        {"name": "actor", "valueReference": {"reference": "Practitioner/1"}},
        {"name": "function", "part": [{"name": "coding", "valueCoding": {"code": "304292004"}}]},
        {"name": "extension", "part": [
            {"name": "url", "valueUri": "urn:x"}, {"name": "value", "valueBoolean": true}
        ]}
    ]);
    let name = ("name", "valueString", json!("performer"));
    let patch = operation(&[code("add"), path("Procedure"), name, ("value", "part", parts)]);
    let patched = fhirpath_patch(&procedure, &patch).unwrap();
    let wanted = json!([{
        "actor": {"reference": "Practitioner/1"},
        "function": {"coding": [{"code": "304292004"}]},
        "extension": [{"url": "urn:x", "valueBoolean": true}]
    }]);
    assert_eq!(patched["performer"], wanted);
}

#[test]
fn lists_are_inserted_into_moved_within_and_emptied() {
    let value = ("value", "valueReference", json!({"reference": "Practitioner/9"}));
    let insert = |index: u64| {
        let index = ("index", "valueInteger", json!(index));
        let at = path("ServiceRequest.performer");
        fhirpath_patch(&order(), &operation(&[code("insert"), at, value.clone(), index]))
    };
    assert_eq!(insert(0).unwrap()["performer"][0]["reference"], "Practitioner/9");
    assert_eq!(insert(2).unwrap()["performer"][2]["reference"], "Practitioner/9");
    assert_eq!(insert(3), Err(PatchFault::DoesNotApply));
    let shift = |source: u64, destination: u64| {
        let source = ("source", "valueInteger", json!(source));
        let destination = ("destination", "valueInteger", json!(destination));
        let at = path("ServiceRequest.performer");
        fhirpath_patch(&order(), &operation(&[code("move"), at, source, destination]))
    };
    assert_eq!(shift(0, 1).unwrap()["performer"][1]["reference"], "Practitioner/1");
    assert_eq!(shift(0, 2), Err(PatchFault::DoesNotApply));
    assert_eq!(
        delete("ServiceRequest.performer[0]").unwrap()["performer"].as_array().unwrap().len(),
        1
    );
    assert_eq!(delete("ServiceRequest.performer"), Err(PatchFault::DoesNotApply));
    assert_eq!(delete("ServiceRequest.note"), Ok(order()));
    let mut one = order();
    one["performer"] = json!([{"reference": "Practitioner/1"}]);
    let patch = operation(&[code("delete"), path("ServiceRequest.performer")]);
    assert_eq!(fhirpath_patch(&one, &patch).unwrap().get("performer"), None);
}

#[test]
fn a_path_that_servers_could_follow_differently_is_not_followed() {
    for at in [
        "",
        "Patient.status",
        "Resource.status",
        "ServiceRequest.",
        "ServiceRequest..status",
        ".status",
        "ServiceRequest.performer[x]",
        "ServiceRequest.performer[-1]",
        "ServiceRequest.performer[0",
        "ServiceRequest.performer[0]x",
        "ServiceRequest.`status`",
        "ServiceRequest.performer.where(reference ~ 'x')",
        "ServiceRequest.performer.where(reference = 'x' or true)",
        "ServiceRequest.performer.where(reference = 'x\\'')",
        "ServiceRequest.performer.where(reference = x)",
        "ServiceRequest.performer.where(exists())",
        "ServiceRequest.performer.skip(1)",
        "ServiceRequest.performer.single()",
        "ServiceRequest.performer | ServiceRequest.note",
        "ServiceRequest.descendants()",
        "ServiceRequest.extension(url)",
        "%resource.status",
        "ServiceRequest.where(code.coding.code = 'x').status",
        "ServiceRequest.first(1)",
    ] {
        assert_eq!(replace(at, "valueCode", json!("revoked")), Err(PatchFault::Path), "{at:?}");
    }
    for at in ["ServiceRequest.note", "ServiceRequest.performer", "ServiceRequest.status[1]"] {
        assert_eq!(replace(at, "valueCode", json!("x")), Err(PatchFault::DoesNotApply), "{at}");
    }
    assert_eq!(replace("ServiceRequest", "valueCode", json!("x")), Err(PatchFault::Path));
    assert_eq!(delete("ServiceRequest.id"), Err(PatchFault::DoesNotApply));
}

#[test]
fn parameters_that_are_no_patch_are_refused() {
    let good = || vec![code("delete"), path("ServiceRequest.status")];
    let with = |more: (&'static str, &'static str, Value)| {
        let mut parts = good();
        parts.push(more);
        operation(&parts)
    };
    assert!(fhirpath_patch(&order(), &operation(&good())).is_ok());
    for patch in [
        json!({"resourceType": "Parameters"}),
        json!({"resourceType": "Parameters", "parameter": []}),
        json!({"resourceType": "Bundle", "parameter": operation(&good())["parameter"]}),
        json!({"resourceType": "Parameters", "parameter": [{"name": "op", "part": []}]}),
        operation(&[code("delete")]),
        operation(&[path("ServiceRequest.status")]),
        operation(&[code("erase"), path("ServiceRequest.status")]),
        with(("path", "valueString", json!("ServiceRequest.intent"))),
        with(("pathLanguage", "valueString", json!("x"))),
        with(("index", "valueInteger", json!(-1))),
        with(("index", "valueInteger", json!("0"))),
        with(("name", "valueBoolean", json!(true))),
        with(("value", "resource", json!({}))),
        with(("value", "value", json!({}))),
    ] {
        assert_eq!(fhirpath_patch(&order(), &patch), Err(PatchFault::Shape), "{patch}");
    }
}

#[test]
fn every_fault_has_its_own_name_and_both_sentences() {
    let all = [PatchFault::Shape, PatchFault::DoesNotApply, PatchFault::Path];
    let names: std::collections::BTreeSet<&str> = all.iter().map(|fault| fault.as_str()).collect();
    assert_eq!(names.len(), all.len());
    assert!(all.iter().all(|fault| fault.english().is_ascii() && !fault.chinese().is_ascii()));
}

fn any_path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "ServiceRequest",
        ".performer",
        ".status",
        "[0]",
        "[9]",
        ".first()",
        ".last()",
        ".code",
        ".coding",
        ".where(code='x')",
        ".where(reference = 'Practitioner/1')",
        ".occurrence",
        ".extension('urn:a')",
        ".value",
        "(",
        ")",
        "'",
        ".",
        "[",
        "术",
    ]);
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn patching_is_total_and_keeps_the_resource_what_it_is(
        at in any_path(),
        kind in prop::sample::select(vec!["add", "insert", "delete", "replace", "move"]),
        name in prop::sample::select(vec!["status", "performer", "occurrence", "note", "id"]),
        index in 0_u64..3,
    ) {
        let mut parts = vec![code(kind), path(&at)];
        if kind == "add" {
            parts.push(("name", "valueString", json!(name)));
        }
        if kind != "delete" && kind != "move" {
            parts.push(("value", "valueString", json!("x")));
        }
        for number in ["index", "source", "destination"] {
            parts.push((number, "valueInteger", json!(index)));
        }
        if let Ok(patched) = fhirpath_patch(&order(), &operation(&parts)) {
            prop_assert_eq!(&patched["resourceType"], "ServiceRequest");
            prop_assert_eq!(&patched["id"], "77");
        }
    }

    #[test]
    fn what_replace_writes_stands_where_the_pointer_says(index in 0_usize..2, text in "[a-z]{1,5}") {
        let at = format!("ServiceRequest.performer[{index}].reference");
        let by_path = replace(&at, "valueString", json!(text)).unwrap();
        let pointer = format!("/performer/{index}/reference");
        let by_pointer =
            json_patch(&order(), &json!([{"op": "replace", "path": pointer, "value": text}])).unwrap();
        prop_assert_eq!(by_path, by_pointer);
    }
}
