//! The lists and the calendar that are shipped under `config/lists`, and the sample hospital that uses them.

use std::path::Path;

use jiff::civil::{Date, date};

use crate::domain::calendar::UnknownYear;
use crate::domain::procedure::ProcedureCode;
use crate::domain::technique::{ListKind, ListLevel};
use crate::register::Register;
use crate::register::import::{ImportSummary, import, table};
use crate::register::tests::Hospital;
use crate::register::tests::following::gate;

/// Imports files of the project itself, one after another, merged.
async fn shipped(hospital: &Hospital, files: &[(&str, &str)]) -> Vec<ImportSummary> {
    let mut summaries = Vec::new();
    for (name, file) in files {
        let mut request = hospital.request(&[]);
        request.files = vec![(table(name).unwrap(), Path::new("config").join(file))];
        request.merge = true;
        summaries.push(import(&hospital.source, &request).await.unwrap());
    }
    summaries
}

const LISTS: &[(&str, &str)] = &[
    ("techniques", "lists/national-2022-restricted.csv"),
    ("techniques", "lists/prohibited-2025.csv"),
    ("calendar", "lists/calendar-cn.csv"),
];

async fn with_lists() -> Register {
    let hospital = Hospital::new().await;
    shipped(&hospital, LISTS).await;
    gate(&hospital).await
}

#[tokio::test]
async fn the_shipped_files_are_taken_by_an_empty_register_without_a_note() {
    let hospital = Hospital::new().await;
    for (summary, rows) in shipped(&hospital, LISTS).await.iter().zip([12, 2, 315]) {
        assert_eq!(summary.tables[0].counts.added, rows);
        assert!(summary.notes.is_empty(), "{summary:?}");
    }
    let again = shipped(&hospital, LISTS).await;
    assert!(again.iter().all(|summary| !summary.changed), "{again:?}");
}

#[tokio::test]
async fn the_shipped_lists_mean_what_they_say() {
    let register = with_lists().await;
    let lists = register.lists();
    let day = date(2026, 3, 2);
    let about = |text: &str, day| {
        let codes = [ProcedureCode::new(text).unwrap()];
        lists.about(&codes, day).map(|technique| technique.item.clone()).collect::<Vec<_>>()
    };
    for code in ["39.65", "39.6500", "396500", "39.6500x002"] {
        assert_eq!(about(code, day), ["N2022-11"], "{code}");
    }
    assert_eq!(about("17.4200", day), ["N2022-10"]);
    assert_eq!(about("45.9104", day), ["P2025-01"]);
    assert_eq!(about("40.9x00X003", day), ["P2025-02"]);
    for code in ["37.6101", "41.0100", "41.0400", "11.6100", "45.9101", "40.9x08", "51.2300"] {
        assert_eq!(about(code, day), Vec::<String>::new(), "{code}");
    }
    assert_eq!(about("39.6500", date(2022, 4, 19)), Vec::<String>::new());
    assert_eq!(about("45.9104", date(2025, 7, 8)), Vec::<String>::new());
    let of = |kind| lists.techniques.iter().filter(|t| t.kind == kind).collect::<Vec<_>>();
    let restricted = of(ListKind::Restricted);
    assert_eq!(restricted.len(), 12);
    assert!(restricted.iter().all(|t| t.raises_grade() && t.level == ListLevel::National));
    let diagnoses: Vec<_> =
        of(ListKind::Prohibited).iter().map(|t| t.diagnoses.join(" ")).collect();
    assert_eq!(diagnoses, ["E11", "G30 F00"]);
}

