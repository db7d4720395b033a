//! Resources → facts → rows, as tables: what each element comes to, and what is refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::register::sources::fhir::facts::{Facts, Kind};
use crate::register::sources::fhir::page::{PageError, page};
use crate::register::sources::fhir::reading::{Organization, Reading, Token, referred};
use crate::register::sources::fhir::tests::{
    bundle, coded, grant, practitioner, read, reading, role, sound,
};
use crate::register::sources::fhir::unit::Unit;

/// The rows of one practitioner with one role, each as its cells that are not empty, or what is wrong.
fn rows(person: &Value, role: &Value, reading: &Reading) -> Result<Vec<String>, Vec<String>> {
    let (person, role) = (read(person, reading), read(role, reading));
    let faults = person.faults.iter().chain(&role.faults);
    let faults: Vec<String> =
        faults.map(|f| format!("{} {}: {}", f.resource, f.place, f.wording.en)).collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut unit = Unit { person: None, roles: BTreeMap::new() };
    for resource in person.resources.into_iter().chain(role.resources) {
        match resource.facts().unwrap() {
            Facts::Person(person) => unit.person = Some(person),
            Facts::Role(role) => {
                unit.roles.insert(resource.id.clone(), role);
            }
        }
    }
    let rows = unit.rows("p1");
    if !rows.faults.is_empty() {
        return Err(rows
            .faults
            .iter()
            .map(|f| format!("{} {}: {}", f.resource, f.place, f.wording.en))
            .collect());
    }
    let row = |row: &crate::register::sources::fhir::unit::Row| {
        let cells = row.cells.iter().filter(|cell| !cell.is_empty());
        cells.cloned().collect::<Vec<_>>().join(" ")
    };
    Ok(rows.surgeons.iter().chain(&rows.grants).map(row).collect())
}

/// A table of cases: what is put into the resource, and what comes of it.
fn table(name: &str) -> Vec<Value> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fhir_register");
    let text = std::fs::read(folder.join(format!("{name}.json"))).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&text).unwrap();
    assert!(cases.len() > 10, "{name}");
    cases
}

/// The rows of a case, surgeon first.
fn rows_of(case: &Value) -> Result<Vec<String>, Vec<String>> {
    let (person, own) = match case.get("grants") {
        None => (practitioner("p1", "D1", &case["more"]), role("r1", "p1", &[], &json!({}))),
        Some(grants) => {
            let grants = grants.as_array().unwrap();
            (practitioner("p1", "D1", &json!({})), role("r1", "p1", grants, &case["more"]))
        }
    };
    rows(&person, &own, &reading())
}

#[test]
fn a_practitioner_comes_to_a_surgeon() {
    for case in table("persons") {
        let rows = rows_of(&case);
        assert_eq!(rows, Ok(vec![case["row"].as_str().unwrap().to_owned()]), "{case}");
    }
}

#[test]
fn a_role_comes_to_grants() {
    for case in table("roles") {
        let rows = rows_of(&case).map(|rows| json!(rows[1..]));
        assert_eq!(rows.as_ref(), Ok(&case["rows"]), "{case}");
    }
}

#[test]
fn what_is_said_and_cannot_be_read_is_a_fault_by_its_id() {
    for (name, resource) in
        [("person_faults", "Practitioner/p1"), ("role_faults", "PractitionerRole/r1")]
    {
        for case in table(name) {
            let faults = rows_of(&case).expect_err(&case.to_string());
            let expected = format!("{resource} {}", case["fault"].as_str().unwrap());
            assert!(faults[0].starts_with(&expected), "{case}: {faults:?}");
            assert!(!faults.join(" ").contains("医师"), "a name in {faults:?}");
        }
    }
}

#[test]
fn the_licence_is_the_qualification_that_is_named_or_the_only_one_that_ends() {
    let coded_until = |code: &str, period: Value| json!({"code": {"coding": [{"system": "urn:q", "code": code}]}, "period": period});
    let two = json!({"qualification": [coded_until("practice", json!({"end": "2026-01-31"})), coded_until("practice", json!({"end": "2028-01-31"})), coded_until("board", json!({"end": "2030-01-01"}))]});
    let granted = role("r1", "p1", &[grant(&[coded("51.2300")])], &json!({}));
    let idle = role("r1", "p1", &[], &json!({}));
    let named =
        |code: &str| Reading { licence: Token::parse(&format!("urn:q|{code}")), ..reading() };
    let of = |reading: &Reading, role: &Value, more: &Value| {
        rows(&practitioner("p1", "D1", more), role, reading).map(|rows| rows[0].clone())
    };
    assert_eq!(
        of(&named("practice"), &granted, &two).as_deref(),
        Ok("D1 医师D1 2028-01-31"),
        "renewed"
    );
    let missing = of(&named("other"), &granted, &two).expect_err("no such qualification");
    assert!(missing[0].contains("holds grants, and no qualification"), "{missing:?}");
    assert_eq!(of(&named("other"), &idle, &two).as_deref(), Ok("D1 医师D1"), "a nurse needs none");
    let unclear = of(&reading(), &granted, &two).expect_err("which is it?");
    assert!(unclear[0].contains("end on different days"), "{unclear:?}");
}

