//! What gates share besides the register: accounts, and what was judged. Messages judged alike wherever they come.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use crate::postgres::register::Pair;
use crate::support::browser::Browser;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decision, decisions, decisions_of, findings};
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::upstream::Upstream;
use crate::support::{eventually, repository};

const PASSWORD: &str = "first-word-of-all-7";

#[test]
fn a_login_and_a_lock_out_on_one_gate_hold_on_the_other() {
    let pair = Pair::new();
    pair.one.account("wang", PASSWORD, &["--role", "viewer"]);
    let (one, two) = (pair.one.start(), pair.two.start());
    let mut at_one = Browser::first_login(&one, "wang", PASSWORD);
    assert_eq!(at_one.get("/register").status, 200);
    let mut at_two = at_one.moved_to(&two);
    assert_eq!(at_two.get("/register").status, 200, "the session holds");
    let mut stranger = Browser::new(&two);
    for _ in 0..5 {
        assert_eq!(stranger.log_in("wang", "guessed").header("location"), None);
    }
    let right = format!("{PASSWORD}-new");
    assert_eq!(Browser::new(&one).log_in("wang", &right).header("location"), None, "locked");
}

/// What was decided and found, of each message; copies of one are judged alike, or the day would not be the same.
fn verdicts(hospitals: &[&Hospital]) -> HashMap<String, BTreeSet<(String, Vec<String>)>> {
    let mut all: HashMap<String, BTreeSet<_>> = HashMap::new();
    for entry in hospitals.iter().flat_map(|hospital| decisions(&hospital.data())) {
        let id = entry["body"]["control_id"].as_str().expect("a text").to_owned();
        let own = (decision(&entry).to_owned(), findings(&entry));
        all.entry(id).or_default().insert(own);
    }
    all
}

/// Waits until `other` has heard of what `gate` has judged last.
fn heard(gate: &Gate, other: &Gate) {
    let last = decisions(gate.data()).pop();
    let orders = |entry: &Value| {
        entry["body"]["facts"]["orders"].as_array().is_some_and(|all| !all.is_empty())
    };
    if let Some(entry) = last.filter(orders) {
        other.says(entry["id"].as_str().expect("an id"));
    }
}

fn day() -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(repository("config/sample/day"))
        .expect("the sample day")
        .map(|file| file.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|end| end == "hl7"))
        .collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).expect("a message")).collect()
}

#[test]
fn a_day_played_through_two_gates_in_turn_is_judged_as_by_one() {
    let upstream = Upstream::accepting();
    let single = Hospital::new().route("his", upstream.address, &[]);
    let mut gate = single.start();
    for message in day() {
        gate.connect().ask(&message);
    }
    gate.stop();
    let pair = Pair::new();
    let (one, two) = (pair.one.log("debug"), pair.two.log("debug"));
    let (mut first, mut second) = (one.start(), two.start());
    for (nth, message) in day().iter().enumerate() {
        let (gate, other) = if nth % 2 == 0 { (&first, &second) } else { (&second, &first) };
        gate.connect().ask(message);
        heard(gate, other);
    }
    first.stop();
    second.stop();
    let (alone, together) = (verdicts(&[&single]), verdicts(&[&one, &two]));
    for (id, own) in &alone {
        assert_eq!(together.get(id), Some(own), "{id}");
    }
    assert_eq!(alone.len(), together.len());
    assert!(alone.len() > 50, "{}", alone.len());
}

#[test]
fn a_message_sent_again_to_the_other_gate_gets_the_same_verdict_and_is_known_as_a_copy() {
    let pair = Pair::new();
    let (one, two) = (pair.one.log("debug"), pair.two.log("debug"));
    let (mut first, second) = (one.start(), two.start());
    // What passed at one gate is not recorded at the other as what passed without any.
    let passed = Draft::clean("passed-at-one").bytes();
    assert_eq!(code(&first.connect().ask(&passed)), "AA");
    heard(&first, &second);
    let file = two.file("passed.hl7", &passed);
    let told = ["--record", "--by", "周样例", "--reason", "停机"];
    let recorded = two.run(&[&["replay", &file, "--route", "his"], &told[..]].concat());
    let said = text(&recorded.stdout);
    assert!(said.contains("in the ledger already: 1"), "{said}{}", text(&recorded.stderr));
    for draft in [
        Draft::clean("again-clean"),
        Draft::refused("refused-again"),
        Draft::emergency("again-emergency"),
    ] {
        let answer = code(&first.connect().ask(&draft.bytes()));
        heard(&first, &second);
        if draft.id == "again-emergency" {
            first.kill();
        }
        assert_eq!(code(&second.connect().ask(&draft.bytes())), answer);
        let (at_one, at_two) =
            (decisions_of(&one.data(), &draft.id), decisions_of(&two.data(), &draft.id));
        assert_eq!((at_one.len(), at_two.len()), (1, 1));
        assert_eq!(findings(&at_one[0]), findings(&at_two[0]), "{}", draft.id);
        let copy_of = &at_two[0]["body"]["retransmission_of"];
        if answer == "AA" {
            assert_eq!(*copy_of, at_one[0]["id"]);
        } else {
            assert!(copy_of.is_null(), "what was refused is judged again");
        }
    }
    assert_eq!(pair.upstream.frames().len(), 5);
}

/// An order number, written as HL7 can, with a character that PostgreSQL takes in no text; and one that is longer than an
/// index takes. Each would have kept all that came behind it from the shared database for good.
#[test]
fn texts_that_postgresql_does_not_take_hold_up_nothing_behind_them() {
    let pair = Pair::new();
    let (one, two) = (pair.one.log("debug"), pair.two.log("debug"));
    let (first, second) = (one.start(), two.start());
    let mut client = first.connect();
    let numbered = |draft: &Draft, number: &str| {
        draft.text().replace("ORC|NW|SQ", &format!("ORC|NW|{number}")).into_bytes()
    };
    let odd = Draft {
        department: "03\\X00\\01",
        patient: "P26\\X00\\99^^^XYYY||赵样例",
        ..Draft::emergency("nul")
    };
    assert_eq!(code(&client.ask(&numbered(&odd, "S\\X00\\Q"))), "AA");
    heard(&first, &second);
    let long: String =
        (1..2_000_u64).map(|n| format!("{:08x}", n * 2_654_435_761 % (1 << 32))).collect();
    let odd = Draft::emergency("long");
    assert_eq!(code(&client.ask(&numbered(&odd, &long))), "AA");
    heard(&first, &second);
    let nobody = Draft { surgeon: "D7\\X00\\7^无此人", ..Draft::clean("refused-nobody") };
    assert_eq!(
        code(&client.ask(&nobody.bytes())),
        "AE",
        "nobody is called so: no matter of trying again"
    );
    let files = || pair.database.psql("select count(*) from orgate_office.override_files");
    eventually("both files are in the index", || (files() == "2").then_some(()));
}
