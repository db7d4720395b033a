//! Judged resources anywhere in a body, against a plain recursion.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fhir::bundle::tests::order;
use crate::fhir::bundle::{bundle_type, contained, entries, find};
use crate::fhir::interaction::Allowed;

#[test]
fn what_is_judged_is_found_at_any_depth_with_its_place() {
    let root = json!({
        "resourceType": "Bundle", "type": "message",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "MessageHeader"}},
            {"fullUrl": "urn:uuid:2", "resource": {
                "resourceType": "ServiceRequest", "contained": [{"resourceType": "Procedure"}]
            }},
            {"resource": {"resourceType": "Parameters", "parameter": [
                {"name": "x", "part": [{"name": "y", "resource": {"resourceType": "Appointment"}}]}
            ]}}
        ]
    });
    let found: Vec<(String, Option<&str>)> =
        contained(&root).into_iter().map(|found| (found.path, found.full_url)).collect();
    assert_eq!(
        found,
        [
            ("Bundle.entry[1].resource".to_owned(), Some("urn:uuid:2")),
            ("Bundle.entry[1].resource.contained[0]".to_owned(), None),
            ("Bundle.entry[2].resource.parameter[0].part[0].resource".to_owned(), None),
        ]
    );
    let own = order();
    assert_eq!(contained(&own)[0].path, "ServiceRequest");
    assert_eq!(format!("{:?}", contained(&own)[0]), "Contained { path: \"ServiceRequest\", .. }");
    let mut deep = json!({"resourceType": "servicerequest"});
    for _ in 0..10_000 {
        deep = Value::Array(vec![deep]);
    }
    assert_eq!(contained(&deep).len(), 1);
    // Dropping a value recurses, so it is taken apart level by level.
    while let Value::Array(mut list) = deep {
        deep = list.pop().unwrap_or_default();
    }
}

/// The plain model: judged resources by recursion.
fn count(value: &Value) -> usize {
    let inner: usize = match value {
        Value::Object(members) => members.values().map(count).sum(),
        Value::Array(list) => list.iter().map(count).sum(),
        _ => 0,
    };
    let own = ["ServiceRequest", "Appointment", "Procedure"]
        .iter()
        .any(|own| value.get("resourceType").and_then(Value::as_str) == Some(own));
    inner + usize::from(own)
}

fn value() -> impl Strategy<Value = Value> {
    let texts = ["ServiceRequest", "Procedure", "Patient", "batch", "POST", "ServiceRequest/1"];
    let leaf = prop_oneof![
        Just(json!(1)),
        prop::sample::select(texts.to_vec()).prop_map(|text| json!(text)),
    ];
    let key = prop::sample::select(vec![
        "resourceType",
        "entry",
        "resource",
        "request",
        "contained",
        "type",
        "method",
        "url",
        "x",
    ]);
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key.clone(), inner), 0..5).prop_map(|members| {
                members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn everything_judged_is_found_once_and_stands_where_it_says(root in value()) {
        let found = contained(&root);
        prop_assert_eq!(found.len(), count(&root));
        for one in &found {
            let pointer = one.path.split_once(['.', '[']).map_or(String::new(), |(head, _)| {
                one.path.strip_prefix(head).unwrap().replace(']', "").replace(['.', '['], "/")
            });
            let there = root.pointer(&pointer);
            prop_assert!(there.is_some_and(|there| std::ptr::eq(there, one.resource)), "{}", one.path);
        }
    }

    #[test]
    fn reading_a_bundle_is_total(root in value()) {
        let _ = bundle_type(&root, 3);
        let _ = entries(&root, &Allowed::default());
        let _ = find(&root, "Practitioner/1");
    }
}
