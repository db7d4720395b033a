//! Every kind of tampering, and where it is found.

use std::fs;
use std::path::{Path, PathBuf};

use super::{MORNING, at, config, draft, open_folder, verify};
use crate::clock::Clock;
use crate::ledger::{
    Broken, Durability, Expected, FileStore, Head, Ledger, LedgerError, Why, store,
};

const FIRST: &str = "2026-03-02.jsonl";
const SECOND: &str = "2026-03-03.jsonl";
const THIRD: &str = "2026-03-04.jsonl";

/// Three days of an anchor and three entries each: seq 1–4, 5–8, 9–12.
async fn three_days() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = open_folder(folder.path(), config());
    for day in ["2026-03-02T01:00:00Z", "2026-03-03T01:00:00Z", "2026-03-04T01:00:00Z"] {
        for nth in 0..3 {
            let _ = ledger.append(draft(nth, at(day)), Durability::OnDisk).await.unwrap();
        }
    }
    ledger.close().await;
    folder
}

fn path(folder: &Path, name: &str) -> PathBuf {
    store::folder(folder).join(name)
}

fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let path = path(folder, name);
    let mut lines: Vec<String> =
        fs::read_to_string(&path).unwrap().lines().map(|line| format!("{line}\n")).collect();
    change(&mut lines);
    fs::write(path, lines.concat()).unwrap();
}

