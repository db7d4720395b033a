//! What an import newly prohibits, stops or leaves uncovered: each kind, and what is none.

use jiff::civil::date;

use crate::domain::consequence::{Consequence, ConsequenceKind};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::SurgeonId;
use crate::register::import::import;
use crate::register::tests::{CATALOGUE, DOSSIERS, GRANTS, Hospital, SURGEONS, TECHNIQUES};

/// Imports on 2 March 2026 and tells the consequences as `kind subject surgeon from to`.
async fn told(hospital: &Hospital, files: &[(&str, &str)]) -> Vec<String> {
    found(hospital, files).await.iter().map(line).collect()
}

async fn found(hospital: &Hospital, files: &[(&str, &str)]) -> Vec<Consequence> {
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    let mut request = hospital.request(&files);
    request.at = "2026-03-02T08:00:00+08:00".parse().unwrap();
    import(&hospital.source, &request).await.unwrap().consequences
}

fn line(one: &Consequence) -> String {
    let day = |day: Option<jiff::civil::Date>| day.map_or("…".to_owned(), |day| day.to_string());
    let surgeon = one.surgeon.as_ref().map_or("-", SurgeonId::as_str);
    let kind = one.kind.as_str();
    format!("{kind} {} {surgeon} {} {}", one.subject, day(one.from), day(one.to))
}

const NOTHING: [&str; 0] = [];

#[tokio::test]
async fn a_first_filling_takes_nothing_away_but_what_it_prohibits() {
    let hospital = Hospital::new().await;
    let files = [
        ("catalogue", CATALOGUE),
        ("techniques", TECHNIQUES),
        ("dossiers", DOSSIERS),
        ("surgeons", SURGEONS),
        ("grants", GRANTS),
    ];
    let told = told(&hospital, &files).await;
    assert_eq!(told, ["technique-prohibited T2 禁止技术 - 2026-03-02 …"]);
}

#[tokio::test]
async fn a_technique_is_newly_prohibited_by_code_by_kind_by_diagnosis_and_by_day() {
    let hospital = Hospital::filled().await;
    let head = "item,kind,list,name,codes,diagnoses,valid_from,valid_to\n";
    let list = |row: &str| format!("{head}{row}\n");
    let ask = async |row: &str| told(&hospital, &[("techniques", &list(row))]).await;
    let same = "T2,prohibited,national,改名,45.91;45.9104,E11,2025-07-09,";
    assert_eq!(ask(same).await, NOTHING);
    let added = "T2,prohibited,national,禁,45.91;45.9104;45.9100,E11,2025-07-09,";
    let files = [("techniques", list(added))];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let new = found(&hospital, &files).await;
    assert_eq!(new.len(), 1, "{new:?}");
    let code = |text: &str| [ProcedureCode::new(text).unwrap()];
    let day = date(2026, 3, 2);
    assert!(new[0].hits(&code("45.9100"), &[], None, day));
    assert!(!new[0].hits(&code("45.9104"), &[], None, day), "was prohibited before");
    assert_eq!(new[0].diagnoses, ["E11"]);
    let always = "T2,prohibited,national,禁,45.91;45.9104;45.9100,,2025-07-09,2026-12-31";
    assert_eq!(ask(always).await, ["technique-prohibited T2 禁 - 2026-03-02 2026-12-31"]);
    let longer = "T2,prohibited,national,禁,45.91;45.9104;45.9100,,2025-07-09,";
    assert_eq!(ask(longer).await, ["technique-prohibited T2 禁 - 2027-01-01 …"]);
    let over = "T2,prohibited,national,禁,45.91,,2025-07-09,2026-03-01";
    assert_eq!(ask(over).await, NOTHING, "what has ended prohibits nothing");
    let milder = "T2,restricted,national,禁,45.91,,,";
    assert_eq!(ask(milder).await, NOTHING);
    let later = "T2,prohibited,national,禁,45.91,,2026-04-01,";
    assert_eq!(ask(later).await, ["technique-prohibited T2 禁 - 2026-04-01 …"]);
}

