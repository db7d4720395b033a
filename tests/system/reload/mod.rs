//! Configurations taken up while the gate runs: all of it that can be or nothing, and no connection is dropped.

mod feeds;
mod load;

use serde_json::{Value, json};

use crate::ledger_down::limit;
use crate::support::browser::Browser;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::http::Client as HttpClient;
use crate::support::ledger::{decision, decisions_of, of_kind};
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::repository;
use crate::support::resource;
use crate::support::server::Server;
use crate::support::upstream::{Act, Upstream, accepted};

const PASSWORD: &str = "first-word-of-all-7";
/// What the log says of a configuration that is in force.
const TAKEN_UP: &str = "configuration taken up";
/// An effect by which a missing grant does not refuse.
const LENIENT: &str = "[policy.effects]\ngrant-missing = [\"flag\", \"flag\", \"flag\"]\n";
const STRICT: &str = "[policy.effects]\ngrant-missing = [\"block\", \"block\", \"block\"]\n";

/// A hospital whose gate reads its files again only when it is told to.
fn by_signal() -> Hospital {
    Hospital::new().node("reload = \"signal\"").set(STRICT)
}

/// Writes the configuration, has it read, and waits until it is in force for the `nth` time.
fn reload(hospital: &Hospital, gate: &Gate, nth: usize) {
    hospital.configure();
    gate.hang_up();
    gate.says_times(TAKEN_UP, nth);
}

/// The entries of configurations.
fn configurations(gate: &Gate) -> Vec<Value> {
    let mut all = of_kind(gate.data(), "bypass");
    all.retain(|entry| entry["body"]["act"] == "configuration");
    all
}

/// A mapping file of the test's own; the words by which urgency is told can be exchanged.
fn mapping(hospital: &Hospital, emergency: &str) -> String {
    let text = std::fs::read_to_string(repository("mappings/hl7v2/standard.toml")).expect("it");
    let words = "emergency = [\"S\", ";
    assert!(text.contains(words), "the shipped mapping has other words");
    let text = text.replace(words, &format!("{words}\"{emergency}\", "));
    format!("mapping = {:?}", hospital.file("own.toml", text))
}

/// An order that is an emergency only for a mapping that knows the word.
fn hurried(id: &str) -> Draft {
    Draft { urgency: "EILT", ..Draft::refused(id) }
}

#[test]
fn a_message_in_flight_survives_and_the_same_bytes_are_judged_anew_by_the_new_effect() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let upstream = Upstream::that(move |frame, _| {
        if frame.windows(8).any(|eight| eight == b"INFLIGHT") {
            let _ = wait.recv();
        }
        vec![Act::Send(accepted(frame))]
    });
    let mut hospital = by_signal().route("his", upstream.address, &[]);
    let gate = hospital.start();
    let mut client = gate.connect();
    let refused = Draft::refused("R1");
    assert_eq!(code(&client.ask(&refused.bytes())), "AE");
    let flying = Draft::clean("INFLIGHT").frame();
    client.send(&flying);
    upstream.wait_for_frames(1);
    hospital.change_head(STRICT, LENIENT);
    reload(&hospital, &gate, 1);
    release.send(()).expect("the stand-in waits");
    assert_eq!(client.frame(), accepted(&flying), "its answer comes on the same connection");
    assert_eq!(
        code(&client.ask(&refused.bytes())),
        "AA",
        "the next message goes by the new effect"
    );
    assert_eq!(upstream.connections(), 1);

    let [start, edited] = &configurations(&gate)[..] else { panic!("two configurations") };
    assert_eq!((&start["body"]["by"], &edited["body"]["by"]), (&json!("start"), &json!("signal")));
    assert_eq!(edited["body"]["applied"], json!(["policy.effects.grant-missing"]));
    let changed = &edited["body"]["changed"][0];
    assert_eq!(changed["before"], start["body"]["files"][0]["sha256"]);
    assert_eq!(changed["after"], edited["body"]["files"][0]["sha256"]);
    assert_ne!(changed["before"], changed["after"]);
    let [before, after] = &decisions_of(gate.data(), "R1")[..] else { panic!("two decisions") };
    assert_eq!((decision(before), decision(after)), ("block", "forward-flagged"));
    assert_eq!(before["body"]["configuration"], start["id"]);
    assert_eq!(after["body"]["configuration"], edited["id"]);
    assert_eq!(
        after["body"]["policy"]["effects"]["grant-missing"],
        json!(["flag", "flag", "flag"])
    );
}

