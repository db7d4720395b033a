//! Techniques, dossiers, discussions and calendar: what a file may not say, and how they reach a gate.

use std::sync::Arc;

use jiff::civil::date;

use crate::domain::calendar::UnknownYear;
use crate::domain::procedure::ProcedureCode;
use crate::domain::technique::{DossierState, ListLevel};
use crate::register::tests::faults::check;
use crate::register::tests::following::gate;
use crate::register::tests::{
    CALENDAR, DISCUSSIONS, DOSSIERS, Hospital, TECHNIQUES, eventually, faults,
};

const BAD_TECHNIQUES: &str = "item,kind,list,name,codes,diagnoses,valid_from,valid_to,document\n\
    A1,,national,x,39.65,,,,\n\
    A2,restricted,,x,39.65,,,,\n\
    A3,banned,world,x,39.65,,,,\n\
    A4,restricted,national,x,,,,,\n\
    A5,restricted,national,x,3*,,,,\n\
    A6,restricted,national,x,39*65,,,,\n\
    A7,restricted,national,x,39.65;*,,,,\n\
    A8,restricted,national,x,39.65,E11,,,\n\
    A9,prohibited,national,x,39.65,C00-D48,,,\n\
    A10,prohibited,national,x,39.65,糖尿病,,,\n\
    A11,monitored,city,x,39.65,,2026-02-02,2026-02-01,\n\
    A12,monitored,city,x,39.65,,,,三级公立医院绩效考核手术目录\n\
    A13,monitored,city,国 考四级手术,39.65,,,,\n\
    A14,monitored,city,x,39.65,,,,\n\
    A14,monitored,city,y,39.66,,,,\n\
    A14,monitored,institution,y,39.66,,,,\n";

const BAD_DOSSIERS: &str = "item,self_assessed_on,filed_on,filing_no,state\n\
    A1,,,,\n\
    A99,,,,\n\
    A14,2026-1-5,,备1号,gone\n\
    A14,,,备1号,\n\
    A14,,2026-01-05,备1号,\n\
    A14,,2026-01-05,备2号,\n";

const BAD_DISCUSSIONS: &str = "discussion_id,patient_id,held_on,codes,contents,conclusion\n\
    M1,P1,,,,\n\
    M2,,2026-03-02,,,\n\
    M3,P1,昨天,,,\n\
    M4,P1,2026-03-02T25:00,,,\n\
    M5,P1,2026-03-02,45.9*,,\n\
    M6,P1,2026-03-02,,risk;budget,\n\
    M7,P1,2026-03-02,,,yes\n\
    \"M8\u{200b}\",P1,2026-03-02,,,\n\
    M9,P1,2026-03-02,,,\n\
    M9,P1,2026-03-02,,,\n";

const BAD_CALENDAR: &str = "date,kind\n\
    2026-01-01,off\n\
    ,holiday\n\
    2026-01-02,\n\
    2026/1/3,holiday\n\
    2026-01-04,workday\n\
    2026-01-04,holiday\n";

/// Where each fault stands, and a word of what is said.
const BAD: &[(&str, &str)] = &[
    ("techniques.csv:2 kind", "required"),
    ("techniques.csv:3 list", "required"),
    ("techniques.csv:4 kind", "prohibited, restricted, monitored, special-regime"),
    ("techniques.csv:4 list", "national, provincial, city, institution"),
    ("techniques.csv:5 codes", "required"),
    ("techniques.csv:6 codes", "almost every operation"),
    ("techniques.csv:7 codes", "whole code"),
    ("techniques.csv:8 codes", "write a procedure code"),
    ("techniques.csv:9 diagnoses", "only a prohibition"),
    ("techniques.csv:10 diagnoses", "no ranges"),
    ("techniques.csv:11 diagnoses", "E11"),
    ("techniques.csv:12 valid_to", "before valid_from"),
    ("techniques.csv:13 document", "SG 36"),
    ("techniques.csv:14 name", "SG 36"),
    ("techniques.csv:16 item", "repeats line 15"),
    ("dossiers.csv:3 item", "no technique has this item"),
    ("dossiers.csv:4 self_assessed_on", "2026-01-05"),
    ("dossiers.csv:4 state", "active, suspended, stopped, cancelled"),
    ("dossiers.csv:4 filed_on", "counts as not filed"),
    ("dossiers.csv:5 filed_on", "counts as not filed"),
    ("dossiers.csv:7 item", "repeats line 6"),
    ("discussions.csv:2 held_on", "required"),
    ("discussions.csv:3 patient_id", "required"),
    ("discussions.csv:4 held_on", "YYYY-MM-DD"),
    ("discussions.csv:5 held_on", "ISO 8601"),
    ("discussions.csv:6 codes", "whole code"),
    ("discussions.csv:7 contents", "indication, approach, expectation, risk, contingency"),
    ("discussions.csv:8 conclusion", "approved, rejected, pending"),
    ("discussions.csv:9 discussion_id", "invisible"),
    ("discussions.csv:11 discussion_id", "repeats line 10"),
    ("calendar.csv:2 kind", "holiday, workday"),
    ("calendar.csv:3 date", "required"),
    ("calendar.csv:4 kind", "required"),
    ("calendar.csv:5 date", "2026-01-03"),
    ("calendar.csv:7 date", "repeats line 6"),
];

