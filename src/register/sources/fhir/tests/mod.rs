//! Tests of pulls, without a network: resources → facts and rows, what is refused, pulls → register.

mod applying;
mod documented;
mod incremental;
mod mapping;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::register::import::policy::{InstitutionLevel, Policy};
use crate::register::sources::fhir::facts::{Kind, Resource};
use crate::register::sources::fhir::page::{Page, page};
use crate::register::sources::fhir::reading::Reading;

/// The words of the tests.
fn reading() -> Reading {
    Reading {
        base: "https://fhir.test/fhir".to_owned(),
        staff_system: "urn:staff".to_owned(),
        licence: None,
        organizations: Vec::new(),
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
    }
}

fn policy() -> Policy {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    Policy { institution_level: InstitutionLevel::Tertiary, zone }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A page of these resources.
fn bundle(resources: &[Value]) -> Vec<u8> {
    let entries: Vec<Value> = resources.iter().map(|own| json!({ "resource": own })).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "entry": entries}).to_string().into()
}

/// What a page of one resource is read into.
fn read(resource: &Value, reading: &Reading) -> Page {
    let kind = Kind::of(resource["resourceType"].as_str().unwrap()).unwrap();
    page(&bundle(std::slice::from_ref(resource)), kind, reading).unwrap()
}

/// The same, without faults.
fn sound(resource: &Value) -> Resource {
    let mut page = read(resource, &reading());
    assert_eq!(page.faults, [], "{resource}");
    page.resources.remove(0)
}

fn practitioner(id: &str, staff: &str, more: &Value) -> Value {
    let mut resource = json!({
        "resourceType": "Practitioner",
        "id": id,
        "identifier": [{"system": "urn:staff", "value": staff}],
        "name": [{"text": format!("医师{staff}")}],
    });
    merge(&mut resource, more);
    resource
}

/// A grant as an extension.
fn grant(parts: &[Value]) -> Value {
    json!({"url": "urn:orgate:procedure-grant", "extension": parts})
}

fn coded(code: &str) -> Value {
    json!({"url": "code", "valueCoding": {"code": code}})
}

fn role(id: &str, practitioner: &str, grants: &[Value], more: &Value) -> Value {
    let mut resource = json!({
        "resourceType": "PractitionerRole",
        "id": id,
        "practitioner": {"reference": format!("Practitioner/{practitioner}")},
        "extension": grants,
    });
    merge(&mut resource, more);
    resource
}

fn merge(resource: &mut Value, more: &Value) {
    for (key, value) in more.as_object().into_iter().flatten() {
        resource[key] = value.clone();
    }
}
