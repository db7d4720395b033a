//! Discussions and colleagues: what is found, how long an answer is waited for and kept.

use jiff::civil::date;

use crate::domain::discussion::{Conclusion, Content, Discussion};
use crate::domain::order::Redacted;
use crate::domain::procedure::ProcedureCode;
use crate::register::source::Sought;
use crate::register::tests::following::gate;
use crate::register::tests::stub::{Mood, Stub, config};
use crate::register::tests::{Hospital, eventually};
use crate::register::{Config, Patience, Register};

fn ids(found: Option<Vec<Discussion>>) -> Vec<String> {
    found.unwrap().into_iter().map(|one| one.id).collect()
}

#[tokio::test]
async fn discussions_are_found_by_patient_by_number_and_by_order_the_latest_first() {
    let hospital = Hospital::filled().await;
    let gate = gate(&hospital).await;
    let ask = async |patient, number, order| {
        ids(gate.discussions(patient, number, order, Patience::Emergency).await)
    };
    assert_eq!(ask(Some("P1"), None, None).await, ["M2", "M1"]);
    assert_eq!(ask(Some(" P2 "), None, None).await, ["M3"]);
    assert_eq!(ask(None, Some("M1"), None).await, ["M1"]);
    assert_eq!(ask(None, None, Some("SQ1")).await, ["M1", "M3"], "whoever the patient is");
    assert_eq!(ask(Some("P2"), Some("M2"), Some("SQ1")).await, ["M2", "M1", "M3"]);
    for nothing in [Some("P9"), Some(""), None] {
        assert_eq!(ask(nothing, None, None).await, Vec::<String>::new());
    }
    let found = gate.discussions(None, Some("M1"), None, Patience::Elective).await.unwrap();
    let one = &found[0];
    assert_eq!(one.held_on, "2026-02-27T00:00:00+08:00".parse().unwrap(), "a day is a local day");
    assert_eq!(one.patient.reveal(), "P1");
    assert_eq!(one.order_no.as_ref().map(Redacted::reveal), Some("SQ1"));
    assert_eq!(one.codes, [ProcedureCode::new("52.7x00").unwrap()]);
    assert_eq!(one.disciplines, ["外科", "肿瘤科"], "named twice is once");
    assert_eq!(one.contents, [Content::Indication, Content::Risk]);
    assert_eq!(one.conclusion, Conclusion::Approved);
}

#[tokio::test]
async fn a_new_discussion_is_seen_by_a_running_gate() {
    let hospital = Hospital::filled().await;
    let gate = gate(&hospital).await;
    assert_eq!(ids(gate.discussions(Some("P7"), None, None, Patience::Elective).await).len(), 0);
    let row = "discussion_id,patient_id,held_on\nM7,P7,2026-03-02\n";
    hospital.merge(&[("discussions", row)]).await.unwrap();
    eventually(async || gate.version() == 2).await;
    assert_eq!(ids(gate.discussions(Some("P7"), None, None, Patience::Elective).await), ["M7"]);
    hospital.import(&[("discussions", row.lines().next().unwrap())]).await.unwrap();
    eventually(async || gate.version() == 3).await;
    assert_eq!(ids(gate.discussions(Some("P7"), None, None, Patience::Elective).await).len(), 0);
}

fn held(id: &str, patient: &str) -> Discussion {
    Discussion {
        id: id.to_owned(),
        patient: Redacted::new(patient).unwrap(),
        held_on: "2026-02-27T00:00:00Z".parse().unwrap(),
        order_no: None,
        codes: Vec::new(),
        disciplines: Vec::new(),
        contents: Vec::new(),
        conclusion: Conclusion::Approved,
    }
}

async fn of(register: &Register, patient: &str, patience: Patience) -> Option<usize> {
    register.discussions(Some(patient), None, None, patience).await.map(|found| found.len())
}

#[tokio::test]
async fn discussions_are_remembered_and_not_known_is_not_none() {
    let (register, stub) = Stub::new().open(config()).await;
    stub.discussions.lock().unwrap().push(held("M1", "P1"));
    for patience in [Patience::Elective, Patience::Emergency] {
        assert_eq!(of(&register, "P1", patience).await, Some(1));
    }
    assert_eq!(stub.loads(), 1);
    for mood in [Mood::Fails, Mood::Hangs] {
        stub.set(mood);
        assert_eq!(of(&register, "P1", Patience::Elective).await, Some(1), "from memory");
        assert_eq!(of(&register, "P2", Patience::Elective).await, None);
    }
}

