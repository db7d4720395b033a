//! Addresses of a shared database: what they print, what they ask for, and which are refused.

use crate::register::sources::postgres::{Protection, Server};

fn of(asked: &str) -> Result<Protection, String> {
    Server::parse(&format!("postgres://gate:s3cret@{asked}")).map(|server| server.protection())
}

#[test]
fn an_address_prints_without_its_password() {
    let server = Server::parse("postgres://gate:s3cret@db.test:5433/orgate?sslmode=disable\n");
    let server = server.unwrap();
    assert_eq!(
        format!("{server} {server:?}"),
        "orgate at db.test:5433 Server(orgate at db.test:5433)"
    );
}

#[test]
fn what_is_no_address_is_said_without_repeating_it() {
    for text in [
        "",
        "s3cret",
        "mysql://a:s3cret@h/d",
        "postgres://a:s3cret@h:99999/d",
        "postgres://a@h/d?sslmode=s3cret",
        "postgres://a@h/d?sslmode=disable&s3cret=s3cret",
        "postgres://a@h/d?sslmode=require&sslcert=x&sslkey=-----BEGIN PRIVATE KEY-----s3cret",
    ] {
        let why = Server::parse(text).unwrap_err();
        assert!(!why.contains("s3cret"), "{why}");
    }
}

#[test]
fn without_a_decision_about_tls_nothing_crosses_a_network() {
    for undecided in [
        "db.test/orgate",
        "10.0.0.9:5433/orgate",
        "db.test/orgate?sslmode=prefer",
        "db.test/orgate?sslmode=prefer&sslrootcert=/nowhere",
        // What a fragment holds is not read.
        "db.test/orgate#?sslmode=verify-full",
        "127.0.0.1/orgate?host=db.test",
        "127.0.0.1/orgate?hostaddr=10.0.0.9",
    ] {
        let why = of(undecided).unwrap_err();
        assert!(why.contains("does not say sslmode"), "{undecided}: {why}");
    }
    for local in
        ["127.0.0.1/o", "localhost:5433/o", "[::1]/o?sslmode=prefer", "%2Frun%2Fpostgresql/o"]
    {
        assert_eq!(of(local), Ok(Protection::Local), "{local}");
    }
}

#[test]
fn what_an_address_asks_for_is_told_with_what_may_happen_all_the_same() {
    for (mode, protection) in [("disable", Protection::Plain), ("require", Protection::Anybody)] {
        let protection_of = of(&format!("db.test/orgate?sslmode={mode}"));
        assert_eq!(protection_of, Ok(protection), "{mode}");
        assert!(protection.danger().unwrap().contains("verify-full"), "{mode}");
    }
    assert!(Protection::Signed.danger().unwrap().contains("any host"));
    assert_eq!((Protection::Named.danger(), Protection::Local.danger()), (None, None));
}

#[test]
fn words_that_would_be_passed_over_are_refused() {
    for (asked, says) in [
        ("sslmod=verify-full", "is not understood"),
        ("sslmode=allow", "never uses TLS"),
        ("sslmode=require&sslrootcert=/etc/ca.pem", "write sslmode=verify-full"),
        ("sslmode=verify-full&sslrootcert=/nowhere/ca.pem", "sslrootcert"),
        ("sslmode=require&sslcert=/nowhere/gate.pem", "belong together"),
        ("sslmode=require&sslcert=/nowhere/gate.pem&sslkey=/nowhere/gate.key", "sslcert"),
    ] {
        let why = of(&format!("db.test/orgate?{asked}")).unwrap_err();
        assert!(why.contains(says), "{asked}: {why}");
    }
}