#[tokio::test]
async fn a_dossier_that_is_no_longer_active_hits_all_codes_of_its_technique() {
    let hospital = Hospital::filled().await;
    for (state, kind) in [
        ("suspended", "dossier-suspended"),
        ("stopped", "dossier-stopped"),
        ("cancelled", "dossier-cancelled"),
    ] {
        let row = format!("item,state\nT1,{state}\n");
        let told = told(&hospital, &[("dossiers", &row)]).await;
        // Once for the institution's list and once for the nation's.
        let expected = format!("{kind} T1 限制技术 - 2026-03-02 …");
        assert_eq!(told, [expected.clone(), expected]);
    }
    assert_eq!(told(&hospital, &[("dossiers", DOSSIERS)]).await, NOTHING);
}

#[tokio::test]
async fn a_catalogue_item_is_suspended_stopped_or_no_longer_stated() {
    let hospital = Hospital::filled().await;
    let head = "code,name,grade,aliases,status,valid_to\n";
    let with = |row: &str| format!("{head}52.7x00,胰,4,,,\n{row}\n");
    let ask = async |row: &str| told(&hospital, &[("catalogue", &with(row))]).await;
    assert_eq!(ask("51.2300,胆,2,51.2300x001;LC,,").await, NOTHING);
    assert_eq!(
        ask("51.2300,胆,2,51.2300x001;LC,suspended,").await,
        ["procedure-suspended 51.2300 胆 - 2026-03-02 …"]
    );
    assert_eq!(
        ask("51.2300,胆,2,51.2300x001;LC,stopped,").await,
        ["procedure-stopped 51.2300 胆 - 2026-03-02 …"]
    );
    assert_eq!(
        ask("51.2300,胆,2,51.2300x001;LC,,2026-06-30").await,
        ["procedure-ended 51.2300 胆 - 2026-07-01 …"]
    );
    let new = found(&hospital, &[("catalogue", &with("51.2300,胆,2,LC,,2026-06-30"))]).await;
    let alias = ProcedureCode::new("51.2300x001").unwrap();
    assert!(new.len() == 1 && new[0].hits(&[alias], &[], None, date(2026, 3, 2)), "{new:?}");
    assert_eq!(new[0].to, Some(date(2026, 6, 30)), "until then the alias was good");
    // Another item takes over code and aliases: nothing is lost.
    assert_eq!(ask("LC,胆,2,51.2300,,2026-06-30").await, NOTHING);
    assert_eq!(
        told(&hospital, &[("catalogue", &with(""))]).await,
        ["procedure-ended LC 胆 - 2026-03-02 2026-06-30"]
    );
}

#[tokio::test]
async fn a_grant_that_ends_leaves_uncovered_what_no_other_covers() {
    let hospital = Hospital::filled().await;
    let head = "surgeon_id,code,grade,document_no,valid_from,valid_to,status,right\n";
    let ask = async |rows: &str| {
        let filled = "surgeon_id,code,grade,document_no\nD1,52.7x00,,文1\nD1,,2,文1\nD2,LC,,文1\n";
        hospital.import(&[("grants", filled)]).await.unwrap();
        told(&hospital, &[("grants", &format!("{head}{rows}"))]).await
    };
    let rest = "D1,,2,文1,,,,\nD2,LC,,文1,,,,\n";
    let with = |row: &str| format!("{rest}{row}\n");
    assert_eq!(ask(rest).await, ["grant-ended 52.7x00 D1 2026-03-02 …"]);
    for (status, kind) in [("suspended", "grant-suspended"), ("revoked", "grant-revoked")] {
        let expected = format!("{kind} 52.7x00 D1 2026-03-02 …");
        assert_eq!(ask(&with(&format!("D1,52.7x00,,文1,,,{status},"))).await, [expected]);
    }
    assert_eq!(ask(&with("D1,52.7x00,,,,,,")).await, ["grant-ended 52.7x00 D1 2026-03-02 …"]);
    assert_eq!(
        ask(&with("D1,52.7x00,,文1,,2026-03-31,,")).await,
        ["grant-ended 52.7x00 D1 2026-04-01 …"]
    );
    // A renewal is another row; what lies between is uncovered.
    assert_eq!(ask(&with("D1,52.7x00,,文2,2026-03-01,,,")).await, NOTHING);
    assert_eq!(
        ask(&with("D1,52.7x00,,文2,2026-03-10,2026-12-31,,")).await,
        ["grant-ended 52.7x00 D1 2026-03-02 2026-03-09", "grant-ended 52.7x00 D1 2027-01-01 …"]
    );
    assert_eq!(
        ask(&with("D1,52.7x00,,文2,2026-03-01,,,order")).await,
        ["grant-ended 52.7x00 D1 2026-03-02 …"],
        "a right to order is none to perform"
    );
    let wide = "D1,52.7x00,,文1,,,,\nD2,,3,文1,,,,\n";
    let told = ask(wide).await;
    assert_eq!(told, ["grant-ended 二级 grade 2 D1 2026-03-02 …"], "a wide grant covers D2's LC");
    let narrower = "D1,52.7x00,,文1,,,,\nD1,,4,文1,,,,\nD2,51.2300,,文1,,,,\n";
    assert_eq!(ask(narrower).await, NOTHING, "grade 4 as a whole covers 1 and 2; the code is LC's");
}

