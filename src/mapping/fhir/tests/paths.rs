//! JSONPath as mapping files use it: what is walked here finds what the library finds.

use serde_json::{Value, json};
use serde_json_path::JsonPath;

use crate::mapping::fhir::path::{Path, Walk};

const PATHS: [&str; 14] = [
    "$",
    "$.code",
    "$['code'].coding[*].code",
    "$.performer[*]",
    "$.performer[0]",
    "$.performer[-1].reference",
    "$.performer[0:1]",
    "$.identifier[?@.system == 'urn:[x]'].value",
    "$.identifier[?@.system == 'urn:[x]' && @.value != \"a]b\"]",
    "$..code",
    "$.code.*",
    "$.extension[?@.url == 'a'].extension[?@.url == 'b'].valueString",
    "$ .code .text",
    "$[\"odd name\"]",
];

fn resource() -> Value {
    json!({
        "code": {"coding": [{"code": "1"}, {"code": "2"}], "text": "t"},
        "performer": [{"reference": "Practitioner/1"}, {"reference": "Practitioner/2"}],
        "identifier": [{"system": "urn:[x]", "value": "a]b"}, {"system": "urn:y", "value": "v"}],
        "extension": [{"url": "a", "extension": [{"url": "b", "valueString": "s"}]}],
        "odd name": 1,
    })
}

fn walk(strict: bool) -> Walk {
    Walk { places: true, strict, most: 100 }
}

#[test]
fn a_path_finds_what_the_library_finds() {
    let resource = resource();
    for text in PATHS {
        let path = Path::parse(text).unwrap();
        let found = path.nodes(&resource, walk(true)).unwrap();
        let found: Vec<&Value> = found.iter().map(|node| node.value).collect();
        assert_eq!(found, JsonPath::parse(text).unwrap().query(&resource).all(), "{text}");
    }
}

#[test]
fn places_say_the_way_that_was_walked() {
    let resource = resource();
    let places = |text: &str| {
        let nodes = Path::parse(text).unwrap().nodes(&resource, walk(true)).unwrap();
        nodes.into_iter().map(|node| node.place).collect::<Vec<_>>()
    };
    assert_eq!(places("$.performer[*]"), [".performer[0]", ".performer[1]"]);
    assert_eq!(places("$.performer[-1].reference"), [".performer[1].reference"]);
    assert_eq!(places("$.identifier[?@.value == 'v'].value"), [".identifier[1].value"]);
}

#[test]
fn a_step_of_the_wrong_type_is_told_or_passed_over() {
    let resource = json!({"performer": {"reference": "x"}, "code": [1], "status": "x"});
    for (text, place) in [
        ("$.performer[*]", ".performer"),
        ("$.performer[0]", ".performer"),
        ("$.performer[?@.a == 1]", ".performer"),
        ("$.code.coding", ".code"),
        ("$.status.a.b", ".status"),
    ] {
        let path = Path::parse(text).unwrap();
        for places in [false, true] {
            let told = path.nodes(&resource, Walk { places, ..walk(true) }).unwrap_err();
            assert_eq!(told.place, place, "{text}");
        }
        assert_eq!(path.nodes(&resource, walk(false)).unwrap().len(), 0, "{text}");
    }
    assert_eq!(
        Path::parse("$.absent[*].a").unwrap().nodes(&resource, walk(true)).unwrap().len(),
        0
    );
}

#[test]
fn more_values_than_wanted_are_not_gathered() {
    let resource = json!({"a": vec![vec![1; 500]; 500]});
    for text in ["$.a[*][*]", "$..*", "$.a[*][?@ == 1]"] {
        let found = Path::parse(text).unwrap().nodes(&resource, walk(true)).unwrap();
        assert!((101..=1000).contains(&found.len()), "{text}: {}", found.len());
    }
}
