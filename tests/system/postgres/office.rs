//! Override files of two gates on one console, deadlines that one gate sees to, and a register moved from a file.

use crate::postgres::register::Pair;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::gate::{Hospital, text};
use crate::support::ledger::{decisions_of, entries};
use crate::support::message::Draft;
use crate::support::postgres::Cluster;
use crate::support::reply::code;
use crate::support::upstream::Upstream;

const PASSWORD: &str = "first-word-of-all-7";

fn acts(hospital: &Hospital, act: &str) -> usize {
    let own =
        |entry: &&serde_json::Value| entry["kind"] == "override" && entry["body"]["act"] == act;
    entries(&hospital.data()).iter().filter(own).count()
}

#[test]
fn a_file_opened_by_one_gate_is_reviewed_at_the_other_and_a_copy_opens_no_second() {
    let pair = Pair::new();
    pair.one.account(
        "wang",
        PASSWORD,
        &["--role", "reviewer", "--role", "viewer", "--staff", "D90"],
    );
    let (one, two) = (pair.one.start(), pair.two.start());
    let order = Draft::emergency("shared-override");
    assert_eq!(code(&one.connect().ask(&order.bytes())), "AA");
    let entry = decisions_of(&pair.one.data(), "shared-override")[0]["id"].clone();
    let entry = entry.as_str().expect("an id").to_owned();
    let files =
        || pair.database.psql("select entry || ' ' || state from orgate_office.override_files");
    eventually("the file is in the index", || (files() == format!("{entry} open")).then_some(()));
    // The sender did not hear, and sends again to the other, before that one has heard.
    assert_eq!(code(&two.connect().ask(&order.bytes())), "AA");
    let mut reviewer = Browser::first_login(&two, "wang", PASSWORD);
    let page = reviewer.get("/overrides");
    assert!(page.body.contains(&entry), "{}", page.body);
    let id = format!("{entry}.0");
    let page = reviewer.get(&format!("/overrides/{id}"));
    let word = page.field("word");
    let form = [("word", &*word), ("act", "confirm"), ("reason", "确属抢救"), ("suspend", "")];
    let done = reviewer.post(&format!("/overrides/{id}"), &form);
    assert_eq!(done.status, 303, "{}", done.body);
    assert_eq!(files(), format!("{entry} confirmed"), "one file, closed");
    assert_eq!((acts(&pair.one, "reviewed"), acts(&pair.two, "reviewed")), (0, 1));
    drop(one);
    // Told at once at the first gate too, when it is back.
    let again = pair.one.start();
    let mut other = reviewer.moved_to(&again);
    assert!(other.get(&format!("/overrides/{id}")).body.contains("确属抢救"));
}

#[test]
fn an_overdue_file_is_escalated_once_and_the_duty_is_taken_over_from_a_gate_that_was_killed() {
    let pair = Pair::new();
    assert!(pair.one.run(&["check"]).status.success(), "it makes the tables");
    let mut one = pair.one.start();
    let owner =
        || pair.database.psql("select node from orgate_office.duties where name = 'overrides'");
    eventually("the first gate has the duty", || (owner() == "gate-1").then_some(()));
    let _two = pair.two.start();
    assert_eq!(code(&one.connect().ask(&Draft::emergency("late").bytes())), "AA");
    let count = || pair.database.psql("select count(*) from orgate_office.override_files");
    eventually("the file is in the index", || (count() == "1").then_some(()));
    // The index is made older than it is, since nobody waits for hours.
    let age = "update orgate_office.override_files set due = 0, \
               body = jsonb_set(body::jsonb, '{at}', '\"2026-01-01T00:00:00Z\"')::text";
    pair.database.psql(age);
    eventually("it is escalated", || (acts(&pair.one, "escalated") == 1).then_some(()));
    assert_eq!(acts(&pair.two, "escalated"), 0);
    one.kill();
    eventually("the other gate takes the duty over", || (owner() == "gate-2").then_some(()));
    pair.database.psql("delete from orgate_office.override_acts");
    pair.database.psql(age);
    eventually("the other gate escalates", || (acts(&pair.two, "escalated") == 1).then_some(()));
}

#[test]
fn an_embedded_register_is_moved_with_its_history_and_only_into_an_empty_database() {
    let database = Cluster::shared().database();
    let embedded = Hospital::new();
    embedded.grant("D1002", "51.2300", "suspended");
    embedded.grant("D1002", "51.2300", "active");
    embedded.account("wang", PASSWORD, &["--role", "viewer"]);
    let exported = |hospital: &Hospital, table: &str| {
        let out = hospital.run(&["export", table]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stdout)
    };
    let upstream = Upstream::accepting();
    let shared =
        Hospital::empty().sharing(&database.url(), "gate-1").route("his", upstream.address, &[]);
    let from = embedded.data().display().to_string();
    let moved = shared.run(&["register", "migrate", "--from", &from]);
    assert!(moved.status.success(), "{}", text(&moved.stderr));
    for table in [
        "catalogue",
        "surgeons",
        "grants",
        "roster",
        "techniques",
        "dossiers",
        "discussions",
        "calendar",
    ] {
        assert_eq!(exported(&shared, table), exported(&embedded, table), "{table}");
    }
    assert_eq!(database.psql("select count(*) from orgate_register.versions"), "3");
    let past = "select count(*) from orgate_register.grants \
                where to_version is not null and surgeon_id = 'D1002' and code = '51.2300'";
    assert_eq!(database.psql(past), "2", "history is kept");
    assert_eq!(database.psql("select name from orgate_accounts.accounts"), "wang");
    let again = shared.run(&["register", "migrate", "--from", &from]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("holds 3 rows already"), "{}", text(&again.stderr));
    assert_eq!(database.psql("select count(*) from orgate_register.versions"), "3");
    let gate = shared.start();
    assert_eq!(code(&gate.connect().ask(&Draft::clean("moved").bytes())), "AA");
    Browser::first_login(&gate, "wang", PASSWORD);
}