#[tokio::test]
async fn every_bad_row_of_lists_discussions_and_calendar_is_told_and_nothing_changes() {
    let hospital = Hospital::filled().await;
    let before = hospital.csv("techniques").await;
    let files = [
        ("techniques", BAD_TECHNIQUES),
        ("dossiers", BAD_DOSSIERS),
        ("discussions", BAD_DISCUSSIONS),
        ("calendar", BAD_CALENDAR),
    ];
    let found = faults(hospital.import(&files).await);
    check(&found, BAD);
    assert!(found.iter().all(|fault| !fault.contains("P1")), "a patient is never named");
    assert_eq!(hospital.csv("techniques").await, before);
}

#[tokio::test]
async fn a_dossier_refers_to_the_files_given_else_to_the_register() {
    let hospital = Hospital::new().await;
    let nobody = faults(hospital.import(&[("dossiers", DOSSIERS)]).await);
    check(&nobody, &[("dossiers.csv:2 item", "no technique")]);
    hospital.import(&[("techniques", TECHNIQUES)]).await.unwrap();
    hospital.import(&[("dossiers", DOSSIERS)]).await.unwrap();
    let other = "item,kind,list,name,codes\nT9,monitored,city,x,39.65\n";
    let lost = hospital.import(&[("techniques", other), ("dossiers", DOSSIERS)]).await;
    check(&faults(lost), &[("dossiers.csv:2 item", "no technique")]);
    hospital.merge(&[("techniques", other), ("dossiers", DOSSIERS)]).await.unwrap();
    // Left behind by a list of its own, it is told.
    let summary = hospital.import(&[("techniques", other)]).await.unwrap();
    let notes: Vec<_> = summary.notes.iter().map(|note| note.en.as_str()).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].contains("dossiers still name 1 values of item"), "{notes:?}");
    assert!(notes[1].contains("2 techniques of national or provincial lists"), "{notes:?}");
}

#[tokio::test]
async fn cells_are_kept_in_one_form_whoever_wrote_them() {
    let hospital = Hospital::new().await;
    let rows = "item,kind,list,name,codes,diagnoses\n\
        T1,Prohibited,NATIONAL,x,４５．９１＊；40.9X00X003 ; ss01,ｅ11;F00*;g30.0+\n";
    hospital.import(&[("techniques", rows)]).await.unwrap();
    let text = hospital.csv("techniques").await;
    assert_eq!(
        text.lines().nth(1),
        Some("T1,prohibited,national,x,45.91*;40.9x00x003;SS01,E11;F00;G30.0,,,")
    );
    hospital.import(&[("discussions", DISCUSSIONS)]).await.unwrap();
    let text = hospital.csv("discussions").await;
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines[0], "M1,P1,2026-02-27,SQ1,52.7x00,外科;肿瘤科;外科,indication;risk,approved");
    assert_eq!(lines[1], "M2,P1,2026-02-28T15:30:00+08:00,,,外科,,pending");
}

#[tokio::test]
async fn lists_and_calendar_are_swapped_whole_and_only_when_they_change() {
    let hospital = Hospital::filled().await;
    let gate = gate(&hospital).await;
    let (lists, calendar) = (gate.lists(), gate.calendar());
    let day = date(2026, 3, 2);
    let code = |text: &str| ProcedureCode::new(text).unwrap();
    let levels: Vec<_> =
        lists.about(&[code("39.6500"), code("ss0240")], day).map(|t| t.level).collect();
    assert_eq!(levels, [ListLevel::Institution, ListLevel::National], "by item and list");
    assert_eq!(lists.dossier("T1").unwrap().first_case_on, Some(date(2026, 1, 12)));
    assert_eq!(calendar.is_workday(date(2026, 1, 4)), Ok(true));

    let stopped = "item,state\nT1,stopped\n";
    hospital.import(&[("dossiers", stopped)]).await.unwrap();
    eventually(async || gate.version() == 2).await;
    assert_eq!(gate.lists().dossier("T1").unwrap().state, DossierState::Stopped);
    assert_eq!(gate.lists().techniques.len(), 3);
    assert!(Arc::ptr_eq(&calendar, &gate.calendar()), "what did not change is not reloaded");
    assert_eq!(lists.dossier("T1").unwrap().state, DossierState::Active, "the old one stays whole");

    let fewer = TECHNIQUES.lines().take(2).collect::<Vec<_>>().join("\n");
    hospital.import(&[("techniques", &fewer)]).await.unwrap();
    eventually(async || gate.version() == 3).await;
    assert!(!gate.lists().mention(&code("45.9104")) && gate.lists().mention(&code("17.4900")));

    let lists = gate.lists();
    hospital.import(&[("calendar", "date,kind\n2027-01-01,holiday\n")]).await.unwrap();
    eventually(async || gate.version() == 4).await;
    assert_eq!(gate.calendar().is_workday(day), Err(UnknownYear(2026)));
    assert!(Arc::ptr_eq(&lists, &gate.lists()));
    hospital.merge(&[("calendar", CALENDAR)]).await.unwrap();
    eventually(async || gate.version() == 5).await;
    assert_eq!(gate.calendar().is_workday(day), Ok(true));
}
