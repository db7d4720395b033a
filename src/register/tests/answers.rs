//! Answers from memory: one load for many, stale answers, bounds, emergencies, changes under way.

use std::time::Duration;

use tokio::time::timeout;

use crate::domain::surgeon::Lookup;
use crate::register::tests::eventually;
use crate::register::tests::stub::{Mood, Stub, config, key};
use crate::register::{Answer, Config, Patience, PersonKey, Register};

/// Far longer than any bound under test, far shorter than a hang.
const SOON: Duration = Duration::from_secs(20);

async fn ask(register: &Register, who: &PersonKey, patience: Patience) -> Answer {
    timeout(SOON, register.surgeon(who, patience)).await.expect("an answer is bounded")
}

async fn name_of(register: &Register, who: &str) -> String {
    match ask(register, &key(who), Patience::Elective).await.lookup {
        Lookup::Found(surgeon) => surgeon.name.clone(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn a_hundred_orders_for_one_surgeon_load_once() {
    let (register, stub) = Stub::new().open(config()).await;
    stub.set(Mood::Dawdles);
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let register = register.clone();
        asked.spawn(async move { name_of(&register, "D1").await });
    }
    eventually(async || stub.loads() > 0).await;
    stub.gate.add_permits(1_000);
    assert!(asked.join_all().await.iter().all(|name| name == "张三"));
    assert_eq!(stub.loads(), 1);
}

#[tokio::test]
async fn names_are_found_only_when_one_surgeon_bears_them() {
    let (register, _) = Stub::new().open(config()).await;
    let lookup = async |name: &str| {
        let name = PersonKey::name(name).unwrap();
        ask(&register, &name, Patience::Elective).await.lookup
    };
    assert!(matches!(lookup("张 三").await, Lookup::Found(s) if s.id.as_str() == "D1"));
    assert!(matches!(lookup("李四").await, Lookup::Several));
    assert!(matches!(lookup("王五").await, Lookup::Nobody));
    assert_eq!(PersonKey::name(" · "), None);
}

#[tokio::test]
async fn a_stale_answer_is_given_and_reloaded_behind() {
    let fresh = Duration::ZERO;
    let (register, stub) = Stub::new().open(Config { fresh, ..config() }).await;
    assert_eq!(name_of(&register, "D1").await, "张三");
    stub.set(Mood::Dawdles);
    for _ in 0..20 {
        assert_eq!(name_of(&register, "D1").await, "张三", "nobody waits for the reload");
    }
    eventually(async || stub.loads() == 2).await;
    stub.gate.add_permits(1);
    stub.set(Mood::Answers);
    eventually(async || {
        name_of(&register, "D1").await;
        stub.loads() > 3
    })
    .await;
}

#[tokio::test]
async fn with_the_source_down_an_answer_is_used_and_its_age_is_told() {
    let fresh = Duration::ZERO;
    let (register, stub) = Stub::new().open(Config { fresh, ..config() }).await;
    name_of(&register, "D1").await;
    for mood in [Mood::Fails, Mood::Hangs] {
        stub.set(mood);
        let first = ask(&register, &key("D1"), Patience::Elective).await;
        assert!(matches!(first.lookup, Lookup::Found(_)));
        tokio::time::sleep(Duration::from_millis(20)).await;
        let later = ask(&register, &key("D1"), Patience::Emergency).await;
        assert!(matches!(later.lookup, Lookup::Found(_)));
        assert!(later.age > first.age, "a failed reload makes nothing younger");
    }
    let unknown = ask(&register, &key("D2"), Patience::Elective).await;
    assert!(matches!(unknown.lookup, Lookup::Unavailable), "{unknown:?}");
}

#[tokio::test]
async fn past_its_usable_age_an_answer_is_read_anew_or_unavailable() {
    let usable = Duration::from_millis(20);
    let (register, stub) = Stub::new().open(Config { fresh: usable, usable, ..config() }).await;
    name_of(&register, "D1").await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(name_of(&register, "D1").await, "张三");
    assert_eq!(stub.loads(), 2);
    stub.set(Mood::Fails);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(name_of(&register, "D1").await, "Unavailable");
}

#[tokio::test]
async fn nobody_is_remembered_only_briefly() {
    let nobody = Duration::from_millis(20);
    let (register, stub) = Stub::new().open(Config { nobody, ..config() }).await;
    assert_eq!(name_of(&register, "D9").await, "Nobody");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(name_of(&register, "D9").await, "Nobody");
    assert_eq!(stub.loads(), 2);
    stub.set(Mood::Fails);
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(name_of(&register, "D9").await, "Unavailable", "an old no is no answer");
}

/// Each patient without a discussion is one: kept as long as the rest, they filled memory that is meant for surgeons.
#[tokio::test]
async fn a_no_takes_no_memory_once_it_is_no_answer_any_more() {
    let nobody = Duration::from_millis(20);
    let (register, _) = Stub::new().open(Config { nobody, ..config() }).await;
    for number in 0..200 {
        assert_eq!(name_of(&register, &format!("X{number}")).await, "Nobody");
    }
    assert_eq!(name_of(&register, "D1").await, "张三");
    eventually(async || {
        register.inner.answers.settle().await;
        register.remembered().answers == 1
    })
    .await;
    assert_eq!(name_of(&register, "D1").await, "张三");
}

#[tokio::test]
async fn a_hanging_source_is_waited_for_no_longer_than_allowed() {
    let (register, stub) = Stub::new().open(config()).await;
    stub.set(Mood::Hangs);
    assert_eq!(name_of(&register, "D1").await, "Unavailable");
    let emergency = ask(&register, &key("D1"), Patience::Emergency).await;
    assert!(matches!(emergency.lookup, Lookup::Unavailable));
    stub.set(Mood::Answers);
    assert_eq!(name_of(&register, "D1").await, "张三");
}

#[tokio::test]
async fn an_emergency_never_waits_for_the_network_but_the_next_one_knows() {
    let wait = Duration::from_secs(3600);
    let remote = Stub::new().remote();
    let (register, stub) = remote.open(Config { wait, emergency_wait: wait, ..config() }).await;
    stub.set(Mood::Dawdles);
    let first = ask(&register, &key("D1"), Patience::Emergency).await;
    assert!(matches!(first.lookup, Lookup::Unavailable));
    stub.gate.add_permits(1);
    eventually(async || {
        let next = ask(&register, &key("D1"), Patience::Emergency).await;
        matches!(next.lookup, Lookup::Found(_))
    })
    .await;
    assert_eq!(stub.loads(), 1);
}

#[tokio::test]
async fn a_changed_surgeon_is_read_anew_and_never_given_as_before() {
    let (register, stub) = Stub::new().open(config()).await;
    for who in ["D1", "D2"] {
        name_of(&register, who).await;
    }
    stub.rename("D1", "张叁");
    register.catch_up().await.unwrap();
    assert_eq!(name_of(&register, "D2").await, "李四");
    assert_eq!(stub.loads(), 2, "the other surgeon stays in memory");
    stub.set(Mood::Fails);
    assert_eq!(name_of(&register, "D1").await, "Unavailable");
    stub.set(Mood::Answers);
    assert_eq!(name_of(&register, "D1").await, "张叁");
    let by_name = PersonKey::name("张三").unwrap();
    let by_name = ask(&register, &by_name, Patience::Elective).await;
    assert!(matches!(by_name.lookup, Lookup::Nobody));
}

#[tokio::test]
async fn a_load_overtaken_by_a_change_does_not_bring_the_old_answer_back() {
    let (register, stub) = Stub::new().open(config()).await;
    stub.set(Mood::Dawdles);
    let asker = register.clone();
    let asked = tokio::spawn(async move { name_of(&asker, "D1").await });
    eventually(async || stub.loads() == 1).await;
    // The old name is read and on its way; now it changes, and the gate sees that first.
    stub.set(Mood::Answers);
    stub.rename("D1", "张叁");
    register.catch_up().await.unwrap();
    stub.gate.add_permits(1);
    assert_eq!(asked.await.unwrap(), "张叁");
    assert_eq!(name_of(&register, "D1").await, "张叁");
}

#[tokio::test]
async fn a_reload_overtaken_by_a_change_does_not_bring_the_old_answer_back() {
    let fresh = Duration::ZERO;
    let (register, stub) = Stub::new().open(Config { fresh, ..config() }).await;
    name_of(&register, "D1").await;
    stub.set(Mood::Dawdles);
    name_of(&register, "D1").await;
    eventually(async || stub.loads() == 2).await;
    stub.set(Mood::Answers);
    stub.rename("D1", "张叁");
    register.catch_up().await.unwrap();
    stub.gate.add_permits(1);
    for _ in 0..50 {
        assert_eq!(name_of(&register, "D1").await, "张叁");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_asker_that_goes_away_does_not_take_the_others_with_it() {
    let (register, stub) = Stub::new().open(config()).await;
    stub.set(Mood::Hangs);
    let asker = register.clone();
    let first = tokio::spawn(async move { name_of(&asker, "D1").await });
    eventually(async || stub.loads() == 1).await;
    stub.set(Mood::Answers);
    let asker = register.clone();
    let second = tokio::spawn(async move { name_of(&asker, "D1").await });
    first.abort();
    assert_eq!(second.await.unwrap(), "张三");
}
