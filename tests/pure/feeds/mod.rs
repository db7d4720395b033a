//! FHIR resources of the shapes that are met outside: what the shipped feeds read from them, as tables say.
//!
//! `tests/data/fhir/shapes.csv` is about the files beside it. `tests/data/fhir/official.csv` is about the
//! examples of the FHIR packages, of Synthea and of others, which are not part of the project: it is held
//! against the folder that `ORGATE_TEST_FHIR_SAMPLES` names, where that is set.

mod bodies;
mod reading;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::feeds::bodies::Body;
use crate::feeds::reading::{Feeds, Row};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fhir")
}

/// The rows of a table by file.
fn table(name: &str) -> BTreeMap<String, Vec<Row>> {
    let mut rows: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut reader = csv::Reader::from_path(data().join(name)).expect("the table is there");
    for row in reader.records() {
        let row = row.expect("a row is UTF-8 text");
        let column = |at: usize| row.get(at).unwrap_or("").to_owned();
        rows.entry(column(0)).or_default().push(Row((1..row.len()).map(column).collect()));
    }
    rows
}

/// Reads every resource of `folder` that is judged and holds it against the table.
fn agrees(folder: &Path, name: &str) -> usize {
    let (mut expected, feeds) = (table(name), Feeds::shipped());
    let (mut differences, mut count) = (Vec::new(), 0);
    for body in Body::all(folder) {
        let read = feeds.read(&body);
        let wanted = expected.remove(&body.file).unwrap_or_default();
        count += read.len();
        if read != wanted {
            let told =
                |rows: &[Row]| rows.iter().map(Row::to_string).collect::<Vec<_>>().join("\n  ");
            differences.push(format!(
                "{}\n expected\n  {}\n read\n  {}",
                body.file,
                told(&wanted),
                told(&read)
            ));
        }
    }
    differences.extend(expected.keys().map(|file| format!("{file} is in the table only")));
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    count
}

#[test]
fn own_files_of_the_odd_shapes_are_read_as_the_table_says() {
    assert!(agrees(&data(), "shapes.csv") >= 25);
}

#[test]
fn the_published_examples_are_read_as_the_table_says_where_they_are_at_hand() {
    let rows: usize = table("official.csv").values().map(Vec::len).sum();
    assert_eq!(rows, 150);
    if let Some(folder) = std::env::var_os("ORGATE_TEST_FHIR_SAMPLES") {
        assert_eq!(agrees(Path::new(&folder), "official.csv"), rows);
    }
}