#[test]
fn an_edited_mapping_is_taken_up_by_itself_and_a_broken_one_changes_nothing_and_says_where() {
    let upstream = Upstream::accepting();
    let base = Hospital::new();
    let own = mapping(&base, "NOTHING");
    let hospital = base.route("his", upstream.address, &[&own]);
    hospital.account("ops", PASSWORD, &["--role", "operator"]);
    let gate = hospital.start();
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&hurried("M1").bytes())), "AE");

    mapping(&hospital, "EILT");
    gate.says_times(TAKEN_UP, 1);
    assert_eq!(code(&client.ask(&hurried("M1").bytes())), "AA", "by the new words");
    assert!(gate.log().contains("by=watch"), "{}", gate.log());

    let good = std::fs::read_to_string(hospital.path("own.toml")).expect("it");
    let place = hospital.path("own.toml").display().to_string();
    let line = 1 + good.lines().position(|line| line.starts_with("emergency =")).expect("it");
    hospital.file("own.toml", good.replace("emergency = [", "emergncy = ["));
    gate.says("configuration refused, the former one stays in force");
    let fault = format!("{place}:{line}: ");
    assert!(gate.log().contains(&fault), "{fault}\n{}", gate.log());
    assert_eq!(code(&client.ask(&hurried("M2").bytes())), "AA", "the former mapping stays");
    let (status, ready) = gate.page("/readyz");
    assert!(
        status.contains("200") && ready.contains("configuration: edited and refused"),
        "{ready}"
    );
    assert!(ready.contains(&format!("{place}:{line}")), "{ready}");
    let mut browser = Browser::first_login(&gate, "ops", PASSWORD);
    let page = browser.get("/operations").body;
    assert!(page.contains("id=\"refused\"") && page.contains(&fault), "{page}");
    assert!(page.contains("emergncy"), "what is wrong stands there: {page}");
    let (_, metrics) = gate.page("/metrics");
    assert!(metrics.contains("orgate_configuration_in_force 0"), "{metrics}");
    assert!(metrics.contains("orgate_reloads_refused_total 1"), "{metrics}");

    hospital.file("own.toml", good.replace("\"EILT\", ", ""));
    gate.says_times(TAKEN_UP, 2);
    assert_eq!(code(&client.ask(&hurried("M3").bytes())), "AE", "by the mended file");
    let (_, ready) = gate.page("/readyz");
    assert!(!ready.contains("refused"), "{ready}");
    let page = browser.get("/operations").body;
    assert!(!page.contains("id=\"refused\""), "{page}");
    assert_eq!(configurations(&gate).len(), 3, "the start, and what was taken up");
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn a_configuration_that_cannot_be_read_changes_nothing_and_names_every_fault() {
    let upstream = Upstream::accepting();
    let hospital = by_signal().route("his", upstream.address, &[]);
    let gate = hospital.start();
    let path = hospital.configure();
    let good = std::fs::read_to_string(&path).expect("it");
    for (bad, fault) in [
        (good.replace("grant-missing", "grant-mising"), "orgate.toml:"),
        (good.replace("[policy.effects]", "[policy.effects"), "orgate.toml:"),
        (format!("{good}\n[[feed]]\nname = \"f\"\nkind = \"pager\"\n"), "`kind` must be"),
    ] {
        let times = gate.log().matches("configuration refused").count();
        std::fs::write(&path, &bad).expect("it can be written");
        gate.hang_up();
        gate.says_times("configuration refused", times + 1);
        assert!(gate.log().contains(fault), "{fault}\n{}", gate.log());
    }
    std::fs::remove_file(&path).expect("it is there");
    gate.hang_up();
    gate.says_times("configuration refused", 4);
    assert_eq!(code(&gate.connect().ask(&Draft::refused("B1").bytes())), "AE");
    std::fs::write(&path, good).expect("it can be written");
    gate.hang_up();
    gate.says("configuration unchanged");
    assert_eq!(configurations(&gate).len(), 1);
}

#[test]
fn what_needs_a_restart_is_named_and_everything_else_is_taken_up() {
    let upstream = Upstream::accepting();
    let mut hospital = by_signal().route("his", upstream.address, &[]);
    let gate = hospital.start();
    hospital.change("listen = \"127.0.0.1:0\"", "listen = \"127.0.0.1:1\"");
    hospital.change_head(STRICT, LENIENT);
    hospital.change_head("wait_ms = 60000", "wait_ms = 59000");
    let mut hospital = hospital.route("more", upstream.address, &[]);
    reload(&hospital, &gate, 1);
    for key in ["mllp.his.listen", "mllp.more", "register.wait_ms"] {
        gate.says(&format!("edited, and needs a restart key={key}"));
    }
    let entry = configurations(&gate).remove(1);
    assert_eq!(
        entry["body"]["restart"],
        json!(["mllp.his.listen", "mllp.more", "register.wait_ms"])
    );
    assert_eq!(code(&gate.connect().ask(&Draft::refused("N1").bytes())), "AA");
    hospital.change_head("wait_ms = 59000", "wait_ms = 60000");
    reload(&hospital, &gate, 2);
    let entry = configurations(&gate).remove(2);
    assert_eq!(
        entry["body"]["restart"],
        json!(["mllp.his.listen", "mllp.more"]),
        "it is as it was"
    );
}

