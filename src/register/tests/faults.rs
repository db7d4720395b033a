//! Every kind of bad row, as tables: what is written, what is said.

use crate::register::import::import;
use crate::register::import::policy::InstitutionLevel;
use crate::register::tests::{CATALOGUE, GRANTS, Hospital, SURGEONS, faults, policy};

pub(super) fn check(found: &[String], expected: &[(&str, &str)]) {
    for (place, words) in expected {
        let hit = found.iter().any(|fault| fault.starts_with(place) && fault.contains(words));
        assert!(hit, "no `{place} … {words}` among {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

const BAD_CATALOGUE: &str = "code,name,grade,status,aliases,reference_grade,grade_document,valid_from,valid_to\n\
        51.2300,胆囊切除,5,,,,,,\n\
        ,无编码,1,,,,,,\n\
        A1,,1,,,,,,\n\
        A2,重复,1,,,,,,\n\
        A2,重复,1,,,,,,\n\
        A3,状态,1,paused,,,,,\n\
        A4,日期,1,,,,,2026/3/2,\n\
        A5,倒置,1,,,,,2026-03-02,2026-03-01\n\
        A6,别名,1,,A2;B1,,,,\n\
        A7,别名,1,,B1,,,,\n\
        A8,下调,2,,,3,,,\n\
        A9,下调,2,,,3,论证2026-1,,\n\
        A10,通配,1,,45.9*,,,,\n\
        A11,绩效,3,,,,三级公立医院绩效考核四级手术目录,,\n\
        A12,多格,1,,,,,,,多余\n";

const BAD_SURGEONS: &str = "surgeon_id,name,status,licence_to,base\n\
        D1,张三,,,\n\
        D1,张三,,,\n\
        D3,··,,,\n\
        D4,王五,working,2026-02-30,third\n\
        \"D\u{200b}5\",赵六,,,\n\
        D6,\"钱\n七\",,,\n";

const BAD_GRANTS: &str = "surgeon_id,code,grade,right,valid_from,valid_to,status,supervision\n\
        D1,,,,,,,\n\
        D1,A2,2,,,,,\n\
        D9,A2,,,,,,\n\
        D1,99.99,,,,,,\n\
        D1,,五级,,,,,\n\
        D1,A2,,watch,2026-13-01,,gone,maybe\n\
        D4,A3,,,,,,\n\
        D1,A2,,,2026-05-01,2026-04-01,,\n\
        D1,A9,,,,,,\n\
        D1,A9,,perform,,,active,\n\
        D1,A3,,\n";

const BAD_ROSTER: &str = "surgeon_id,from,to\n\
        D1,2026-03-02T18:00,2026-03-02T08:00\n\
        D9,2026-03-02T08:00,2026-03-02T18:00\n\
        D1,2026-03-02,8点\n";

/// Where each fault stands, and a word of what is said.
const BAD: &[(&str, &str)] = &[
    ("catalogue.csv:2 grade", "SG 11"),
    ("catalogue.csv:3 code", "required"),
    ("catalogue.csv:4 name", "required"),
    ("catalogue.csv:6 code", "repeats line 5"),
    ("catalogue.csv:7 status", "active, suspended, stopped"),
    ("catalogue.csv:8 valid_from", "2026-03-02"),
    ("catalogue.csv:9 valid_to", "before valid_from"),
    ("catalogue.csv:10 aliases", "A2 would name both A2 and A6"),
    ("catalogue.csv:11 aliases", "B1 would name both A6 and A7"),
    ("catalogue.csv:12 grade_document", "SZ 9"),
    ("catalogue.csv:14 aliases", "whole code"),
    ("catalogue.csv:15 grade_document", "SG 36"),
    ("catalogue.csv:16 -", "10 cells under 9 column names"),
    ("surgeons.csv:3 surgeon_id", "repeats line 2"),
    ("surgeons.csv:4 name", "nothing to compare by"),
    ("surgeons.csv:5 status", "active, suspended, left"),
    ("surgeons.csv:5 licence_to", "YYYY-MM-DD"),
    ("surgeons.csv:5 base", "primary, multi-site"),
    ("surgeons.csv:6 surgeon_id", "invisible"),
    ("surgeons.csv:7 name", "line break"),
    ("grants.csv:2 code", "both empty"),
    ("grants.csv:3 grade", "both filled"),
    ("grants.csv:4 surgeon_id", "no surgeon has this id"),
    ("grants.csv:5 code", "no such code or alias"),
    ("grants.csv:6 grade", "SG 11"),
    ("grants.csv:7 right", "perform, order"),
    ("grants.csv:7 valid_from", "YYYY-MM-DD"),
    ("grants.csv:7 status", "active, suspended, revoked"),
    ("grants.csv:7 supervision", "none, required"),
    ("grants.csv:9 valid_to", "before valid_from"),
    ("grants.csv:11 surgeon_id", "repeats line 10"),
    ("grants.csv:12 -", "4 cells under 8 column names"),
    ("roster.csv:2 to", "later than from"),
    ("roster.csv:3 surgeon_id", "no surgeon has this id"),
    ("roster.csv:4 from", "ISO 8601"),
    ("roster.csv:4 to", "ISO 8601"),
];

#[tokio::test]
async fn every_bad_row_of_every_file_is_told_at_once_and_nothing_changes() {
    let hospital = Hospital::filled().await;
    let before = hospital.csv("grants").await;
    let files = [
        ("catalogue", BAD_CATALOGUE),
        ("surgeons", BAD_SURGEONS),
        ("grants", BAD_GRANTS),
        ("roster", BAD_ROSTER),
    ];
    check(&faults(hospital.import(&files).await), BAD);
    assert_eq!(hospital.csv("grants").await, before);
}

#[tokio::test]
async fn headers_are_checked_and_a_grant_is_never_derived_from_a_title() {
    let hospital = Hospital::filled().await;
    let title =
        hospital.import(&[("grants", "surgeon_id,code,grade,职称\nD1,52.7x00,,主任医师\n")]);
    let title = faults(title.await);
    check(&title, &[("grants.csv:1 职称", "SG 16¶2")]);
    let title = hospital.import(&[("grants", "surgeon_id,code,Job Title\nD1,52.7x00,x\n")]);
    check(&faults(title.await), &[("grants.csv:1 Job Title", "SG 16¶2")]);
    let unknown = hospital.import(&[("surgeons", "surgeon_id,name,phone,name\nD1,张三,1,张三\n")]);
    check(
        &faults(unknown.await),
        &[("surgeons.csv:1 phone", "surgeon_id, name"), ("surgeons.csv:1 name", "twice")],
    );
    let missing = hospital.import(&[("catalogue", "code,grade\nA1,1\n")]);
    check(&faults(missing.await), &[("catalogue.csv:1 name", "missing")]);
    let empty = hospital.import(&[("surgeons", "")]);
    check(&faults(empty.await), &[("surgeons.csv -", "empty")]);
}

#[tokio::test]
async fn a_grade_below_the_reference_is_for_tertiary_institutions_with_a_document() {
    let hospital = Hospital::new().await;
    let rows = b"code,name,grade,reference_grade,grade_document\nA1,x,2,3,2026-1\nA2,y,3,3,\n";
    let mut request = hospital.request(&[("catalogue", rows)]);
    request.policy = policy(InstitutionLevel::Secondary);
    let outcome = import(&hospital.source, &request).await;
    check(&faults(outcome), &[("catalogue.csv:2 grade", "only a tertiary institution")]);
    request.policy = policy(InstitutionLevel::Tertiary);
    assert_eq!(import(&hospital.source, &request).await.unwrap().tables[0].counts.added, 2);
}

#[tokio::test]
async fn references_are_looked_up_in_the_files_given_else_in_the_register() {
    let hospital = Hospital::new().await;
    let nobody = hospital.import(&[("grants", GRANTS)]).await;
    assert_eq!(faults(nobody).len(), 5, "three ids and two codes are unknown to an empty register");
    hospital.import(&[("catalogue", CATALOGUE), ("surgeons", SURGEONS)]).await.unwrap();
    hospital.import(&[("grants", GRANTS)]).await.unwrap();
    // A file of surgeons replaces the register as the place to look.
    let fewer = "surgeon_id,name\nD1,张三\n";
    let outcome = hospital.import(&[("surgeons", fewer), ("grants", GRANTS)]).await;
    check(&faults(outcome), &[("grants.csv:4 surgeon_id", "no surgeon has this id")]);
    // Merged, both are looked at.
    hospital.merge(&[("surgeons", fewer), ("grants", GRANTS)]).await.unwrap();
}

#[tokio::test]
async fn a_merged_alias_must_not_meet_a_code_that_the_register_keeps() {
    let hospital = Hospital::filled().await;
    let rows = "code,name,grade,aliases\nA1,x,1,52.7X00\nLC,y,1,\n";
    let outcome = hospital.merge(&[("catalogue", rows)]).await;
    check(
        &faults(outcome),
        &[
            ("catalogue.csv:2 aliases", "52.7x00 would name both 52.7x00 and A1"),
            ("catalogue.csv:3 aliases", "LC would name both LC and 51.2300"),
        ],
    );
}
