//! Changes by people: seen by the next question, kept in the history, and never more than was asked.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;
use sqlx::Row;

use crate::domain::grant::{GrantStatus, Scope};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::{Lookup, PersonKey, Surgeon, SurgeonId, SurgeonStatus};
use crate::register::change::{Change, ChangeError, Changed, Subject, Turn, change, possible};
use crate::register::tests::Hospital;
use crate::register::{Config, Patience, Register};

fn code(text: &str) -> ProcedureCode {
    ProcedureCode::new(text).unwrap()
}

fn grants(surgeon: &str, item: &str) -> Subject {
    Subject::Grants { surgeon: surgeon.to_owned(), code: code(item) }
}

impl Hospital {
    async fn turn(&self, subject: &Subject, turn: Turn) -> Result<Changed, ChangeError> {
        let wanted = Change {
            subject: subject.clone(),
            turn,
            reason: " 并发症率超标 ".to_owned(),
            who: "王主任（D90）".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            today: date(2026, 3, 2),
        };
        change(&self.source, &wanted).await
    }
}

async fn surgeon(register: &Register, id: &str) -> Arc<Surgeon> {
    let key = PersonKey::Id(SurgeonId::new(id).unwrap());
    match register.surgeon(&key, Patience::Elective).await.lookup {
        Lookup::Found(surgeon) => surgeon,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_suspended_grant_is_suspended_in_the_next_answer_and_the_others_stay() {
    let hospital = Hospital::filled().await;
    let source = Arc::new(hospital.source.clone());
    let register = Register::open(Config::default(), source).await.unwrap();
    assert_eq!(surgeon(&register, "D1").await.grants.len(), 2);
    let status = |surgeon: &Surgeon, scope: &Scope| {
        surgeon.grants.iter().find(|grant| grant.scope == *scope).unwrap().status
    };
    let subject = grants("D1", "52.7x00");
    let changed = hospital.turn(&subject, Turn::Suspend).await.unwrap();
    assert_eq!((changed.rows, changed.consequences.len()), (1, 1));
    assert_eq!(register.catch_up().await.unwrap(), changed.version);
    let now = surgeon(&register, "D1").await;
    assert_eq!(status(&now, &Scope::Item(code("52.7x00"))), GrantStatus::Suspended);
    assert_eq!(
        status(&now, &Scope::GradeWide(Grade::from_number(2).unwrap())),
        GrantStatus::Active
    );
    assert!(matches!(hospital.turn(&subject, Turn::Suspend).await, Err(ChangeError::Nothing)));
    assert!(possible(&hospital.source, &subject, Turn::Resume).await.unwrap());
    hospital.turn(&subject, Turn::Resume).await.unwrap();
    register.catch_up().await.unwrap();
    let again = surgeon(&register, "D1").await;
    assert_eq!(status(&again, &Scope::Item(code("52.7x00"))), GrantStatus::Active);
}

#[tokio::test]
async fn a_change_is_a_version_with_who_and_why_and_what_was_stays_in_the_history() {
    let hospital = Hospital::filled().await;
    let subject =
        Subject::GradeWide { surgeon: "D1".to_owned(), grade: Grade::from_number(2).unwrap() };
    let before = hospital.csv("grants").await;
    let changed = hospital.turn(&subject, Turn::Suspend).await.unwrap();
    let versions = hospital.source.versions_after(changed.version - 1).await.unwrap();
    let version = versions.first().unwrap();
    assert_eq!(version.who, "王主任（D90）");
    assert_eq!(version.what, "suspend grants D1 2: 并发症率超标");
    let mut transaction = hospital.source.read().await.unwrap();
    let sql = "select count(*) from grants where to_version = $1 and status = 'active'";
    let ended = sqlx::query(sql).bind(changed.version).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(ended.try_get::<i64, _>(0).unwrap(), 1);
    drop(transaction);
    hospital.turn(&subject, Turn::Resume).await.unwrap();
    assert_eq!(hospital.csv("grants").await, before);
}

#[tokio::test]
async fn surgeons_techniques_and_items_are_suspended_and_resumed() {
    let hospital = Hospital::filled().await;
    let source = Arc::new(hospital.source.clone());
    let register = Register::open(Config::default(), source).await.unwrap();
    let before = (hospital.csv("surgeons").await, hospital.csv("dossiers").await);
    let subjects = [
        Subject::Surgeon("D1".to_owned()),
        Subject::Technique("T1".to_owned()),
        Subject::Procedure(code("52.7x00")),
    ];
    for subject in &subjects {
        hospital.turn(subject, Turn::Suspend).await.unwrap();
    }
    register.catch_up().await.unwrap();
    assert_eq!(surgeon(&register, "D1").await.status, SurgeonStatus::Suspended);
    assert!(hospital.csv("dossiers").await.contains("suspended"));
    for subject in &subjects {
        hospital.turn(subject, Turn::Resume).await.unwrap();
    }
    assert_eq!((hospital.csv("surgeons").await, hospital.csv("dossiers").await), before);
}

#[tokio::test]
async fn a_technique_without_dossier_gets_one_and_what_is_not_listed_is_unknown() {
    let hospital = Hospital::filled().await;
    let subject = Subject::Technique("T2".to_owned());
    assert!(matches!(hospital.turn(&subject, Turn::Resume).await, Err(ChangeError::Nothing)));
    hospital.turn(&subject, Turn::Suspend).await.unwrap();
    assert!(hospital.csv("dossiers").await.contains("T2,,,,,,suspended"));
    for unknown in [
        Subject::Technique("T9".to_owned()),
        Subject::Surgeon("D9".to_owned()),
        grants("D2", "52.7x00"),
    ] {
        let outcome = hospital.turn(&unknown, Turn::Suspend).await;
        assert!(matches!(outcome, Err(ChangeError::Unknown)), "{unknown:?}");
    }
}

#[tokio::test]
async fn without_a_reason_nothing_changes() {
    let hospital = Hospital::filled().await;
    let wanted = Change {
        subject: grants("D1", "52.7x00"),
        turn: Turn::Suspend,
        reason: " \t".to_owned(),
        who: "王主任".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        today: date(2026, 3, 2),
    };
    assert!(matches!(change(&hospital.source, &wanted).await, Err(ChangeError::NoReason)));
    assert_eq!(hospital.source.versions_after(1).await.unwrap().len(), 0);
}