#[test]
fn limits_and_stances_count_from_the_next_message_and_connection() {
    let upstream = Upstream::accepting();
    let settings = ["max_connections = 1", "max_frame_kib = 4", "stance = \"observe\""];
    let mut hospital = by_signal().route("his", upstream.address, &settings);
    let gate = hospital.start();
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::refused("L1").bytes())), "AA");
    gate.connect().expect_closed();
    hospital.change("max_connections = 1", "max_connections = 2");
    hospital.change("max_frame_kib = 4", "max_frame_kib = 64");
    hospital.change("stance = \"observe\"", "stance = \"enforce\"");
    reload(&hospital, &gate, 1);
    let long = Draft::refused("L2").line(&format!("NTE|1||{}", "长".repeat(5_000)));
    assert_eq!(code(&client.ask(&long.bytes())), "AE", "read whole, and enforced");
    assert_eq!(code(&gate.connect().ask(&Draft::clean("L3").bytes())), "AA");
    let entry = configurations(&gate).remove(1);
    let (from, to) = (&entry["body"]["stances"][0]["from"], &entry["body"]["stances"][0]["to"]);
    assert_eq!((&from["stance"], &to["stance"]), (&json!("observe"), &json!("enforce")));
    let settings = gate.log();
    assert!(settings.contains("stance changed route=his stance=enforce"), "{settings}");
    let passed = Draft::refused("L4").line(&format!("NTE|1||{}", "长".repeat(5_000)));
    let file = hospital.file("passed.hl7", passed.bytes());
    let name = ["--by", "周样例", "--reason", "停机"];
    let recorded =
        hospital.run(&[&["replay", &file, "--route", "his", "--record"], &name[..]].concat());
    let said = text(&recorded.stdout);
    assert!(said.contains("recorded afterwards: 1"), "{said}{}", text(&recorded.stderr));
}

#[test]
fn a_fhir_connection_stays_open_and_its_next_request_goes_by_the_new_effect() {
    let server = Server::storing();
    let mut hospital = by_signal().fhir("fhir", server.address, &[]);
    let gate = hospital.start();
    let mut client = HttpClient::connect(gate.address());
    let order = resource::refused("F1").to_string();
    let mut ask = || client.write("POST", "/fhir/ServiceRequest", &order).status();
    assert_eq!(ask(), 422);
    hospital.change_head(STRICT, LENIENT);
    reload(&hospital, &gate, 1);
    assert_eq!(ask(), 201);
    // Drafts of ordering screens and questions go by it, too.
    let question = json!({
        "subject": { "type": "surgeon", "id": "D1005" },
        "action": { "name": "perform" },
        "resource": { "type": "procedure", "id": "52.7x00" },
        "context": { "department": "0301", "patient": "P2699001" },
    });
    let answer = crate::support::console::post(gate.console(), "/access/v1/evaluation", &question);
    assert_eq!(answer.json()["decision"], true);
}

#[test]
fn what_was_refused_before_a_restart_is_judged_anew_if_the_files_are_others_since() {
    let upstream = Upstream::accepting();
    let base = by_signal();
    let own = mapping(&base, "NOTHING");
    let hospital = base.route("his", upstream.address, &[&own]);
    let mut gate = hospital.start();
    let order = hurried("S1").bytes();
    let first = gate.connect().ask(&order);
    gate.stop();
    let mut gate = hospital.start();
    assert_eq!(gate.connect().ask(&order), first, "the same files: the same answer");
    gate.stop();
    mapping(&hospital, "EILT");
    let gate = hospital.start();
    assert_eq!(code(&gate.connect().ask(&order)), "AA");
}

#[test]
fn while_the_ledger_cannot_record_it_a_configuration_is_not_taken_up_and_then_it_is() {
    let upstream = Upstream::accepting();
    let mut hospital = by_signal().route("his", upstream.address, &[]);
    let gate = hospital.start_by(&mut hospital.command_under("trap '' XFSZ"));
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::refused("D1").bytes())), "AE");
    limit(&gate, true);
    hospital.change_head(STRICT, LENIENT);
    hospital.configure();
    gate.hang_up();
    gate.says("configuration not taken up: the ledger cannot record it");
    assert_eq!(code(&client.ask(&Draft::refused("D1").bytes())), "AE", "nothing has changed");
    limit(&gate, false);
    gate.says(TAKEN_UP);
    eventually("the new effect", || {
        (code(&client.ask(&Draft::refused("D2").bytes())) == "AA").then_some(())
    });
}
