//! The tests of accounts: the door, persons whom another system knows, changes, the roles, the sessions, unusual reading.

mod change;
mod door;
mod persons;
mod reading;
mod roles;

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyPoolOptions;

use crate::accounts::account::{NewAccount, Role, Scope};
use crate::accounts::{Accounts, Config, Cost};

pub(super) const PASSWORD: &str = "corr-ect horse 7";

pub(super) fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000).unwrap() + SignedDuration::from_mins(minutes)
}

pub(super) fn new(name: &str, roles: &[Role]) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        display: "王样例".to_owned(),
        staff: Some("D90".to_owned()),
        roles: roles.to_vec(),
        scope: Scope::All,
        vendor: false,
        expires: None,
    }
}

pub(super) async fn accounts() -> Accounts {
    sqlx::any::install_default_drivers();
    let pool = AnyPoolOptions::new().max_connections(1).connect("sqlite::memory:").await.unwrap();
    let config = Config { cost: Cost { memory_kib: 16, passes: 1 }, ..Config::default() };
    Accounts::open(pool, "begin", config).await.unwrap()
}

pub(super) async fn with_wang() -> Accounts {
    let accounts = accounts().await;
    accounts.add(&new("wang", &[Role::Reviewer]), PASSWORD, "root", at(0)).await.unwrap();
    accounts
}
