//! The tables: what is taken is found, taking twice changes nothing, corrected entries never were.

use sqlx::AnyPool;
use sqlx::any::AnyPoolOptions;

use crate::overrides::act::{Act, Conclusion, Recorded};
use crate::overrides::file::{FileId, Opening, State};
use crate::overrides::index::{Behind, Overrides, Sought, Waiting};
use crate::overrides::ladder::Ladder;
use crate::overrides::tests::{at, opened, recorded, review};

async fn index() -> (Overrides, AnyPool) {
    sqlx::any::install_default_drivers();
    let pool = AnyPoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let (overrides, fresh) = Overrides::open(pool.clone(), "begin").await.unwrap();
    assert!(fresh);
    (overrides, pool)
}

fn opening(entry: &str) -> Opening {
    Opening { files: vec![opened(entry, 0), opened(entry, 2)], ..Opening::default() }
}

fn with_body(recorded: Recorded) -> (Recorded, String) {
    let file = FileId { entry: recorded.of.clone(), case: recorded.case.unwrap() };
    let body = recorded.act.body(&file).to_string();
    (recorded, body)
}

#[tokio::test]
async fn files_are_found_with_their_acts_and_taking_twice_changes_nothing() {
    let (overrides, pool) = index().await;
    let id = FileId { entry: "01A".to_owned(), case: 2 };
    let act = with_body(recorded(9, &id, at(1), review("D9", Conclusion::Rejected)));
    for _ in 0..2 {
        overrides
            .take(&[opening("01A"), opening("01B")], std::slice::from_ref(&act))
            .await
            .unwrap();
    }
    let file = overrides.file(&id).await.unwrap().unwrap();
    assert_eq!((file.state, file.history.len()), (State::Rejected, 1));
    let closed = Sought { open: Some(false), surgeon: Some("D1".to_owned()), ..Sought::default() };
    assert_eq!(overrides.list(&closed).await.unwrap(), [file]);
    let open = Sought { open: Some(true), ..Sought::default() };
    assert_eq!(overrides.list(&open).await.unwrap().len(), 3);
    let waiting = overrides.waiting(None, at(24)).await.unwrap();
    assert_eq!(waiting, Waiting { open: 3, overdue: 3 });
    let nowhere = overrides.waiting(Some(&[]), at(24)).await.unwrap();
    assert_eq!(nowhere, Waiting::default());
    let (again, fresh) = Overrides::open(pool, "begin").await.unwrap();
    assert!(!fresh);
    assert_eq!(again.waiting(Some(&["0301".to_owned()]), at(1)).await.unwrap().open, 3);
    again.clear().await.unwrap();
    assert!(again.list(&Sought::default()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_entry_that_was_corrected_never_was_whichever_comes_first() {
    let (overrides, _) = index().await;
    let correction = Opening { supersedes: Some("01A".to_owned()), ..opening("01B") };
    overrides.take(&[opening("01A"), correction.clone()], &[]).await.unwrap();
    let later = Opening { supersedes: Some("01C".to_owned()), ..opening("01D") };
    overrides.take(&[later, opening("01C")], &[]).await.unwrap();
    let all = overrides.list(&Sought::default()).await.unwrap();
    let mut entries: Vec<&str> = all.iter().map(|file| file.opened.id.entry.as_str()).collect();
    entries.sort_unstable();
    assert_eq!(entries, ["01B", "01B", "01D", "01D"]);
}

#[tokio::test]
async fn a_copy_opens_no_second_file_and_a_copy_of_what_opened_none_does() {
    let (overrides, _) = index().await;
    let copy = |entry: &str, of: &str| Opening { copy_of: Some(of.to_owned()), ..opening(entry) };
    let openings = [opening("01A"), copy("01B", "01A"), copy("01C", "01B"), copy("01D", "01Z")];
    overrides.take(&openings, &[]).await.unwrap();
    overrides.take(&openings, &[]).await.unwrap();
    let all = overrides.list(&Sought::default()).await.unwrap();
    let mut entries: Vec<&str> = all.iter().map(|file| file.opened.id.entry.as_str()).collect();
    entries.sort_unstable();
    assert_eq!(entries, ["01A", "01A", "01D", "01D"]);
}

#[tokio::test]
async fn a_copy_opens_what_its_original_did_not_and_each_case_once() {
    let (overrides, _) = index().await;
    let of = |entry: &str, copy_of: Option<&str>, cases: &[u32]| Opening {
        copy_of: copy_of.map(str::to_owned),
        files: cases.iter().map(|case| opened(entry, *case)).collect(),
        ..Opening::default()
    };
    let openings = [
        of("01A", None, &[0]),
        of("01B", Some("01A"), &[0, 2]),
        of("01C", Some("01B"), &[2]),
        of("01D", Some("01A"), &[0, 2]),
    ];
    for _ in 0..2 {
        overrides.take(&openings, &[]).await.unwrap();
    }
    let all = overrides.list(&Sought::default()).await.unwrap();
    let mut ids: Vec<String> = all.iter().map(|file| file.opened.id.to_string()).collect();
    ids.sort_unstable();
    let wanted = [("01A", 0), ("01B", 2)];
    let wanted = wanted.map(|(entry, case)| FileId { entry: entry.to_owned(), case }.to_string());
    assert_eq!(ids, wanted);
}

#[tokio::test]
async fn only_what_is_overdue_is_escalated() {
    let (overrides, _) = index().await;
    let id = FileId { entry: "01A".to_owned(), case: 0 };
    let act = with_body(recorded(9, &id, at(1), review("D9", Conclusion::Confirmed)));
    overrides.take(&[opening("01A")], &[act]).await.unwrap();
    let ladder = Ladder::default();
    let due = overrides.overdue(at(24), |file| ladder.due(file, at(24))).await.unwrap();
    let other = FileId { case: 2, ..id };
    let [(file, act)] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!((&file.opened.id, act), (&other, &Act::Escalated { level: 1, to: Vec::new() }));
    let act = with_body(recorded(10, &other, at(24), due[0].1.clone()));
    overrides.take(&[], &[act]).await.unwrap();
    let due = overrides.overdue(at(25), |file| ladder.due(file, at(25))).await.unwrap();
    assert!(due.is_empty());
}

#[tokio::test]
async fn every_file_is_on_one_page_wherever_pages_end() {
    let (overrides, _) = index().await;
    // Four entries of two files each, all opened at one time: every odd page ends inside an entry.
    let openings: Vec<Opening> = ["01A", "01B", "01C", "01D"].map(opening).into();
    overrides.take(&openings, &[]).await.unwrap();
    let whole = overrides.list(&Sought::default()).await.unwrap();
    assert_eq!(whole.len(), 8);
    for limit in 1..=8 {
        let departments = Some(vec!["0301".to_owned()]);
        let mut sought = Sought { limit, departments, before: Some(at(1)), ..Sought::default() };
        let mut all = Vec::new();
        loop {
            let files = overrides.list(&sought).await.unwrap();
            let Some(last) = files.last() else { break };
            let behind = Behind::file(last);
            assert_eq!(Behind::parse(&behind.to_string()), Some(behind.clone()));
            sought.behind = Some(behind);
            all.extend(files);
        }
        assert_eq!(all, whole, "{limit}");
    }
    assert_eq!(Behind::parse("1_"), None);
    assert_eq!(Behind::parse("2026-03-02T00:00:00Z"), None);
}