#[tokio::test]
async fn that_nothing_was_discussed_holds_only_briefly() {
    let nobody = std::time::Duration::ZERO;
    let (register, stub) = Stub::new().open(Config { nobody, ..config() }).await;
    assert_eq!(of(&register, "P1", Patience::Elective).await, Some(0));
    stub.discussions.lock().unwrap().push(held("M1", "P1"));
    assert_eq!(of(&register, "P1", Patience::Elective).await, Some(1));
}

#[tokio::test]
async fn an_emergency_asks_no_network_for_discussions_or_colleagues() {
    let (register, stub) = Stub::new().remote().open(config()).await;
    stub.set(Mood::Hangs);
    assert_eq!(of(&register, "P1", Patience::Emergency).await, None);
    let colleagues = register.colleagues(sought(&["A1"]), Patience::Emergency).await;
    assert!(colleagues.is_empty());
}

fn sought(codes: &[&str]) -> Sought {
    Sought {
        codes: codes.iter().filter_map(|text| ProcedureCode::new(text)).collect(),
        department: Some("外科".to_owned()),
        site: None,
        day: date(2026, 3, 2),
        trained: false,
    }
}

const SURGEONS: &str = "surgeon_id,name,department,status,licence_to\n\
    A1,甲,内科,,\nA2,乙,外科,,2026-03-02\nA3,丙,外科,,2026-03-01\nA4,丁,外科,left,\n\
    A5,戊,外科,,\nA6,己,内科,,\nA7,庚,,,\n";

const GRANTS: &str = "surgeon_id,code,grade,right,sites,valid_from,valid_to,status,document_no,trained_on,supervision\n\
    A1,52.7x00,,,,2026-03-02,2026-03-02,,文1,,\n\
    A2,LC,,,东院,,,,文1,2025-01-01,\n\
    A3,52.7x00,,,,,,,文1,,\n\
    A4,52.7x00,,,,,,,文1,,\n\
    A5,52.7x00,,,,,2026-03-01,,文1,,\n\
    A5,52.7x00,,,,2026-03-03,,,文1,,\n\
    A5,51.2300,,order,,,,,文1,,\n\
    A5,,2,,,,,,文1,,\n\
    A6,52.7x00,,,,,,revoked,文1,,\n\
    A6,51.2300,,,,,,,,,\n\
    A7,52.7x00,,,,,,,文1,,required\n\
    A7,51.2300,,,,,,,文1,,\n\
    A1,51.2300,,,西院,,,,文1,,\n";

#[tokio::test]
async fn colleagues_hold_a_grant_that_looks_good_and_the_department_comes_first() {
    let hospital = Hospital::filled().await;
    hospital.import(&[("surgeons", SURGEONS), ("grants", GRANTS)]).await.unwrap();
    let gate = gate(&hospital).await;
    let ask = async |sought: Sought| {
        let found = gate.colleagues(sought, Patience::Elective).await;
        found.into_iter().map(|(id, name)| format!("{id}{name}")).collect::<Vec<_>>()
    };
    assert_eq!(ask(sought(&["52.7x00"])).await, ["A1甲"]);
    let gall = || sought(&["51.2300", "51.2300x001", "LC"]);
    assert_eq!(ask(gall()).await, ["A2乙", "A1甲", "A7庚"], "aliases count; own department first");
    assert_eq!(ask(Sought { site: Some("西院".to_owned()), ..gall() }).await, ["A1甲", "A7庚"]);
    assert_eq!(ask(Sought { trained: true, ..gall() }).await, ["A2乙"]);
    assert_eq!(ask(Sought { department: None, ..gall() }).await, ["A1甲", "A2乙", "A7庚"]);
    assert_eq!(ask(sought(&[])).await, Vec::<String>::new());
    assert_eq!(ask(sought(&["99.9999"])).await, Vec::<String>::new());
    // A grant that ends is no hint any more.
    hospital.import(&[("grants", GRANTS.lines().next().unwrap())]).await.unwrap();
    eventually(async || gate.version() == 3).await;
    assert_eq!(ask(gall()).await, Vec::<String>::new());
}

#[tokio::test]
async fn at_most_three_colleagues_are_named() {
    let hospital = Hospital::filled().await;
    let (mut surgeons, mut grants) =
        (String::from("surgeon_id,name\n"), String::from("surgeon_id,code,document_no\n"));
    for i in 100..180 {
        surgeons.push_str(&format!("B{i},医师{i}\n"));
        grants.push_str(&format!("B{i},LC,文1\n"));
    }
    hospital.import(&[("surgeons", &surgeons), ("grants", &grants)]).await.unwrap();
    let gate = gate(&hospital).await;
    assert_eq!(gate.colleagues(sought(&["LC"]), Patience::Elective).await.len(), 3);
}
