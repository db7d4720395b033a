//! What an import does to rows: added, changed, ended, kept.

use sqlx::Row;

use crate::domain::surgeon::SurgeonId;
use crate::register::import::apply::Counts;
use crate::register::import::{TABLES, import};
use crate::register::source::Source;
use crate::register::sources::sqlite;
use crate::register::tests::{CATALOGUE, GRANTS, Hospital, ROSTER, SURGEONS};

fn counts(added: u64, changed: u64, ended: u64, unchanged: u64) -> Counts {
    Counts { added, changed, ended, unchanged }
}

#[tokio::test]
async fn a_statement_ends_what_it_does_not_name_and_history_is_kept() {
    let hospital = Hospital::filled().await;
    let next =
        "surgeon_id,code,grade,document_no\nD1,52.7x00,,院发9号\nD1,,2,院发1号\nD2,51.2300,,\n";
    let summary = hospital.import(&[("grants", next)]).await.unwrap();
    assert_eq!(summary.version, 2);
    assert_eq!(summary.tables[0].counts, counts(1, 1, 1, 1));
    let mut transaction = hospital.source.read().await.unwrap();
    let rows = sqlx::query(
        "select surgeon_id, code, document_no, from_version, coalesce(to_version, 0) from grants \
         order by surgeon_id, code, from_version",
    )
    .fetch_all(&mut *transaction)
    .await
    .unwrap();
    let rows: Vec<(String, String, String, i64, i64)> = rows
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4)))
        .collect();
    let row = |id: &str, code: &str, no: &str, from, to| {
        (id.to_owned(), code.to_owned(), no.to_owned(), from, to)
    };
    let expected = vec![
        row("D1", "", "院发1号", 1, 0),
        row("D1", "52.7x00", "院发1号", 1, 2),
        row("D1", "52.7x00", "院发9号", 2, 0),
        row("D2", "51.2300", "", 2, 0),
        row("D2", "LC", "院发2号", 1, 2),
    ];
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn the_same_file_again_changes_nothing_and_makes_no_version() {
    let hospital = Hospital::filled().await;
    let again =
        [("catalogue", CATALOGUE), ("surgeons", SURGEONS), ("grants", GRANTS), ("roster", ROSTER)];
    let summary = hospital.import(&again).await.unwrap();
    assert!(!summary.changed);
    assert_eq!(summary.version, 1);
    let all: Vec<Counts> = summary.tables.iter().map(|table| table.counts).collect();
    assert_eq!(
        all,
        [counts(0, 0, 0, 2), counts(0, 0, 0, 2), counts(0, 0, 0, 3), counts(0, 0, 0, 1)]
    );
    assert_eq!(hospital.source.version().await.unwrap(), 1);
}

#[tokio::test]
async fn a_merge_ends_nothing_and_a_dry_run_writes_nothing() {
    let hospital = Hospital::filled().await;
    let before = hospital.csv("surgeons").await;
    let rows = "surgeon_id,name\nD2,李思\nD3,王五\n";
    let mut request = hospital.request(&[("surgeons", rows.as_bytes())]);
    request.merge = true;
    request.dry_run = true;
    let dry = import(&hospital.source, &request).await.unwrap();
    assert_eq!(hospital.csv("surgeons").await, before);
    assert_eq!(hospital.source.version().await.unwrap(), 1);
    request.dry_run = false;
    let real = import(&hospital.source, &request).await.unwrap();
    assert_eq!(real.tables[0].counts, counts(1, 1, 0, 0));
    assert_eq!((dry.tables, dry.version), (real.tables, real.version));
    assert_eq!(hospital.csv("surgeons").await.lines().count(), 4);
}

#[tokio::test]
async fn an_export_is_read_back_as_the_same_register() {
    let hospital = Hospital::filled().await;
    let other = Hospital::new().await;
    let mut files = Vec::new();
    for table in TABLES {
        files.push((table.name, hospital.csv(table.name).await));
    }
    let given: Vec<(&str, &str)> =
        files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    assert!(!hospital.import(&given).await.unwrap().changed);
    other.import(&given).await.unwrap();
    for (name, text) in &files {
        assert_eq!(&other.csv(name).await, text);
    }
    assert!(files.iter().any(|(_, text)| text.contains("2026-03-02T08:00:00+08:00")), "{files:?}");
}

#[tokio::test]
async fn grants_left_behind_by_an_ended_surgeon_are_told() {
    let hospital = Hospital::filled().await;
    let summary = hospital.import(&[("surgeons", "surgeon_id,name\nD1,张三\n")]).await.unwrap();
    assert_eq!(summary.notes.len(), 1, "{summary:?}");
    assert!(summary.notes[0].en.ends_with("D2"), "{summary:?}");
    let id = SurgeonId::new("D2").unwrap();
    assert!(hospital.source.surgeon(&id).await.unwrap().value.is_none());
}

#[tokio::test]
async fn the_register_opens_under_any_file_name_and_by_two_programs_at_once() {
    let folder = tempfile::TempDir::new().unwrap();
    let odd = folder.path().join("数据 100%?#&x=1").join("登记 %41.db");
    let (one, two) = tokio::join!(sqlite::open(&odd), sqlite::open(&odd));
    assert_eq!(one.unwrap().version().await.unwrap(), 0);
    assert_eq!(two.unwrap().version().await.unwrap(), 0);
    assert!(odd.exists());
    assert!(sqlite::open(std::path::Path::new("/proc/none/register.db")).await.is_err());
}