#[tokio::test]
async fn what_was_of_no_use_before_is_no_loss() {
    let hospital = Hospital::new().await;
    hospital.import(&[("catalogue", CATALOGUE), ("surgeons", SURGEONS)]).await.unwrap();
    let useless = "surgeon_id,code,grade,document_no,valid_to,status,right\n\
        D1,52.7x00,,文1,2026-03-01,,\nD1,LC,,文1,,revoked,\nD2,52.7x00,,,,,\nD2,LC,,文1,,,order\n";
    hospital.import(&[("grants", useless)]).await.unwrap();
    let none = useless.lines().next().unwrap();
    assert_eq!(told(&hospital, &[("grants", none)]).await, NOTHING);
}

#[tokio::test]
async fn a_surgeon_who_leaves_or_is_licensed_for_less_long_is_told() {
    let hospital = Hospital::filled().await;
    let ask = async |row: &str| {
        hospital.import(&[("surgeons", SURGEONS)]).await.unwrap();
        let rows = format!("surgeon_id,name,status,licence_to\nD2,李四,,\n{row}");
        told(&hospital, &[("surgeons", &rows)]).await
    };
    assert_eq!(ask("D1,张三,,\n").await, NOTHING);
    for gone in ["", "D1,张三,suspended,\n", "D1,张三,left,\n"] {
        assert_eq!(ask(gone).await, ["surgeon-not-licensed D1 D1 2026-03-02 …"], "{gone}");
    }
    assert_eq!(ask("D1,张三,,2026-03-31\n").await, ["surgeon-not-licensed D1 D1 2026-04-01 …"]);
}

#[tokio::test]
async fn consequences_are_read_back_by_the_gates_that_see_the_version() {
    let hospital = Hospital::filled().await;
    let rows = "surgeon_id,code,grade,document_no,valid_to\nD1,,1,文1,2026-12-31\n";
    let prohibited = format!("{TECHNIQUES}T3,prohibited,city,新禁,45.9*;39.6500,E11;F00,\n");
    let new = found(&hospital, &[("grants", rows), ("techniques", &prohibited)]).await;
    let kinds: Vec<_> = new.iter().map(|one| one.kind).collect();
    let ended = ConsequenceKind::GrantEnded;
    // Grade 2 of D1 (the new one is for grade 1), 52.7x00 of D1, LC of D2.
    assert_eq!(kinds.len(), 4, "{new:?}");
    assert_eq!(kinds.iter().filter(|kind| **kind == ended).count(), 3);
    assert!(new.iter().any(|one| one.up_to_grade == Some(Grade::Two)));
    let stored = hospital.source.consequences_after(1).await.unwrap();
    assert_eq!(stored, new.into_iter().map(|one| (2, one)).collect::<Vec<_>>());
    assert_eq!(hospital.source.consequences_after(2).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn a_dry_run_tells_and_stores_nothing() {
    let hospital = Hospital::filled().await;
    let stopped = b"item,state\nT1,stopped\n";
    let mut request = hospital.request(&[("dossiers", stopped)]);
    request.dry_run = true;
    let summary = import(&hospital.source, &request).await.unwrap();
    assert_eq!(summary.consequences.len(), 2);
    assert!(
        hospital.source.consequences_after(0).await.unwrap().len() == 1,
        "only the first filling"
    );
}
