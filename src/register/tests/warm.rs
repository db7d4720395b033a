//! A source over the network: read before anybody asks, started without, and told of changes.

use std::sync::Arc;

use crate::domain::surgeon::{Lookup, PersonKey, fold_name};
use crate::register::source::Source;
use crate::register::tests::eventually;
use crate::register::tests::stub::{Mood, Stub, config, id, key};
use crate::register::{Config, Patience, Register};

fn warm() -> Config {
    Config { warm: true, ..config() }
}

async fn name(register: &Register, who: &str) -> Option<String> {
    match register.surgeon(&key(who), Patience::Emergency).await.lookup {
        Lookup::Found(surgeon) => Some(surgeon.name.clone()),
        Lookup::Nobody | Lookup::Several | Lookup::Unavailable => None,
    }
}

#[tokio::test]
async fn emergencies_find_everybody_in_memory_though_nobody_has_asked_before() {
    let (register, stub) = Stub::new().remote().open(warm()).await;
    eventually(async || name(&register, "D1").await.is_some()).await;
    eventually(async || name(&register, "D2").await.is_some()).await;
    stub.set(Mood::Hangs);
    assert_eq!(name(&register, "D2").await.as_deref(), Some("李四"));
}

#[tokio::test]
async fn who_has_changed_is_read_again_before_anybody_asks() {
    let (register, stub) = Stub::new().remote().open(warm()).await;
    eventually(async || name(&register, "D1").await.is_some()).await;
    stub.rename("D1", "王五");
    register.catch_up().await.unwrap();
    eventually(async || name(&register, "D1").await.as_deref() == Some("王五")).await;
}

#[tokio::test]
async fn whose_name_it_is_is_read_again_likewise() {
    let (register, stub) = Stub::new().remote().open(warm()).await;
    eventually(async || name(&register, "D1").await.is_some()).await;
    stub.rename("D1", "王五");
    let before = stub.loads();
    register.catch_up().await.unwrap();
    // The surgeon, the old name, the new one.
    eventually(async || stub.loads() >= before + 3).await;
    let named = PersonKey::Name(fold_name("王五"));
    let found = async || register.surgeon(&named, Patience::Emergency).await.lookup;
    eventually(async || matches!(found().await, Lookup::Found(who) if who.id == id("D1"))).await;
}

/// One grant that was mistyped by hand in the database kept all surgeons behind it from memory, and all later changes.
#[tokio::test]
async fn a_row_that_cannot_be_read_keeps_nobody_else_from_memory() {
    let stub = Stub::new().remote();
    stub.unreadable.lock().unwrap().insert(id("D1"));
    let (register, stub) = stub.open(warm()).await;
    eventually(async || name(&register, "D2").await.is_some()).await;
    stub.rename("D1", "赵六");
    stub.rename("D2", "王五");
    let before = stub.loads();
    register.catch_up().await.unwrap();
    // Both surgeons, two old names, two new ones; the unreadable one comes first.
    eventually(async || stub.loads() >= before + 6).await;
    eventually(async || name(&register, "D2").await.as_deref() == Some("王五")).await;
    assert_eq!(name(&register, "D1").await, None);
}

#[tokio::test]
async fn a_source_put_back_from_a_copy_is_read_whole_again() {
    let (register, stub) = Stub::new().remote().open(warm()).await;
    eventually(async || name(&register, "D3").await.is_some()).await;
    stub.rename("D1", "王五");
    let before = stub.loads();
    register.catch_up().await.unwrap();
    eventually(async || stub.loads() >= before + 3).await;
    stub.restore(1);
    let before = stub.loads();
    register.catch_up().await.unwrap();
    // Nobody asks: the three surgeons are read all the same.
    eventually(async || stub.loads() >= before + 3).await;
}

#[tokio::test]
async fn a_register_whose_source_is_down_begins_unusable_and_comes_up_by_itself() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let stub = Arc::new(Stub::new().remote());
        stub.set(mood);
        let source = Arc::clone(&stub) as Arc<dyn Source>;
        let register = Register::open(warm(), source).await.unwrap();
        assert!(!register.usable() && !register.readiness().answers);
        assert_eq!(name(&register, "D1").await, None);
        stub.set(Mood::Answers);
        register.catch_up().await.unwrap();
        assert!(register.usable());
        eventually(async || name(&register, "D1").await.is_some()).await;
    }
}

#[tokio::test]
async fn a_local_source_that_is_down_is_repaired_before_a_gate_starts() {
    let stub = Arc::new(Stub::new());
    stub.set(Mood::Fails);
    assert!(Register::open(config(), stub).await.is_err());
}
