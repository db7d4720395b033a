//! The form of names, lines and bodies; rotation; and that the page for auditors tells the truth.

use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MORNING, at, config, draft, open_folder, verify};
use crate::ledger::canonical::check_object;
use crate::ledger::store::FileName;
use crate::ledger::{
    Body, Config, Draft, Durability, Entry, EntryId, Filter, Kind, LedgerError, canonical, store,
};

fn names(data_dir: &Path) -> Vec<String> {
    let mut names: Vec<FileName> = fs::read_dir(store::folder(data_dir))
        .unwrap()
        .filter_map(|found| FileName::parse(found.unwrap().file_name().to_str().unwrap()))
        .collect();
    names.sort();
    names.iter().map(FileName::to_string).collect()
}

fn entries(data_dir: &Path, filter: Filter) -> Vec<Entry> {
    crate::ledger::entries(&store::folder(data_dir), filter).unwrap().map(Result::unwrap).collect()
}

#[test]
fn file_names_sort_in_the_order_of_the_chain_and_have_one_spelling() {
    let first = FileName::parse("2026-03-02.jsonl").unwrap();
    let ninth = FileName::parse("2026-03-02.9.jsonl").unwrap();
    let tenth = FileName::parse("2026-03-02.10.jsonl").unwrap();
    let next = FileName::parse("2026-03-03.jsonl").unwrap();
    assert!(first < ninth && ninth < tenth && tenth < next);
    for odd in ["2026-03-02.1.jsonl", "2026-03-02.02.jsonl", "20260302.jsonl", ".probe", "x.jsonl"]
    {
        assert_eq!(FileName::parse(odd), None, "{odd}");
    }
}

#[test]
fn only_canonical_objects_without_fractions_are_bodies() {
    let good = [r#"{}"#, r#"{"a":[1,-2,{"b":null}],"é":"\u0001\n"}"#, r#"{"a\n":1,"aB":2}"#];
    for text in good {
        check_object(text).unwrap();
        assert_eq!(canonical(&serde_json::from_str(text).unwrap()).unwrap(), text);
    }
    let deep = format!("{}1{}", "{\"a\":".repeat(70), "}".repeat(70));
    let bad = [
        "[]",
        "1",
        "",
        "{",
        r#"{"a":1} "#,
        r#"{"a":1 }"#,
        r#"{"b":1,"a":2}"#,
        r#"{"a":1,"a":1}"#,
        r#"{"a":1.5}"#,
        r#"{"a":1e3}"#,
        r#"{"a":-0}"#,
        r#"{"a":01}"#,
        r#"{"a":"\u0041"}"#,
        r#"{"a":"\/"}"#,
        r#"{"a":"\u001F"}"#,
        r#"{"a":"\u000a"}"#,
        "{\"a\":\"\n\"}",
        r#"{"a":9999999999999999999}"#,
        r#"{"aB":2,"a\n":1}"#,
        &deep,
    ];
    for text in bad {
        assert!(check_object(text).is_err(), "{text}");
    }
    assert!(Body::of(&json!({"a": 0.5})).is_err());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-999_999_999_999_999_999i64..=999_999_999_999_999_999).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_canonical_writes_its_check_accepts_and_reads_back(value in json()) {
        let text = canonical(&json!({"body": value})).unwrap();
        check_object(&text).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), json!({"body": value}));
    }

    #[test]
    fn what_the_check_accepts_has_no_other_spelling(text in r#"\{("[ab\\nu0]{0,5}":[-0-9.e"\\]{1,4},?){0,3}\}"#) {
        if check_object(&text).is_ok() {
            let value: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical(&value).unwrap(), text);
        }
    }
}