/// First-case day, working days, last day.
const DEADLINES: &[(&str, u32, &str)] = &[
    ("2018-11-01", 3, "2018-11-06"),
    ("2018-11-01", 15, "2018-11-22"),
    ("2019-01-25", 3, "2019-01-30"),
    ("2019-01-25", 15, "2019-02-20"),
    ("2019-04-25", 3, "2019-04-29"),
    ("2019-04-25", 15, "2019-05-17"),
    ("2020-01-20", 3, "2020-01-23"),
    ("2020-01-20", 15, "2020-02-18"),
    ("2020-01-23", 3, "2020-02-05"),
    ("2020-01-23", 15, "2020-02-21"),
    ("2020-09-28", 3, "2020-10-09"),
    ("2020-09-28", 15, "2020-10-26"),
    ("2021-02-08", 3, "2021-02-18"),
    ("2021-02-08", 15, "2021-03-05"),
    ("2021-09-15", 3, "2021-09-18"),
    ("2021-09-15", 15, "2021-10-12"),
    ("2022-01-28", 3, "2022-02-07"),
    ("2022-01-28", 15, "2022-02-23"),
    ("2022-04-20", 3, "2022-04-24"),
    ("2022-04-20", 15, "2022-05-12"),
    ("2022-09-28", 3, "2022-10-08"),
    ("2022-09-28", 15, "2022-10-24"),
    ("2023-01-13", 3, "2023-01-18"),
    ("2023-01-13", 15, "2023-02-08"),
    ("2023-09-27", 3, "2023-10-08"),
    ("2023-09-27", 15, "2023-10-24"),
    ("2023-12-20", 3, "2023-12-25"),
    ("2023-12-20", 15, "2024-01-11"),
    ("2024-02-02", 3, "2024-02-06"),
    ("2024-02-02", 15, "2024-02-28"),
    ("2024-02-09", 3, "2024-02-20"),
    ("2024-02-09", 15, "2024-03-07"),
    ("2024-04-26", 3, "2024-04-30"),
    ("2024-04-26", 15, "2024-05-20"),
    ("2024-09-13", 3, "2024-09-19"),
    ("2024-09-13", 15, "2024-10-11"),
    ("2024-09-30", 3, "2024-10-10"),
    ("2024-09-30", 15, "2024-10-25"),
    ("2025-01-24", 3, "2025-02-05"),
    ("2025-01-24", 15, "2025-02-20"),
    ("2025-04-25", 3, "2025-04-29"),
    ("2025-04-25", 15, "2025-05-20"),
    ("2025-09-28", 3, "2025-10-09"),
    ("2025-09-28", 15, "2025-10-24"),
    ("2025-12-26", 3, "2025-12-31"),
    ("2025-12-26", 15, "2026-01-19"),
    ("2026-02-06", 3, "2026-02-11"),
    ("2026-02-06", 15, "2026-03-05"),
    ("2026-04-28", 3, "2026-05-06"),
    ("2026-04-28", 15, "2026-05-21"),
    ("2026-09-18", 3, "2026-09-22"),
    ("2026-09-18", 15, "2026-10-15"),
];

#[tokio::test]
async fn working_days_are_counted_by_the_shipped_calendar() {
    let register = with_lists().await;
    let calendar = register.calendar();
    let day = |text: &str| text.parse::<Date>().unwrap();
    for (start, days, last) in DEADLINES {
        assert_eq!(calendar.deadline(day(start), *days), Ok(day(last)), "{start} + {days}");
    }
    assert_eq!(DEADLINES.len(), 52);
    assert_eq!(calendar.deadline(date(2017, 12, 1), 3), Err(UnknownYear(2017)));
    assert_eq!(calendar.deadline(date(2026, 12, 25), 15), Err(UnknownYear(2027)));
}

#[tokio::test]
async fn the_sample_hospital_holds_the_shipped_lists_and_nothing_to_look_at() {
    let hospital = Hospital::new().await;
    let mut request = hospital.request(&[]);
    request.files = ["catalogue", "techniques", "dossiers", "surgeons", "grants", "roster"]
        .iter()
        .chain(&["discussions"])
        .map(|name| (table(name).unwrap(), Path::new("config/sample").join(format!("{name}.csv"))))
        .collect();
    let summary = import(&hospital.source, &request).await.unwrap();
    assert!(summary.notes.is_empty(), "{summary:?}");
    let own = std::fs::read_to_string("config/sample/techniques.csv").unwrap();
    for (_, file) in LISTS.iter().filter(|(table, _)| *table == "techniques") {
        let text = std::fs::read_to_string(Path::new("config").join(file)).unwrap();
        for row in text.lines() {
            assert!(own.lines().any(|line| line == row), "{file}: {row}");
        }
    }
}
