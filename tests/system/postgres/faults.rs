//! The database down at a start, killed under load, slow, silent, or refusing the password: what gates do meanwhile, and
//! that they find it again by themselves.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::postgres::register::Pair;
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decision, decisions, decisions_of, entries, findings, of_kind};
use crate::support::message::{Draft, admission, control_id};
use crate::support::postgres::{Cluster, Database, PASSWORD};
use crate::support::proxy::Proxy;
use crate::support::reply::{Reply, code};
use crate::support::upstream::Upstream;

/// Nothing that was refused arrived, and nothing arrived that is not on file in one of these ledgers as let through.
pub(super) fn nothing_slipped_through(upstream: &Upstream, hospitals: &[&Hospital]) {
    let mut let_through: HashMap<String, usize> = HashMap::new();
    for hospital in hospitals {
        for entry in decisions(&hospital.data()) {
            if !matches!(decision(&entry), "block" | "unavailable") {
                let id = entry["body"]["control_id"].as_str().expect("a text");
                *let_through.entry(id.to_owned()).or_default() += 1;
            }
        }
        let out = hospital.run(&["ledger", "verify"]);
        assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    }
    let mut came: HashMap<String, usize> = HashMap::new();
    for frame in upstream.frames() {
        *came.entry(text(&control_id(&frame))).or_default() += 1;
    }
    for (id, times) in came {
        assert!(!id.starts_with("refused"), "{id} was refused and arrived");
        if !id.starts_with("admission") {
            let on_file = let_through.get(&id).copied().unwrap_or_default();
            assert!(on_file >= times, "{id} came {times} times, on file {on_file} times");
        }
    }
}

pub(super) fn ready(gate: &Gate) -> bool {
    gate.page("/readyz").0.contains("200")
}

fn gaps(gate: &Gate, id: &str) -> Vec<String> {
    let kept = decisions_of(gate.data(), id);
    let gaps = kept.last().expect("an entry")["body"]["verdict"]["gaps"].clone();
    serde_json::from_value(gaps).expect("texts")
}

pub(super) fn filled(database: &Database) -> Hospital {
    Hospital::empty().sharing(&database.url(), "filler").filled()
}

/// An order that only the catalogue tells to be surgical: a code in OBR-4, and nothing else.
fn by_its_code(id: &str) -> Vec<u8> {
    Draft::refused(id).text().replace("PR1|1||", "OBR|1|||").into_bytes()
}

/// What a gate says while it has never seen the register.
pub(super) fn without_register(gate: &Gate, name: &str) {
    let (status, body) = gate.page("/readyz");
    assert!(
        status.contains("503") && body.contains("register, does not answer: not ready"),
        "{body}"
    );
    let mut client = gate.connect();
    let id = format!("refused-{name}");
    let answer = Reply::read(&client.ask(&Draft::clean(&id).bytes()));
    assert_eq!((answer.code(), answer.field("MSA", 2)), ("AR".to_owned(), id.clone()));
    assert_eq!(gaps(gate, &id), ["privileges-unavailable"]);
    let id = format!("refused-code-{name}");
    assert_eq!(code(&client.ask(&by_its_code(&id))), "AR", "nobody knows what is surgical");
    let id = format!("emergency-{name}");
    assert_eq!(code(&client.ask(&Draft::emergency(&id).bytes())), "AA");
    assert_eq!(gaps(gate, &id), ["privileges-unavailable"]);
    let withdrawn = Draft { control: "CA", ..Draft::clean(format!("withdrawn-{name}")) };
    assert_eq!(code(&client.ask(&withdrawn.bytes())), "AA", "nobody is kept from calling it off");
    assert_eq!(code(&client.ask(&admission(&format!("admission-{name}")))), "AA");
}

/// What it says once it has.
pub(super) fn with_register(gate: &Gate, name: &str) {
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean(format!("clean-{name}")).bytes())), "AA");
    assert_eq!(code(&client.ask(&Draft::refused(format!("refused-again-{name}")).bytes())), "AE");
    let id = format!("code-{name}");
    assert_eq!(code(&client.ask(&by_its_code(&id))), "AA");
    let kept = decisions_of(gate.data(), &id);
    assert!(findings(&kept[0]).contains(&"surgeon-missing flag".to_owned()));
    assert!(gaps(gate, &format!("clean-{name}")).is_empty());
}