#[track_caller]
fn broken(folder: &Path) -> Broken {
    match verify(folder) {
        Err(LedgerError::Broken(broken)) => broken,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(folder: &Path, file: &str, line: u64, why: &Why) {
    let found = broken(folder);
    assert_eq!((found.file.as_str(), found.line, &found.why), (file, line, why));
}

#[tokio::test]
async fn an_untouched_ledger_is_whole() {
    let folder = three_days().await;
    let verified = verify(folder.path()).unwrap();
    assert_eq!((verified.entries, verified.files, verified.first_seq), (12, 3, 1));
    assert_eq!((verified.head.seq, verified.torn), (12, None));
}

#[tokio::test]
async fn a_changed_character_is_a_bad_hash_in_its_line() {
    let folder = three_days().await;
    edit(folder.path(), SECOND, |lines| lines[2] = lines[2].replacen("示例", "示列", 1));
    check(folder.path(), SECOND, 3, &Why::Hash);
    assert_eq!(broken(folder.path()).seq, Some(7));
}

#[tokio::test]
async fn every_single_changed_byte_of_a_line_is_found_in_that_line_or_the_next() {
    let folder = three_days().await;
    let path = path(folder.path(), SECOND);
    let whole = fs::read(&path).unwrap();
    let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    let second = first + whole[first..].iter().position(|b| *b == b'\n').unwrap();
    for at in first..second {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        let found = broken(folder.path());
        assert_eq!((found.file.as_str(), found.line), (SECOND, 2), "byte {at}: {found}");
    }
}

#[tokio::test]
async fn a_forged_line_with_its_own_right_hash_breaks_the_next() {
    let folder = three_days().await;
    edit(folder.path(), SECOND, |lines| {
        let line = lines[1].trim_end().replacen("李", "王", 1);
        let (before, rest) = line.rsplit_once(r#""hash":""#).unwrap();
        let (_, after) = rest.split_once("\",").unwrap();
        let bare = format!("{before}{after}");
        let hash = ring::digest::digest(&ring::digest::SHA256, bare.as_bytes());
        let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        lines[1] = format!("{before}\"hash\":\"{hash}\",{after}\n");
    });
    check(folder.path(), SECOND, 3, &Why::Prev);
}

#[tokio::test]
async fn a_removed_a_repeated_and_an_exchanged_line_show_in_seq() {
    let folder = three_days().await;
    edit(folder.path(), SECOND, |lines| drop(lines.remove(2)));
    check(folder.path(), SECOND, 3, &Why::Gap { expected: 7, found: 8 });
    let folder = three_days().await;
    edit(folder.path(), SECOND, |lines| lines.insert(2, lines[1].clone()));
    check(folder.path(), SECOND, 3, &Why::Repeat { expected: 7, found: 6 });
    let folder = three_days().await;
    edit(folder.path(), SECOND, |lines| lines.swap(1, 2));
    check(folder.path(), SECOND, 2, &Why::Gap { expected: 6, found: 7 });
}

#[tokio::test]
async fn another_spelling_of_the_same_content_is_not_canonical() {
    for (from, to) in
        [(r#""nth":1"#, r#""nth": 1"#), (r#""nth":1"#, r#""nth":1.0"#), ("李", "\\u674e")]
    {
        let folder = three_days().await;
        edit(folder.path(), SECOND, |lines| lines[2] = lines[2].replacen(from, to, 1));
        let found = broken(folder.path());
        assert_eq!((found.file.as_str(), found.line), (SECOND, 3));
        assert!(matches!(found.why, Why::Canonical(_)), "{found}");
    }
}

#[tokio::test]
async fn missing_and_shortened_files_show_in_the_next_anchor() {
    let folder = three_days().await;
    fs::remove_file(path(folder.path(), SECOND)).unwrap();
    check(folder.path(), THIRD, 1, &Why::MissingFile(SECOND.to_owned()));
    let folder = three_days().await;
    edit(folder.path(), SECOND, |lines| lines.truncate(2));
    check(folder.path(), SECOND, 3, &Why::CutShort { next: THIRD.to_owned(), seq: 8 });
    let folder = three_days().await;
    fs::write(path(folder.path(), SECOND), "").unwrap();
    check(folder.path(), THIRD, 1, &Why::MissingFile(SECOND.to_owned()));
    let folder = three_days().await;
    let file = fs::OpenOptions::new().write(true).open(path(folder.path(), FIRST)).unwrap();
    file.set_len(file.metadata().unwrap().len() - 5).unwrap();
    check(folder.path(), FIRST, 4, &Why::Unfinished);
}

#[tokio::test]
async fn removed_oldest_files_are_a_break_unless_retention_is_said_to_have_ended() {
    let folder = three_days().await;
    fs::remove_file(path(folder.path(), FIRST)).unwrap();
    check(folder.path(), SECOND, 1, &Why::NoBeginning(5));
    let pruned = Expected { pruned: true, head: None };
    let verified = crate::ledger::verify(&store::folder(folder.path()), pruned).unwrap();
    assert_eq!((verified.first_seq, verified.entries), (5, 8));
}

#[tokio::test]
async fn a_noted_head_proves_the_end() {
    let folder = three_days().await;
    let head = verify(folder.path()).unwrap().head;
    let noted: Head = head.to_string().parse().unwrap();
    assert_eq!(noted, head);
    let against = |head| {
        let expected = Expected { pruned: false, head: Some(head) };
        crate::ledger::verify(&store::folder(folder.path()), expected)
    };
    assert!(against(head).is_ok());
    let Err(LedgerError::Broken(other)) = against(Head { seq: 6, hash: head.hash }) else {
        panic!()
    };
    assert_eq!((other.file.as_str(), other.line, other.why), (SECOND, 2, Why::OtherHistory(6)));
    edit(folder.path(), THIRD, |lines| lines.truncate(3));
    let Err(LedgerError::Broken(cut)) = against(head) else { panic!() };
    assert_eq!((cut.file.as_str(), cut.line, cut.why), (THIRD, 4, Why::EndsBefore(12)));
}

#[tokio::test]
async fn a_gate_does_not_start_on_a_broken_chain() {
    let open = |folder: &Path| {
        let store = FileStore::open(folder).unwrap();
        match Ledger::open(store, config(), Clock::Fixed(at(MORNING))) {
            Err(LedgerError::Broken(broken)) => broken,
            _ => panic!("it started"),
        }
    };
    let folder = three_days().await;
    edit(folder.path(), THIRD, |lines| lines[1] = lines[1].replacen("李", "王", 1));
    assert_eq!(open(folder.path()).line, 2);
    let folder = three_days().await;
    edit(folder.path(), SECOND, |lines| lines.truncate(2));
    let found = open(folder.path());
    assert_eq!((found.file.as_str(), found.line), (SECOND, 3));
    assert!(matches!(found.why, Why::CutShort { .. }));
    let folder = three_days().await;
    fs::remove_file(path(folder.path(), SECOND)).unwrap();
    assert_eq!(open(folder.path()).why, Why::MissingFile(SECOND.to_owned()));
}
