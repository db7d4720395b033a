//! Faults of a mapping file: all at once, each with its line and what to write instead.

use crate::mapping::Mapping;

/// A small file without fault.
pub(super) const SMALL: &str = r#"name = "small"
[[message]]
types = "ORM^O01"
stage = "order"
group_by = "ORC"
action = "control"
[actions.control]
at = "ORC-1"
new = "NW"
withdraw = "CA"
[surgical]
codes = "OBR-4"
[[procedure]]
each = "OBR"
codes = "OBR-4"
[[person]]
at = "ROL-4"
role = "ROL-3"
[roles]
surgeon = "1"
"#;

fn faults(text: &str) -> Vec<(usize, String)> {
    let missing = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let faults = Mapping::parse("x.toml", text, &missing).map(|_| ()).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.line, fault.what)).collect()
}

fn lines(text: &str) -> Vec<usize> {
    faults(text).into_iter().map(|(line, _)| line).collect()
}

#[test]
fn the_small_file_has_none() {
    assert_eq!(faults(SMALL), []);
}

#[test]
fn all_faults_are_told_at_once_each_on_its_line() {
    let text = SMALL
        .replace("stage = \"order\"", "stage = \"request\"")
        .replace("group_by = \"ORC\"", "grouped_by = \"ORC\"")
        .replace("at = \"ORC-1\"", "at = \"ORC1\"")
        .replace("codes = \"OBR-4\"\n[[person]]", "codes = \"PR1-3\"\n[[person]]")
        .replace("role = \"ROL-3\"", "is = \"chief\"");
    let found = faults(&text);
    let lines: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [4, 5, 6, 8, 13, 16], "{found:?}");
    let told = |part: &str| found.iter().any(|(_, what)| what.contains(part));
    assert!(told("`request` is no stage; write order, notice or record"));
    assert!(told("`grouped_by` is not a key here; possible are"));
    assert!(told("`ORC1` is no place; write segment-field"));
    assert!(told("a place of PR1 in a procedure of each OBR"));
    assert!(told("is = \"surgeon\", is = \"team\", role"));
}

#[test]
fn what_is_missing_is_said() {
    let found = faults("");
    let told = |part: &str| found.iter().any(|(_, what)| what.contains(part));
    for part in ["`name` is missing", "no [[message]]", "no [[procedure]]", "[surgical] is missing"]
    {
        assert!(told(part), "{part}: {found:?}");
    }
}

#[test]
fn places_and_tests_that_are_not_understood_say_how_to_write_them() {
    for (place, part) in [
        ("OBR", "is no place"),
        ("OBR-0", "is no place"),
        ("OBR-x", "is no place"),
        ("OBR-1.2.3.4", "more than field.component.subcomponent"),
        ("obr-4", "is no segment name"),
        ("OBR-4 split take 1", "split # take 1"),
        ("OBR-4 split # take 0", "split # take 1"),
        ("OBR-4 split ab take 1", "split # take 1"),
        ("OBR-4 where PID-3 = X", "must test the same segment"),
        ("OBR-4 where OBR-3", "is no test"),
    ] {
        let text = SMALL.replace(
            "codes = \"OBR-4\"\n[[procedure]]",
            &format!("codes = \"{place}\"\n[[procedure]]"),
        );
        let found = faults(&text);
        assert!(found.iter().any(|(line, what)| *line == 12 && what.contains(part)), "{found:?}");
    }
}

#[test]
fn a_type_that_an_earlier_entry_takes_is_a_fault() {
    let again = "[[message]]\ntypes = \"ORM^O01\"\nstage = \"order\"\naction = \"new\"\n";
    assert_eq!(lines(&format!("{SMALL}{again}")), [21 + 1]);
}

#[test]
fn what_is_no_toml_is_told_by_line() {
    assert_eq!(lines("name = \"x\"\nname = \"y\"\n[[message\n"), [2, 3]);
}

#[test]
fn an_unreadable_concept_map_and_its_bad_rows_are_told() {
    let text = format!("concept_maps = [\"none.csv\", \"bad.csv\"]\n{SMALL}");
    let load = |path: &str| match path {
        "bad.csv" => Ok("local_code,local_system,code,note\nA,,1.1,\nB,,,\nA,,2.2,\n".to_owned()),
        _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
    };
    let found = Mapping::parse("x.toml", &text, &load).map(|_| ()).unwrap_err();
    let found: Vec<(&str, usize)> = found.iter().map(|f| (f.file.as_str(), f.line)).collect();
    assert_eq!(found, [("bad.csv", 3), ("bad.csv", 4), ("x.toml", 1)]);
}

#[test]
fn an_example_that_is_read_otherwise_is_told_by_line() {
    let example = "[[example]]\nname = \"e\"\nmessage = '''\nMSH|^~\\&|A||B||2026||ORM^O01|1|P|2.4\n\
                   ORC|CA|1\nOBR|1|||7^x\n'''\ncatalogue = \"7\"\nexpect = \"order\"\n\
                   [[example.group]]\naction = \"new\"\ncases = \"1: 7\"\n";
    let text = format!("{SMALL}{example}");
    let none = |_: &str| Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    let mapping = Mapping::parse("x.toml", &text, &none).unwrap();
    let found = mapping.run_examples();
    let lines: Vec<usize> = found.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [31, 32], "{found:?}");
    let told = found.first().unwrap().to_string();
    assert!(told.contains("x.toml:31: example `e`: `action`: expected [\"new\"]"), "{told}");
}