#[test]
fn a_gate_started_while_the_database_is_down_starts_says_so_and_recovers_by_itself() {
    let mut cluster = Cluster::new();
    let database = cluster.database();
    filled(&database);
    cluster.stop();
    let upstream = Upstream::accepting();
    let hospital =
        Hospital::empty().sharing(&database.url(), "gate-1").route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    without_register(&gate, "down");
    let checked = hospital.run(&["check"]);
    let said = text(&checked.stdout);
    assert!(!checked.status.success() && said.contains("cannot be used"), "{said}");
    assert!(!said.contains(PASSWORD), "a password in {said}");
    let file = hospital.file("passed.hl7", by_its_code("passed"));
    let record = || {
        let told = ["--record", "--by", "周样例", "--reason", "停机"];
        hospital.run(&[&["replay", &file, "--route", "his"], &told[..]].concat())
    };
    let out = record();
    assert!(text(&out.stderr).contains("the register cannot be used"), "{}", text(&out.stdout));
    assert!(decisions_of(gate.data(), "passed").is_empty(), "nobody could tell what it is");
    cluster.start();
    eventually("the register is back", || ready(&gate).then_some(()));
    with_register(&gate, "back");
    let said = text(&record().stdout);
    assert!(said.contains("recorded afterwards: 1"), "{said}");
    gate.stop();
    nothing_slipped_through(&upstream, &[&hospital]);
}

#[test]
fn what_the_register_became_is_entered_once_though_the_database_was_down_at_a_start() {
    let mut cluster = Cluster::new();
    let database = cluster.database();
    let hospital = Hospital::empty().sharing(&database.url(), "gate-1").filled();
    let opened = || -> Vec<i64> {
        let register = of_kind(&hospital.data(), "register");
        register.iter().filter_map(|entry| entry["body"]["opened_at_version"].as_i64()).collect()
    };
    let mut gate = hospital.start();
    eventually("the version at the start", || (opened().len() == 1).then_some(()));
    gate.stop();
    cluster.stop();
    let mut gate = hospital.start();
    gate.says("the register does not answer");
    cluster.start();
    gate.says("the register answers again");
    let versions = eventually("the version now", || Some(opened()).filter(|all| all.len() == 2));
    gate.stop();
    assert!(versions[0] > 0 && versions[1] == versions[0], "{versions:?}");
    let register = of_kind(&hospital.data(), "register");
    assert_eq!(register.len(), 2, "nothing was changed, and nothing is told again: {register:?}");
}

#[test]
fn a_wrong_password_is_said_and_a_gate_comes_up_when_it_is_put_right() {
    let cluster = Cluster::new();
    let database = cluster.database();
    filled(&database);
    let upstream = Upstream::accepting();
    let url = database.url_by(database.address(), "another");
    let hospital = Hospital::empty().sharing(&url, "gate-1").route("his", upstream.address, &[]);
    let gate = hospital.start();
    without_register(&gate, "password");
    let checked = hospital.run(&["check"]);
    let said = text(&checked.stdout);
    assert!(!checked.status.success() && said.contains("password authentication failed"), "{said}");
    database.psql("alter role gate password 'another'");
    eventually("the register is back", || ready(&gate).then_some(()));
    with_register(&gate, "password");
    nothing_slipped_through(&upstream, &[&hospital]);
}

/// Sends all kinds of orders to a gate until told to stop; what was answered, by message.
fn load(
    gate: &Gate,
    name: &'static str,
    stop: &Arc<AtomicBool>,
    book: &Arc<Mutex<HashMap<String, String>>>,
) -> std::thread::JoinHandle<()> {
    let (address, stop, book) = (gate.address(), Arc::clone(stop), Arc::clone(book));
    std::thread::spawn(move || {
        let mut client = Client::connect(address);
        for nth in 0.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            for (id, draft) in [
                ("clean", Draft::clean("")),
                ("refused", Draft::refused("")),
                ("emergency", Draft::emergency("")),
            ] {
                let id = format!("{id}-{name}-{nth}");
                let answer = code(&client.ask(&Draft { id: id.clone(), ..draft }.bytes()));
                book.lock().expect("no panic").insert(id, answer);
            }
        }
    })
}