#[tokio::test]
async fn a_line_stands_as_the_format_says() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, recovered) = open_folder(folder.path(), config());
    assert!(recovered.sync_time.is_some());
    let body = Body::new(r#"{"a":1}"#.to_owned()).unwrap();
    let id = EntryId::parse("01JQ000000000000000000000A").unwrap();
    let time = at("2026-03-02T00:30:00.1234567Z");
    let draft = Draft { id, time, kind: Kind::Override, body };
    assert_eq!(ledger.append(draft, Durability::OnDisk).await.unwrap().seq(), Some(2));
    let found = entries(folder.path(), Filter { id: Some(id), ..Filter::default() });
    let [entry] = found.as_slice() else { panic!() };
    let (hash, prev) = (entry.hash, entry.prev);
    let line = format!(
        r#"{{"body":{{"a":1}},"hash":"{hash}","id":"01JQ000000000000000000000A","kind":"override","node":"gate-\"1\" 东院","prev":"{prev}","seq":2,"time":"2026-03-02T08:30:00.123456+08:00"}}"#
    );
    assert_eq!(
        (entry.line(), entry.body(), entry.node.as_str()),
        (&*line, r#"{"a":1}"#, "gate-\"1\" 东院")
    );
    assert_eq!(ledger.head().hash, hash);
    let anchor = Draft { kind: Kind::Anchor, ..self::draft(1, at(MORNING)) };
    let refused = ledger.append(anchor, Durability::OnDisk).await;
    assert_eq!(refused, Err(LedgerError::Reserved));
}

#[tokio::test]
async fn a_new_file_begins_at_midnight_in_shanghai() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(folder.path(), config());
    for time in ["2026-03-02T15:59:59.999999Z", "2026-03-02T16:00:00Z", "2026-03-02T15:59:59Z"] {
        let _ = ledger.append(draft(1, at(time)), Durability::OnDisk).await.unwrap();
    }
    assert_eq!(names(folder.path()), ["2026-03-02.jsonl", "2026-03-03.jsonl"]);
    let since = Filter { since: Some(at("2026-03-02T16:00:00Z")), ..Filter::default() };
    let found = entries(folder.path(), since);
    assert_eq!(found.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(verify(folder.path()).unwrap().entries, 5);
}

#[tokio::test]
async fn full_parts_are_followed_by_further_ones_and_a_restart_goes_on_in_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let small = Config { part_bytes: 1500, ..config() };
    for _ in 0..2 {
        let (ledger, _) = open_folder(folder.path(), small.clone());
        for nth in 0..20 {
            let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
        }
        ledger.close().await;
    }
    let names = names(folder.path());
    assert!(names.len() > 10, "{names:?}");
    assert_eq!(names[9], "2026-03-02.10.jsonl");
    let verified = verify(folder.path()).unwrap();
    assert_eq!(verified.files, names.len());
    let decisions = Filter { kinds: vec![Kind::Decision], ..Filter::default() };
    assert_eq!(entries(folder.path(), decisions).len(), 40);
}

/// The Python program that docs/ledger.md prints.
fn printed_script() -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/ledger.md")).unwrap();
    let (_, script) = page.split_once("```python\n").unwrap();
    script.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn the_script_of_the_page_for_auditors_agrees_with_the_gate() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(folder.path(), Config { part_bytes: 4000, ..config() });
    for nth in 0..50 {
        let _ = ledger.append(draft(nth, at(MORNING)), Durability::OnDisk).await.unwrap();
    }
    ledger.close().await;
    let python = || {
        Command::new("python3")
            .args(["-c", &printed_script()])
            .arg(store::folder(folder.path()))
            .output()
            .expect("python3 must be installed: the page's script is run as it stands")
    };
    let good = python();
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let head = verify(folder.path()).unwrap().head.to_string();
    assert!(String::from_utf8(good.stdout).unwrap().contains(&head));

    let path = store::folder(folder.path()).join("2026-03-02.2.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("示例", "示列", 1)).unwrap();
    let bad = python();
    assert_eq!(bad.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("2026-03-02.2.jsonl:2"));
}
