//! The register on PostgreSQL: one for two gates, and what is changed in force on both at once.
#![expect(clippy::print_stdout, reason = "what was measured is printed")]

use std::time::Duration;

use orgate::clock::monotonic;

use crate::support::browser::Browser;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{entries, findings};
use crate::support::message::Draft;
use crate::support::postgres::{Cluster, Database};
use crate::support::reply::code;
use crate::support::upstream::Upstream;

/// How many revocations, where `ORGATE_TEST_REVOCATIONS` does not say.
const TRIALS: usize = 20;
/// And of the long run, for the figure of the documentation.
const TRIALS_LONG: usize = 1_000;

/// Two gates before one downstream system, with the sample register.
pub(super) struct Pair {
    pub(super) database: Database,
    pub(super) one: Hospital,
    pub(super) two: Hospital,
    pub(super) upstream: Upstream,
}

impl Pair {
    pub(super) fn of(database: Database) -> Self {
        let upstream = Upstream::accepting();
        let url = database.url();
        let gate = |node| Hospital::empty().sharing(&url, node).route("his", upstream.address, &[]);
        let (one, two) = (gate("gate-1").filled(), gate("gate-2"));
        Self { database, one, two, upstream }
    }

    pub(super) fn new() -> Self {
        Self::of(Cluster::shared().database())
    }
}

/// Sends orders to a gate until one is answered so; how many it took.
fn until(gate: &Gate, name: &str, wanted: &str) -> usize {
    let mut client = gate.connect();
    let latest = monotonic() + Duration::from_secs(30);
    for nth in 1.. {
        let answer = client.ask(&Draft::clean(format!("{name}-{nth}")).bytes());
        if code(&answer) == wanted {
            return nth;
        }
        assert!(monotonic() < latest, "{name}: never {wanted}");
    }
    0
}

#[test]
fn two_gates_judge_by_one_register() {
    let pair = Pair::new();
    let (one, two) = (pair.one.start(), pair.two.start());
    for (gate, name) in [(&one, "A"), (&two, "B")] {
        let mut client = gate.connect();
        assert_eq!(code(&client.ask(&Draft::clean(format!("C{name}")).bytes())), "AA");
        assert_eq!(code(&client.ask(&Draft::refused(format!("R{name}")).bytes())), "AE");
        assert_eq!(code(&client.ask(&Draft::emergency(format!("E{name}")).bytes())), "AA");
        assert!(gate.page("/readyz").0.contains("200"));
        let kept = entries(gate.data());
        let refused = kept.iter().find(|e| e["body"]["control_id"] == format!("R{name}"));
        let found = findings(refused.expect("an entry"));
        assert!(found.iter().any(|f| f == "grant-missing block"), "{found:?}");
    }
    let checked = pair.two.run(&["check"]);
    let said = text(&checked.stdout);
    assert!(checked.status.success() && said.contains("version 1"), "{said}");
    assert!(!said.contains("only-for-tests"), "a password in {said}");
}

#[test]
fn an_import_and_a_change_in_psql_are_in_force_on_both_gates_and_told_in_their_ledgers() {
    let pair = Pair::new();
    let (one, two) = (pair.one.start(), pair.two.start());
    assert_eq!(until(&one, "before", "AA"), 1);
    assert_eq!(until(&two, "before", "AA"), 1);
    pair.one.grant("D1002", "51.2300", "revoked");
    until(&one, "import-1", "AE");
    until(&two, "import-2", "AE");
    pair.one.grant("D1002", "51.2300", "active");
    until(&two, "again", "AA");
    pair.database.psql(
        "update orgate_register.grants set status = 'revoked' \
         where surgeon_id = 'D1002' and code = '51.2300' and to_version is null; \
         update orgate_register.grants set evaluated_on = '2026-02-02' \
         where surgeon_id = 'D1002' and to_version is null",
    );
    until(&one, "psql-1", "AE");
    until(&two, "psql-2", "AE");
    let versions = pair.database.psql("select max(version) from orgate_register.versions");
    assert_eq!(versions, "4", "one version for all that one transaction did");
    for gate in [&one, &two] {
        crate::support::eventually("the change is told in the ledger", || {
            let kept = entries(gate.data());
            let by_hand = |entry: &&serde_json::Value| {
                entry["kind"] == "register"
                    && entry["body"]["what"] == "by hand: grants"
                    && entry["body"]["who"] == "gate"
            };
            kept.iter().find(by_hand).map(|_| ())
        });
    }
}

#[test]
fn a_grant_suspended_on_one_gate_refuses_on_the_other() {
    revoke(TRIALS);
}

#[test]
#[ignore = "takes minutes: ./test --soak"]
fn a_thousand_grants_suspended_on_one_gate_refuse_on_the_other() {
    revoke(TRIALS_LONG);
}

/// Suspends a grant again and again, and prints how long it took until the other gate refused.
fn revoke(trials: usize) {
    let asked = std::env::var("ORGATE_TEST_REVOCATIONS").ok();
    let trials = asked.map_or(trials, |text| text.parse().expect("a number of revocations"));
    let pair = Pair::new();
    pair.one.account("zhou", "first-word-of-all-7", &["--role", "registrar"]);
    let (one, two) = (pair.one.start(), pair.two.start());
    let mut registrar = Browser::first_login(&one, "zhou", "first-word-of-all-7");
    let word = registrar.get("/register/surgeons/D1002").field("word");
    let mut turn = |way: &str| {
        let form = [
            ("word", &*word),
            ("of", "grant"),
            ("surgeon", "D1002"),
            ("code", "51.2300"),
            ("way", way),
            ("reason", "试验"),
        ];
        assert_eq!(registrar.post_with("/register/turn", &form, &[]).status, 303);
    };
    let mut took = Vec::with_capacity(trials);
    let mut passed_after = 0;
    for trial in 0..trials {
        until(&two, &format!("allowed-{trial}"), "AA");
        turn("suspend");
        let began = monotonic();
        passed_after += until(&two, &format!("stopped-{trial}"), "AE") - 1;
        took.push(began.elapsed());
        turn("resume");
    }
    took.sort_unstable();
    let at = |part: usize| took[(took.len() * part / 100).min(took.len() - 1)];
    println!(
        "revoked on one gate, refused on the other, {trials} trials: p50 {:?}, p90 {:?}, p99 {:?}, longest {:?}; \
         {passed_after} orders passed in between",
        at(50),
        at(90),
        at(99),
        at(100)
    );
}
