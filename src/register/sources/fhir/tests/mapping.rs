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
        match resource.facts {
            Facts::Person(person) => unit.person = Some(person),
            Facts::Role(role) => {
                unit.roles.insert(resource.id, role);
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

fn person_with(more: Value) -> Result<String, Vec<String>> {
    let rows =
        rows(&practitioner("p1", "D1", &more), &role("r1", "p1", &[], &json!({})), &reading());
    rows.map(|mut rows| rows.remove(0))
}

fn role_with(grants: &[Value], more: Value) -> Result<Vec<String>, Vec<String>> {
    let rows =
        rows(&practitioner("p1", "D1", &json!({})), &role("r1", "p1", grants, &more), &reading());
    rows.map(|rows| rows[1..].to_vec())
}

fn details(parts: Value) -> Value {
    json!({"extension": [{"url": "urn:orgate:staff-details", "extension": parts}]})
}

#[test]
fn a_practitioner_comes_to_a_surgeon() {
    let ends = |end: &str| json!({"qualification": [{"code": {"text": "执业证"}, "period": {"end": end}}]});
    for (more, expected) in [
        (json!({}), "D1 医师D1"),
        (json!({"active": true}), "D1 医师D1"),
        (json!({"active": false}), "D1 医师D1 left"),
        (json!({"deceasedBoolean": true}), "D1 医师D1 left"),
        (json!({"deceasedBoolean": false}), "D1 医师D1"),
        (json!({"deceasedDateTime": "2026-01-01"}), "D1 医师D1 left"),
        (json!({"name": [{"family": "张", "given": ["三"]}]}), "D1 张三"),
        (json!({"name": [{"family": "Zhang", "given": ["San", "L."]}]}), "D1 San L. Zhang"),
        (
            json!({"name": [{"use": "old", "text": "旧"}, {"use": "usual", "text": "常"}, {"use": "official", "text": "正"}]}),
            "D1 正",
        ),
        (json!({"name": [{"use": "nickname", "text": "小三"}, {"text": "张三"}]}), "D1 张三"),
        (
            json!({"identifier": [{"use": "old", "system": "urn:staff", "value": "D0"}, {"system": "urn:staff", "value": " D9 "}, {"system": "urn:other", "value": "X"}]}),
            "D9 医师D1",
        ),
        (ends("2027-12-31"), "D1 医师D1 2027-12-31"),
        // Only days that lie wholly within count.
        (ends("2027-12-31T23:59:59+08:00"), "D1 医师D1 2027-12-31"),
        (ends("2027-12-31T16:00:00Z"), "D1 医师D1 2027-12-31"),
        (ends("2027-12-31T12:00:00+08:00"), "D1 医师D1 2027-12-30"),
        (
            json!({"qualification": [{"code": {"text": "学位"}}, {"period": {"end": "2027-12-31"}}]}),
            "D1 医师D1 2027-12-31",
        ),
        (
            details(
                json!([{"url": "department", "valueString": "普外科"}, {"url": "base", "valueCode": "multi-site"}, {"url": "status", "valueCode": "suspended"}]),
            ),
            "D1 医师D1 普外科 suspended multi-site",
        ),
        // What nobody asks about cannot be at fault.
        (json!({"gender": "?", "telecom": [{"system": "pager", "value": 7}]}), "D1 医师D1"),
    ] {
        assert_eq!(person_with(more.clone()).as_deref(), Ok(expected), "{more}");
    }
}

#[test]
fn what_a_practitioner_says_and_cannot_be_read_is_a_fault_by_its_id() {
    for (more, expected) in [
        (json!({"active": "false"}), "active: must be true or false"),
        (json!({"active": null}), "active: must be true or false"),
        (
            json!({"identifier": [{"system": "urn:staff", "value": "D1"}, {"system": "urn:staff", "value": "D2"}]}),
            "identifier: there are several",
        ),
        (json!({"name": ["张三"]}), "name: must be a list of objects"),
        (
            json!({"qualification": [{"period": {"end": "2027-12"}}]}),
            "qualification.period.end: must be a whole date",
        ),
        (
            json!({"qualification": [{"period": "2027-12-31"}]}),
            "qualification.period: must be a Period",
        ),
        (
            json!({"modifierExtension": [{"url": "urn:x", "valueBoolean": true}]}),
            "modifierExtension: changes the meaning",
        ),
        (json!({"implicitRules": "urn:x"}), "implicitRules: changes the meaning"),
        (
            details(json!([{"url": "dept", "valueString": "普外科"}])),
            "urn:orgate:staff-details[0]: has a part that is unknown",
        ),
        (
            details(json!([{"url": "department", "valueCode": "普外科"}])),
            "urn:orgate:staff-details[0].department: may hold url and valueString only",
        ),
        (details(json!([])), "urn:orgate:staff-details[0]: says nothing"),
    ] {
        let faults = person_with(more.clone()).expect_err(&more.to_string());
        assert!(
            faults[0].starts_with(&format!("Practitioner/p1 {expected}")),
            "{more}: {faults:?}"
        );
        assert!(!faults.join(" ").contains("医师"), "a name in {faults:?}");
    }
}

#[test]
fn a_role_comes_to_grants() {
    let period = |period: Value| json!({"url": "period", "valuePeriod": period});
    let whole = [
        coded("52.7x00"),
        json!({"url": "right", "valueCode": "order"}),
        json!({"url": "site", "valueString": "东院"}),
        json!({"url": "site", "valueString": "西院"}),
        period(json!({"start": "2026-01-01", "end": "2027-12-31"})),
        json!({"url": "status", "valueCode": "suspended"}),
        json!({"url": "reason", "valueString": "再评估"}),
        json!({"url": "document", "valueString": "院发1号"}),
        json!({"url": "documentDate", "valueDate": "2025-12-20"}),
        json!({"url": "evaluated", "valueDate": "2025-12-01"}),
        json!({"url": "trained", "valueDate": "2025-11-01"}),
        json!({"url": "supervision", "valueCode": "required"}),
    ];
    let row = "D1 52.7x00 order 东院;西院 2026-01-01 2027-12-31 suspended 院发1号 2025-12-20 2025-12-01 2025-11-01 required";
    let plain = || vec![grant(&[coded("51.2300")])];
    let dated = |term: Value| vec![grant(&[coded("51.2300"), period(term)])];
    for (grants, more, expected) in [
        (vec![grant(&whole)], json!({}), vec![row]),
        (plain(), json!({}), vec!["D1 51.2300"]),
        (vec![grant(&[json!({"url": "grade", "valuePositiveInt": 2})])], json!({}), vec!["D1 2"]),
        (
            vec![grant(&[json!({"url": "grade", "valueInteger": 1})]), grant(&[coded("LC")])],
            json!({}),
            vec!["D1 1", "D1 LC"],
        ),
        // Roles that do not count, whatever is wrong with them.
        (plain(), json!({"active": false}), vec![]),
        (vec![grant(&[])], json!({"active": false, "period": 7}), vec![]),
        (vec![json!({"url": "urn:other", "valueString": "x"})], json!({}), vec![]),
        // A role's own time bounds that of its grants.
        (plain(), json!({"period": {"start": "2026-03-01"}}), vec!["D1 51.2300 2026-03-01"]),
        (plain(), json!({"period": {"end": "2026-06-30"}}), vec!["D1 51.2300 2026-06-30"]),
        (
            dated(json!({"start": "2026-01-01", "end": "2026-12-31"})),
            json!({"period": {"start": "2026-03-01", "end": "2026-06-30"}}),
            vec!["D1 51.2300 2026-03-01 2026-06-30"],
        ),
        (dated(json!({"start": "2026-01-01"})), json!({"period": {"end": "2025-12-31"}}), vec![]),
        (
            dated(json!({"start": "2026-01-01T00:00:00+08:00"})),
            json!({}),
            vec!["D1 51.2300 2026-01-01"],
        ),
        (
            dated(json!({"start": "2026-01-01T08:00:00+08:00"})),
            json!({}),
            vec!["D1 51.2300 2026-01-02"],
        ),
        (
            plain(),
            json!({"practitioner": {"reference": "https://fhir.test/fhir/Practitioner/p1/_history/3"}}),
            vec!["D1 51.2300"],
        ),
    ] {
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(role_with(&grants, more.clone()), Ok(expected), "{grants:?} {more}");
    }
}

#[test]
fn what_a_role_grants_and_cannot_be_read_is_a_fault_by_its_id() {
    let with = |part: Value| vec![grant(&[coded("51.2300"), part])];
    let url = "urn:orgate:procedure-grant[0]";
    for (grants, more, expected) in [
        (
            with(json!({"url": "perriod", "valuePeriod": {"end": "2026-12-31"}})),
            json!({}),
            format!("{url}: has a part that is unknown"),
        ),
        (
            with(json!({"valuePeriod": {"end": "2026-12-31"}})),
            json!({}),
            format!("{url}: has a part that is unknown"),
        ),
        (
            with(json!({"url": "period", "valueDate": "2026-12-31"})),
            json!({}),
            format!("{url}.period: may hold url and valuePeriod only"),
        ),
        (
            with(json!({"url": "period"})),
            json!({}),
            format!("{url}.period: must hold one valuePeriod"),
        ),
        (
            with(json!({"url": "period", "valuePeriod": {}})),
            json!({}),
            format!("{url}.period: must be a Period"),
        ),
        (
            with(json!({"url": "period", "valuePeriod": {"end": "2026"}})),
            json!({}),
            format!("{url}.period: must be a whole date"),
        ),
        (
            with(json!({"url": "period", "valuePeriod": {"end": null}})),
            json!({}),
            format!("{url}.period: must be a text"),
        ),
        (
            with(
                json!({"url": "period", "valuePeriod": {"start": "2026-12-31", "end": "2026-01-01"}}),
            ),
            json!({}),
            format!("{url}.period: begins after its end"),
        ),
        (
            with(
                json!({"url": "period", "valuePeriod": {"end": "2026-12-31"}, "valueString": "x"}),
            ),
            json!({}),
            format!("{url}.period: may hold"),
        ),
        (
            with(json!({"url": "status", "valueCode": 1})),
            json!({}),
            format!("{url}.status: must be a text"),
        ),
        (with(coded("52.7x00")), json!({}), format!("{url}.code: stands more than once")),
        (
            with(json!({"url": "evaluated", "valueDate": "2026-02-30"})),
            json!({}),
            format!("{url}.evaluated: must be a whole date"),
        ),
        (
            with(json!({"url": "grade", "valueInteger": 2, "valuePositiveInt": 2})),
            json!({}),
            format!("{url}.grade: must hold one"),
        ),
        (
            vec![grant(&[json!({"url": "code", "valueCoding": {"display": "胆囊"}})])],
            json!({}),
            format!("{url}.code: has no code"),
        ),
        (
            vec![json!({"url": "urn:orgate:procedure-grant", "valueString": "51.2300"})],
            json!({}),
            format!("{url}: may hold url and extension only"),
        ),
        (
            vec![grant(&[coded("51.2300")])],
            json!({"active": "no"}),
            "active: must be true or false".to_owned(),
        ),
        (
            vec![grant(&[coded("51.2300")])],
            json!({"period": {"end": "someday"}}),
            "period: must be a whole date".to_owned(),
        ),
        (
            vec![grant(&[coded("51.2300")])],
            json!({"modifierExtension": []}),
            "modifierExtension: changes".to_owned(),
        ),
        (
            vec![grant(&[coded("51.2300")])],
            json!({"practitioner": {"reference": "https://other.test/fhir/Practitioner/p1"}}),
            "practitioner: must refer".to_owned(),
        ),
        (
            vec![grant(&[coded("51.2300")])],
            json!({"practitioner": {"display": "张三"}}),
            "practitioner: must refer".to_owned(),
        ),
    ] {
        let faults = role_with(&grants, more.clone()).expect_err(&format!("{grants:?} {more}"));
        assert!(
            faults[0].starts_with(&format!("PractitionerRole/r1 {expected}")),
            "{grants:?}: {faults:?}"
        );
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
