//! Every FHIR mapping file that ships is without fault and reads its own examples as it says.

use std::path::{Path, PathBuf};

use crate::mapping::fhir::FhirMapping;

/// The mapping file of this name under `mappings/fhir`.
pub(super) fn shipped(name: &str) -> FhirMapping {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    let load = |path: &str| std::fs::read_to_string(folder().join(path));
    FhirMapping::parse(name, &text, &load)
        .unwrap_or_else(|faults| panic!("{}", lines(faults.iter())))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/fhir")
}

fn lines<T: ToString>(faults: impl Iterator<Item = T>) -> String {
    faults.map(|fault| fault.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_shipped_file_reads_its_own_examples_as_it_says() {
    let mut count = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let mapping = shipped(&name);
        let faults = mapping.run_examples();
        assert!(faults.is_empty(), "{}", lines(faults.iter()));
        assert!(mapping.example_count() >= 12, "{name} has too few examples");
        assert_eq!(format!("{}.toml", mapping.name()), name);
        count += 1;
    }
    assert!(count >= 2);
}

#[test]
fn the_worked_example_of_the_manual_is_a_mapping_without_fault() {
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/mapping.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let (_, chapter) = manual.split_once("\n# FHIR\n").unwrap();
    let (_, rest) = chapter.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let none = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let mapping = FhirMapping::parse("manual.toml", text, &none)
        .unwrap_or_else(|faults| panic!("{}", lines(faults.iter())));
    let faults = mapping.run_examples();
    assert!(faults.is_empty(), "{}", lines(faults.iter()));
    assert_eq!(mapping.example_count(), 2);
}
