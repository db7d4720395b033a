//! The reader over anything: total, and deaf to what the file does not read.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::domain::order::{Place, Primary};
use crate::mapping::Reading;
use crate::mapping::fhir::tests::route::{Route, order_with, practitioner};

/// The names that the shipped files read.
const NAMES: &str = "code coding concept text system display performer participant actor type \
    function reference identifier value status category serviceType serviceCategory basedOn \
    contained id resourceType name given family use practitioner subject requester reasonCode \
    extension url valueString occurrenceDateTime occurrenceTiming event start end minutesDuration \
    doNotPerform priority requisition orderDetail";
/// Texts that mean something to them.
const TEXTS: &str = "51.2300 387713003 Practitioner/3 PractitionerRole/1 #x x revoked PPRF \
    ServiceRequest/checked urn:uuid:1 2026-03-12 stat 304292004 Patient/1 Practitioner \
    http://a/b/Practitioner/3 Practitioner?identifier=|";

/// Any JSON, most of it of the words that are read.
fn soup() -> impl Strategy<Value = Value> {
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    let texts: Vec<&str> = TEXTS.split_whitespace().chain([""]).collect();
    let text = prop::sample::select(texts);
    let leaf = prop_oneof![
        8 => text.prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(6, 80, 8, move |inner| {
        let name = prop::sample::select(names.clone());
        let members = prop::collection::vec((name, inner.clone()), 0..8);
        prop_oneof![
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
            2 => members.prop_map(|members| {
                let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
                Value::Object(members.collect::<Map<_, _>>())
            }),
        ]
    })
}

/// A resource of a judged type made of anything.
fn resource() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["ServiceRequest", "Appointment", "Procedure"]);
    let members = prop::collection::vec(soup(), 1..12);
    (kind, members).prop_map(|(kind, parts)| {
        let mut all = Map::new();
        for part in parts {
            if let Value::Object(members) = part {
                all.extend(members);
            }
        }
        all.insert("resourceType".to_owned(), kind.into());
        Value::Object(all)
    })
}

fn exists(resource: &Value, place: Option<&Place>) -> bool {
    let Some(Place::FhirPath(path)) = place else { return true };
    let Some((_, inside)) = path.split_once('.') else { return true };
    let mut value = resource;
    for step in inside.split('.') {
        let (name, indexes) = step.split_once('[').unwrap_or((step, ""));
        let Some(member) = value.get(name) else { return false };
        value = member;
        for index in indexes.split('[').filter(|index| !index.is_empty()) {
            let Ok(index) = index.trim_end_matches(']').parse::<usize>() else { return false };
            let Some(element) = value.get(index) else { return false };
            value = element;
        }
    }
    true
}

proptest! {
    #[test]
    fn any_resource_is_read_to_an_end_and_every_place_exists(resource in resource(), asked in any::<bool>()) {
        let mut route = Route::new().knows(&[practitioner("3", "D3")]);
        route.asked = asked;
        match route.read(&resource) {
            Reading::Surgical(order) => {
                for line in order.groups.iter().flat_map(|group| &group.lines) {
                    prop_assert!(exists(&resource, line.place.as_ref()));
                    for coded in &line.coded {
                        prop_assert!(exists(&resource, coded.place.as_ref()));
                    }
                    if let Primary::Named(persons) = &line.primary {
                        prop_assert!(!persons.is_empty());
                        for person in persons {
                            prop_assert!(person.key().is_some());
                            prop_assert!(exists(&resource, person.place.as_ref()));
                        }
                    }
                }
            }
            Reading::Unreadable(unreadable) => {
                prop_assert!(unreadable.stage.is_some());
                prop_assert!(exists(&resource, unreadable.place.as_ref()));
            }
            Reading::NotSurgical { .. } => {}
        }
    }

    #[test]
    fn members_that_are_not_read_change_nothing(
        name in "[a-z]{1,8}Local", value in soup(), status in prop::sample::select(vec!["active", "revoked"]),
    ) {
        let route = Route::new();
        let plain = order_with(json!({"status": status}));
        let mut more = plain.clone();
        more[name] = value;
        prop_assert_eq!(route.order(&plain), route.order(&more));
    }

    #[test]
    fn a_known_code_is_never_overlooked(resource in resource()) {
        let mut resource = resource;
        let named = if resource["resourceType"] == "Appointment" { "serviceType" } else { "code" };
        let code = json!({"coding": [{"code": "x"}, {"code": "51.2300"}]});
        resource[named] = if named == "code" { code } else { json!([code]) };
        let overlooked = matches!(Route::new().read(&resource), Reading::NotSurgical { .. });
        prop_assert!(!overlooked);
    }
}