#[test]
fn only_roles_of_the_named_organizations_count() {
    let reading = Reading {
        organizations: vec![
            Organization::parse("Organization/h1").unwrap(),
            Organization::parse("urn:org|H2").unwrap(),
        ],
        ..reading()
    };
    for (organization, counts) in [
        (json!({"reference": "Organization/h1", "display": "普外科"}), true),
        (json!({"identifier": {"system": "urn:org", "value": "H2"}}), true),
        (json!({"reference": "Organization/h3"}), false),
        (json!({"identifier": {"system": "urn:org", "value": "H1"}}), false),
        (json!({"display": "普外科"}), false),
        (Value::Null, false),
    ] {
        let more = json!({"organization": organization});
        let own = role("r1", "p1", &[grant(&[coded("51.2300")])], &more);
        let rows = rows(&practitioner("p1", "D1", &json!({})), &own, &reading).unwrap();
        assert_eq!(rows.len(), if counts { 2 } else { 1 }, "{more}: {rows:?}");
    }
    assert_eq!(Organization::parse("h1"), None);
    assert_eq!(Organization::parse("Organization/a b"), None);
}

#[test]
fn references_name_resources_of_this_server_only() {
    for (reference, expected) in [
        ("Practitioner/7", Some("7")),
        ("Practitioner/a-b.C/_history/2", Some("a-b.C")),
        ("https://fhir.test/fhir/Practitioner/7", Some("7")),
        ("https://fhir.test/other/Practitioner/7", None),
        ("https://fhir.test.evil/fhir/Practitioner/7", None),
        ("Practitioner/", None),
        ("Practitioner/a/b", None),
        ("Practitioner/a b", None),
        ("Patient/7", None),
        ("#7", None),
        ("urn:uuid:7", None),
    ] {
        let read = referred(reference, "Practitioner", "https://fhir.test/fhir");
        assert_eq!(read.as_deref(), expected, "{reference}");
    }
}

#[test]
fn who_has_no_staff_number_is_nobody_of_this_house() {
    let own = json!({"resourceType": "Practitioner", "id": "x", "name": 7, "active": "?"});
    assert_eq!(sound(&own).staff(), "");
    let granted = role("r1", "x", &[grant(&[coded("51.2300")])], &json!({}));
    let faults = rows(&own, &granted, &reading()).expect_err("whose grant?");
    assert!(faults[0].starts_with("PractitionerRole/r1 practitioner: refers to"), "{faults:?}");
}

#[test]
fn pages_are_read_strictly() {
    let person = practitioner("p1", "D1", &json!({}));
    let with = |more: Value| {
        let mut root: Value =
            serde_json::from_slice(&bundle(std::slice::from_ref(&person))).unwrap();
        crate::register::sources::fhir::tests::merge(&mut root, &more);
        root.to_string().into_bytes()
    };
    let of = |bytes: Vec<u8>| page(&bytes, Kind::Practitioner, &reading());
    let good = of(with(json!({"total": 7, "meta": {"lastUpdated": "2026-03-01T00:00:00Z"}, "link": [{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}]}))).unwrap();
    assert_eq!((good.total, good.next.as_deref(), good.resources.len()), (Some(7), Some("b"), 1));
    assert_eq!(good.time, Some("2026-03-01T00:00:00Z".parse().unwrap()));
    let warned = json!({"entry": [{"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}}]});
    assert_eq!(of(with(warned)).unwrap().resources, []);
    for (more, expected) in [
        (json!({"type": "history"}), PageError::NoSearchset),
        (json!({"resourceType": "Parameters"}), PageError::NoSearchset),
        (json!({"entry": {}}), PageError::NoSearchset),
        (json!({"entry": [{"fullUrl": "x"}]}), PageError::Entry(0)),
        (json!({"entry": [{"resource": {"resourceType": "Practitioner"}}]}), PageError::Entry(0)),
        (
            json!({"entry": [{"resource": {"resourceType": "Practitioner", "id": "a/b"}}]}),
            PageError::Entry(0),
        ),
        (
            json!({"entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]}),
            PageError::Entry(0),
        ),
        (
            json!({"entry": [{"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}}]}),
            PageError::Failed,
        ),
        (json!({"link": [{"relation": "next"}]}), PageError::Link),
        (
            json!({"link": [{"relation": "next", "url": "a"}, {"relation": "next", "url": "b"}]}),
            PageError::Link,
        ),
        (json!({"total": "7"}), PageError::Total),
    ] {
        assert_eq!(of(with(more.clone())).err(), Some(expected), "{more}");
    }
    let twice = br#"{"resourceType":"Bundle","type":"searchset","type":"history"}"#;
    assert!(matches!(of(twice.to_vec()), Err(PageError::Unsound(_))));
    assert!(matches!(of(b"<Bundle/>".to_vec()), Err(PageError::Unsound(_))));
}
