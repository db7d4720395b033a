//! What the tests of the reader share: a route to read by, resources to vary, short ways to see what was read.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Action, Group, Order, Person, Place, Primary};
use crate::domain::procedure::ProcedureCode;
use crate::mapping::expected;
use crate::mapping::fhir::tests::shipped::shipped;
use crate::mapping::fhir::{FhirContext, FhirMapping, FhirReading, Found, References, Subject};
use crate::mapping::{Doubt, Reading};

/// A route to read by.
pub(super) struct Route {
    pub(super) mapping: &'static FhirMapping,
    catalogue: Catalogue,
    zone: TimeZone,
    pub(super) action: Action,
    pub(super) identity: Option<&'static str>,
    pub(super) known: BTreeMap<String, Arc<Value>>,
    pub(super) asked: bool,
}

impl References for Route {
    fn find(&self, reference: &str) -> Found {
        match self.known.get(reference) {
            Some(resource) => Found::Resource(Arc::clone(resource)),
            None if self.asked => Found::Nothing,
            None => Found::NotAsked,
        }
    }
}

/// The shipped R4 file, compiled once for all tests.
fn r4() -> &'static FhirMapping {
    static KNOWN: OnceLock<FhirMapping> = OnceLock::new();
    KNOWN.get_or_init(|| shipped("r4.toml"))
}

impl Route {
    /// Of the shipped R4 file.
    pub(super) fn new() -> Self {
        Self::of(r4())
    }

    pub(super) fn of(mapping: &'static FhirMapping) -> Self {
        let codes = ["51.2300", "47.0100", "52.7x00"].map(|code| ProcedureCode::new(code).unwrap());
        Self {
            mapping,
            catalogue: expected::catalogue(&codes),
            zone: expected::zone(),
            action: Action::New,
            identity: None,
            known: BTreeMap::new(),
            asked: true,
        }
    }

    pub(super) fn knows(mut self, resources: &[Value]) -> Self {
        for resource in resources {
            let text = |name: &str| resource[name].as_str().unwrap();
            let key = format!("{}/{}", text("resourceType"), text("id"));
            self.known.insert(key, Arc::new(resource.clone()));
        }
        self
    }

    pub(super) fn read_all(&self, resource: &Value) -> FhirReading {
        let path = resource.get("resourceType").and_then(Value::as_str).unwrap_or_default();
        let context = FhirContext {
            catalogue: &self.catalogue,
            listed: &|code| code.as_str() == "99.9999",
            checked_order: &|number| number == "CHECKED" || number == "ServiceRequest/checked",
            all_surgical: false,
            zone: &self.zone,
            references: self,
        };
        let subject = Subject { resource, path, action: self.action, identity: self.identity };
        self.mapping.read(subject, &context)
    }

    pub(super) fn read(&self, resource: &Value) -> Reading {
        self.read_all(resource).reading
    }

    pub(super) fn order(&self, resource: &Value) -> Order {
        match self.read(resource) {
            Reading::Surgical(order) => order,
            other => panic!("not surgical: {other:?}"),
        }
    }

    pub(super) fn group(&self, resource: &Value) -> Group {
        self.order(resource).groups.remove(0)
    }

    /// Who operates: ids, or names where there is no id; `missing`, `unclear`.
    pub(super) fn surgeons(&self, resource: &Value) -> Vec<String> {
        match &self.group(resource).lines[0].primary {
            Primary::Named(persons) => persons.iter().map(who).collect(),
            Primary::Missing => vec!["missing".to_owned()],
            Primary::Unclear(_) => vec!["unclear".to_owned()],
        }
    }

    /// Why it is unreadable, and where.
    pub(super) fn doubt(&self, resource: &Value) -> Option<(Doubt, String)> {
        match self.read(resource) {
            Reading::Unreadable(unreadable) => Some((unreadable.why, place(unreadable.place))),
            _ => None,
        }
    }
}

pub(super) fn who(person: &Person) -> String {
    let id = person.id.as_ref().map(ToString::to_string);
    id.or_else(|| person.full_name()).unwrap_or_default()
}

pub(super) fn place(place: Option<Place>) -> String {
    match place {
        Some(Place::FhirPath(path)) => path,
        _ => String::new(),
    }
}

/// A sound order with some members set, or taken out with `null`.
pub(super) fn order_with(members: Value) -> Value {
    let order = json!({
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": "urn:op", "code": "51.2300"}]},
        "subject": {"reference": "Patient/P1"},
        "performer": [staff("D1023")],
    });
    with(order, members)
}

/// A sound notice, likewise.
pub(super) fn notice_with(members: Value) -> Value {
    let notice = json!({
        "resourceType": "Appointment",
        "status": "booked",
        "serviceType": [{"coding": [{"code": "51.2300"}]}],
        "start": "2026-03-12T08:30:00+08:00",
        "participant": [participant("PPRF", staff("D1023"))],
    });
    with(notice, members)
}

/// A sound record, likewise.
pub(super) fn record_with(members: Value) -> Value {
    let record = json!({
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"coding": [{"code": "51.2300"}]},
        "subject": {"reference": "Patient/P1"},
        "performer": [{"actor": staff("D1023")}],
    });
    with(record, members)
}

fn with(mut resource: Value, members: Value) -> Value {
    let Value::Object(members) = members else { panic!("members are an object") };
    for (name, value) in members {
        if value.is_null() {
            resource.as_object_mut().unwrap().remove(&name);
        } else {
            resource[name] = value;
        }
    }
    resource
}

/// A Reference by staff number.
pub(super) fn staff(number: &str) -> Value {
    json!({"identifier": {"system": "urn:oid:2.16.156.10011.1.4", "value": number}})
}

/// A Practitioner with a staff number.
pub(super) fn practitioner(id: &str, number: &str) -> Value {
    json!({
        "resourceType": "Practitioner",
        "id": id,
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.4", "value": number}],
        "name": [{"family": "石", "given": ["磊"]}],
    })
}

/// A participant with a role.
pub(super) fn participant(role: &str, actor: Value) -> Value {
    json!({"type": [{"coding": [{"code": role}]}], "actor": actor, "status": "accepted"})
}
