//! Whether the documentation keeps its word: its examples are read as it says, and its profiles know every part.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::register::sources::fhir::person;
use crate::register::sources::fhir::reading::{Reading, Token};
use crate::register::sources::fhir::role;
use crate::register::sources::fhir::tests::applying::Ward;
use crate::register::sources::fhir::tests::{read, reading};

const PAGE: &str = include_str!("../../../../../docs/fhir-register.md");

fn file(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/fhir").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The words of the documentation.
fn documented() -> Reading {
    Reading {
        staff_system: "urn:oid:2.16.156.10011.1.4".to_owned(),
        licence: Token::parse("urn:example:qualification|practice"),
        ..reading()
    }
}

#[tokio::test]
async fn the_examples_come_to_the_rows_that_they_show() {
    let ward = Ward::new().await;
    let mut pull = ward.all(&[]).await;
    for name in ["example-Practitioner.json", "example-PractitionerRole.json"] {
        let page = read(&file(name), &documented());
        assert_eq!(page.faults, [], "{name}");
        pull.changed.extend(page.resources);
    }
    let how = super::applying::how();
    crate::register::sources::fhir::apply::apply(&ward.source, &pull, &how).await.unwrap();
    assert_eq!(ward.rows("surgeons").await, ["D1005 秦可欣 肝胆外科 active 2028-06-30 primary"]);
    assert_eq!(
        ward.rows("grants").await,
        [
            "D1005 1 perform 2020-01-01 active none",
            "D1005 51.2300 perform 2024-01-01 2027-12-31 active 院医务〔2023〕44号 2023-12-14 2025-10-11 none",
            "D1005 52.7x00 perform EAST 2020-01-01 suspended required",
        ]
    );
    // The page's own example says the same of the first grant.
    let (_, rest) = PAGE.split_once("```json\n").unwrap();
    let shown: Value = serde_json::from_str(rest.split_once("```").unwrap().0).unwrap();
    assert_eq!(read(&shown, &documented()).faults, []);
    let whole = file("example-PractitionerRole.json");
    for part in shown["extension"][0]["extension"].as_array().unwrap() {
        let same = |own: &&Value| own["url"] == part["url"];
        let own = whole["extension"][0]["extension"].as_array().unwrap().iter().find(same).unwrap();
        let code = |value: &Value| value["valueCoding"]["code"].clone();
        assert!(own == part || (code(own) == code(part) && !code(own).is_null()), "{part}");
    }
}

#[test]
fn the_profiles_know_every_part_and_no_other() {
    for (name, url, parts) in [
        ("StructureDefinition-procedure-grant.json", role::GRANT, role::part_names()),
        ("StructureDefinition-staff-details.json", person::STAFF_DETAILS, person::part_names()),
    ] {
        let definition = file(name);
        assert_eq!(definition["url"], url);
        let elements = definition["differential"]["element"].as_array().unwrap();
        let slices = elements.iter().filter_map(|element| element["sliceName"].as_str());
        let slices: BTreeSet<&str> = slices.collect();
        assert_eq!(slices, parts.into_iter().collect(), "{name}");
        for slice in slices {
            assert!(
                PAGE.contains(&format!("`{slice}`")) || PAGE.contains(&format!("/ {slice}")),
                "{slice}"
            );
        }
        assert!(PAGE.contains(url), "{url}");
    }
}
