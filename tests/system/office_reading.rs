//! Accounts that look at unusually many patients.

use std::future::{Future as _, poll_fn};
use std::net::{IpAddr, Ipv4Addr};
use std::task::Poll;

use orgate::accounts::{LoggedIn, NewAccount, Role, Scope};
use orgate::gate::office::{Look, Visitor};
use serde_json::Value;

use crate::office::House;
use crate::support::eventually;

/// Somebody who only looks; as they are in.
fn li(house: &House) -> LoggedIn {
    let (runtime, office) = house.office();
    let new = NewAccount {
        name: "li".to_owned(),
        display: "李样例".to_owned(),
        staff: None,
        roles: vec![Role::Viewer],
        scope: Scope::All,
        vendor: false,
        expires: None,
    };
    let password = "a-word-of-li5";
    let now = jiff::Timestamp::UNIX_EPOCH;
    runtime.block_on(office.accounts().add(&new, password, "root", now)).expect("added");
    let visitor = Visitor { address: IpAddr::V4(Ipv4Addr::LOCALHOST) };
    let wrong = runtime.block_on(office.log_in("li", "wrong", visitor)).expect("answered");
    assert!(wrong.is_err());
    let entered = runtime.block_on(office.log_in("li", password, visitor)).expect("answered");
    entered.expect("let in")
}

/// What is on record of who came and looked.
fn accesses(house: &House) -> Vec<Value> {
    house.entries("access").iter().map(|entry| entry["body"]["act"].clone()).collect()
}

#[test]
fn unusual_reading_is_told_and_locks_where_it_is_set_to() {
    let house = House::new("", "patients_per_hour = 2\nlock_unusual = true\n");
    let (runtime, office) = house.office();
    let (entered, now) = (li(&house), jiff::Timestamp::UNIX_EPOCH);
    let mut outcomes = Vec::new();
    for patient in ["P1", "P2", "P2", "P3"] {
        let patients = vec![patient.to_owned()];
        let look = Look { act: "viewed", what: "case", patients, ..Look::default() };
        outcomes.push(runtime.block_on(office.looked(&entered.account, &look)).is_ok());
    }
    assert_eq!(outcomes, [true, true, true, false]);
    let session = office.accounts().session(&entered.token, now, true);
    assert!(runtime.block_on(session).expect("answered").is_none());
    let expected = ["login-refused", "login", "viewed", "viewed", "viewed", "viewed", "unusual"];
    assert_eq!(accesses(&house), expected);
}

#[test]
fn an_account_that_reads_too_much_is_locked_although_its_browser_leaves() {
    let house = House::new("", "patients_per_hour = 1\nlock_unusual = true\n");
    let (runtime, office) = house.office();
    let entered = li(&house);
    let patients = vec!["P1".to_owned(), "P2".to_owned()];
    let look = Look { act: "viewed", what: "case", patients, ..Look::default() };
    let mut looked = Box::pin(office.looked(&entered.account, &look));
    eventually("it is found out", || {
        // Looked at first: what was entered since the last look has not been gone on with.
        if accesses(&house).contains(&Value::from("unusual")) {
            return Some(());
        }
        let once = poll_fn(|task| Poll::Ready(looked.as_mut().poll(task)));
        runtime.block_on(once).is_ready().then_some(())
    });
    drop(looked);
    eventually("it is locked", || {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let session = runtime.block_on(office.accounts().session(&entered.token, now, true));
        session.expect("answered").is_none().then_some(())
    });
}