fn answered(book: &Mutex<HashMap<String, String>>) -> usize {
    book.lock().expect("no panic").len()
}

#[test]
fn a_database_killed_under_load_stops_no_gate_and_what_was_changed_since_is_in_force_when_it_is_back()
 {
    let mut cluster = Cluster::new();
    let pair = Pair::of(cluster.database());
    let (mut one, mut two) = (pair.one.start(), pair.two.start());
    let (stop, book) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let senders = [load(&one, "one", &stop, &book), load(&two, "two", &stop, &book)];
    let more = |count: usize| {
        let before = answered(&book);
        eventually("answers", || (answered(&book) >= before + count).then_some(()));
    };
    more(60);
    cluster.kill();
    for gate in [&one, &two] {
        gate.says("the register does not answer");
        let (status, body) = gate.page("/readyz");
        assert!(status.contains("200") && body.contains("does not answer, confirmed"), "{body}");
    }
    more(60);
    cluster.start();
    for gate in [&one, &two] {
        gate.says("the register answers again");
    }
    pair.two.grant("D1002", "51.2300", "revoked");
    for (gate, name) in [(&one, "one"), (&two, "two")] {
        let mut client = gate.connect();
        let mut nth = 0;
        eventually("the revocation is in force", || {
            nth += 1;
            let order = Draft::clean(format!("revoked-{name}-{nth}"));
            (code(&client.ask(&order.bytes())) == "AE").then_some(())
        });
    }
    stop.store(true, Ordering::Relaxed);
    senders.into_iter().for_each(|sender| sender.join().expect("a sender"));
    for (id, code) in book.lock().expect("no panic").iter() {
        match id.split('-').next() {
            Some("refused") => assert_eq!(code, "AE", "{id}"),
            Some("emergency") => assert_eq!(code, "AA", "{id}"),
            // Until the revocation.
            _ => assert!(code == "AA" || code == "AE", "{id}: {code}"),
        }
    }
    one.stop();
    two.stop();
    nothing_slipped_through(&pair.upstream, &[&pair.one, &pair.two]);
}

#[test]
fn no_emergency_waits_for_a_database_that_is_silent_or_slow() {
    let database = Cluster::shared().database();
    filled(&database);
    let proxy = Proxy::before(database.address());
    let upstream = Upstream::accepting();
    let url = database.url_by(proxy.address, PASSWORD);
    let hospital = Hospital::empty().sharing(&url, "gate-1").route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    with_register(&gate, "before");
    let unknown = |id: &str, urgency| Draft {
        surgeon: "D7777^无此人",
        code: "52.7x00^根治性胰十二指肠切除术^CHS2.0",
        urgency,
        ..Draft::clean(id)
    };
    for (name, late) in [("slow", Some(Duration::from_secs(5))), ("silent", None)] {
        match late {
            Some(late) => proxy.delay(late),
            None => proxy.hold(),
        }
        let mut client = gate.connect();
        // Known in memory: judged as ever.
        assert_eq!(code(&client.ask(&Draft::clean(format!("clean-{name}")).bytes())), "AA");
        assert_eq!(code(&client.ask(&Draft::refused(format!("refused-{name}")).bytes())), "AE");
        // Not in memory: an emergency is let through without an answer from the database; an elective order is
        // refused, to be sent again.
        let id = format!("emergency-{name}");
        assert_eq!(code(&client.ask(&unknown(&id, "S").bytes())), "AA");
        assert_eq!(gaps(&gate, &id), ["privileges-unavailable"]);
        let id = format!("refused-unknown-{name}");
        assert_eq!(code(&client.ask(&unknown(&id, "R").bytes())), "AR");
        assert_eq!(gaps(&gate, &id), ["privileges-unavailable"]);
    }
    proxy.let_through();
    let mut nth = 0;
    eventually("the database answers in time again", || {
        nth += 1;
        let order = unknown(&format!("refused-after-{nth}"), "R");
        (code(&gate.connect().ask(&order.bytes())) == "AE").then_some(())
    });
    gate.says("the register answers again");
    gate.stop();
    let told = entries(&hospital.data()).into_iter().filter(|e| e["kind"] == "register").count();
    assert!(told >= 1);
    nothing_slipped_through(&upstream, &[&hospital]);
}
