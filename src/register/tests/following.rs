//! Changes made elsewhere reach a running gate; a silent source shows.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::grant::Scope;
use crate::domain::procedure::ProcedureCode;
use crate::domain::surgeon::{Lookup, Surgeon};
use crate::register::sources::sqlite;
use crate::register::tests::stub::{Mood, Stub, config, key};
use crate::register::tests::{Hospital, ROSTER, eventually};
use crate::register::{Config, Patience, Register};

pub(super) async fn gate(hospital: &Hospital) -> Register {
    // A second program: its own connections to the same file.
    let source = sqlite::open(&hospital.folder.path().join("register.db")).await.unwrap();
    let poll = Duration::from_millis(20);
    let config = Config { poll, ..Config::default() };
    Register::open(config, Arc::new(source)).await.unwrap()
}

async fn surgeon(register: &Register, who: &str) -> Option<Arc<Surgeon>> {
    match register.surgeon(&key(who), Patience::Elective).await.lookup {
        Lookup::Found(surgeon) => Some(surgeon),
        _ => None,
    }
}

#[tokio::test]
async fn a_revoked_grant_stops_the_next_order_of_a_running_gate() {
    let hospital = Hospital::filled().await;
    let gate = gate(&hospital).await;
    let held = surgeon(&gate, "D1").await.unwrap();
    assert_eq!(held.grants.len(), 2);
    assert!(
        held.grants
            .iter()
            .any(|grant| matches!(&grant.scope, Scope::Item(code) if code.as_str() == "52.7x00"))
    );
    let mut told = gate.watch();
    let rest = "surgeon_id,code,grade,right\nD1,,2,\nD2,LC,,order\n";
    hospital.import(&[("grants", rest)]).await.unwrap();
    told.changed().await.unwrap();
    assert_eq!(surgeon(&gate, "D1").await.unwrap().grants.len(), 1);
    assert_eq!(gate.version(), 2);
    assert!(gate.order_rights_in_use());
    assert!(gate.readiness().answers);
}

#[tokio::test]
async fn catalogue_and_roster_are_swapped_whole() {
    let hospital = Hospital::filled().await;
    let gate = gate(&hospital).await;
    let alias = ProcedureCode::new("51.2300X001").unwrap();
    assert_eq!(gate.catalogue().resolve(&alias).unwrap().code.as_str(), "51.2300");
    let at = "2026-03-02T09:00:00+08:00".parse().unwrap();
    let on_site = |gate: &Register, at, site| gate.roster().on_site(at, site).count();
    assert_eq!(on_site(&gate, at, None), 1);
    assert_eq!(on_site(&gate, at, Some("西院")), 0);
    assert_eq!(on_site(&gate, at, Some("东院")), 1);
    let end = "2026-03-02T10:00:00Z".parse().unwrap();
    assert_eq!(on_site(&gate, end, None), 0, "a shift ends before its last instant");
    let before = gate.catalogue();
    hospital.import(&[("roster", ROSTER.lines().next().unwrap())]).await.unwrap();
    eventually(async || gate.version() == 2).await;
    assert_eq!(on_site(&gate, at, None), 0);
    assert!(Arc::ptr_eq(&before, &gate.catalogue()), "what did not change is not reloaded");
    hospital.import(&[("catalogue", "code,name,grade\nA1,x,1\n")]).await.unwrap();
    eventually(async || gate.version() == 3).await;
    assert!(gate.catalogue().resolve(&alias).is_none());
    assert_eq!(before.items().len(), 2, "who holds the old one keeps it whole");
}

#[tokio::test]
async fn a_change_of_very_many_surgeons_reaches_everybody() {
    let hospital = Hospital::filled().await;
    let gate = gate(&hospital).await;
    assert_eq!(surgeon(&gate, "D1").await.unwrap().name, "张三");
    let mut many = String::from("surgeon_id,name\nD1,张叁\nD2,李四\n");
    for i in 0..6_000 {
        many.push_str(&format!("N{i},医师{i}\n"));
    }
    hospital.import(&[("surgeons", &many)]).await.unwrap();
    eventually(async || gate.version() == 2).await;
    assert_eq!(surgeon(&gate, "D1").await.unwrap().name, "张叁");
}

#[tokio::test]
async fn a_silent_source_shows_and_its_return_too() {
    let poll = Duration::from_millis(5);
    let (register, stub) = Stub::new().open(Config { poll, ..config() }).await;
    assert!(register.readiness().answers);
    for mood in [Mood::Fails, Mood::Hangs] {
        stub.set(mood);
        eventually(async || !register.readiness().answers).await;
        stub.set(Mood::Answers);
        eventually(async || register.readiness().answers).await;
    }
}

#[tokio::test]
async fn following_ends_with_the_last_clone() {
    let poll = Duration::from_millis(5);
    let (register, stub) = Stub::new().open(Config { poll, ..config() }).await;
    let clone = register.clone();
    drop(register);
    assert!(clone.readiness().answers);
    drop(clone);
    eventually(async || Arc::strong_count(&stub) == 1).await;
}
