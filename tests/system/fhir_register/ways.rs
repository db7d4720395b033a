//! What is granted there is granted here, and what ends there ends here.

use jiff::SignedDuration;
use serde_json::json;

use crate::support::certificates::Authority;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::of_kind;
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::shelf::{Shelf, practitioner, role};
use crate::support::upstream::Upstream;

/// An order of D1005 for 06.2x00.
pub(super) fn order(id: &str) -> Vec<u8> {
    Draft { code: "06.2x00^单侧甲状腺叶切除术^CHS2.0", ..Draft::refused(id) }.bytes()
}

/// Sends orders of D1005 for 06.2x00, which no file grants, until one is answered so.
pub(super) fn until(gate: &Gate, name: &str, wanted: &str) {
    let mut client = gate.connect();
    let mut nth = 0;
    eventually(&format!("{name} is answered {wanted}"), || {
        nth += 1;
        let answer = client.ask(&order(&format!("{name}-{nth}")));
        (code(&answer) == wanted).then_some(())
    });
}

/// A gate that pulls from a server, beside the sample register, and the system behind it.
pub(super) fn pulling(shelf: &Shelf, more: &str) -> (Hospital, Gate, Upstream) {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().set(&shelf.table(more)).route("his", upstream.address, &[]);
    let gate = hospital.start();
    (hospital, gate, upstream)
}

/// D1005 with a role that grants 06.2x00.
pub(super) fn grant(shelf: &Shelf) {
    shelf.put(practitioner("qin", "D1005"));
    shelf.put(role("qin-1", "qin", "06.2x00"));
}

/// Waits for another pull that was applied.
pub(super) fn next_pull(gate: &Gate) {
    let pulls = || {
        let (_, body) = gate.page("/metrics");
        let line = body.lines().find(|line| line.starts_with("orgate_fhir_pulls_total"));
        let count = line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        count.expect("a counter")
    };
    let before = pulls();
    eventually("two more pulls", || (pulls() >= before + 2).then_some(()));
}

#[test]
fn a_grant_pulled_lets_an_order_pass_and_one_that_ends_there_refuses_the_next() {
    let shelf = Shelf::new();
    for nth in 0..5 {
        shelf.put(practitioner(&format!("p{nth}"), &format!("N{nth}")));
    }
    let (hospital, mut gate, _upstream) = pulling(&shelf, "");
    until(&gate, "before", "AE");
    next_pull(&gate);
    grant(&shelf);
    until(&gate, "granted", "AA");
    // What files state goes on, and so does what they end.
    assert_eq!(code(&gate.connect().ask(&Draft::clean("of-a-file").bytes())), "AA");
    // A pull between the two that were put counts one that it has not listed: the next one is full.
    next_pull(&gate);
    let full = shelf.searches(true);

    let mut ended = role("qin-1", "qin", "06.2x00");
    ended["active"] = json!(false);
    shelf.put(ended);
    until(&gate, "inactive", "AE");
    shelf.put(role("qin-1", "qin", "06.2x00"));
    until(&gate, "active-again", "AA");
    let mut suspended = role("qin-1", "qin", "06.2x00");
    let parts = suspended["extension"][0]["extension"].as_array_mut().expect("parts");
    parts.push(json!({"url": "status", "valueCode": "suspended"}));
    shelf.put(suspended);
    until(&gate, "suspended", "AE");
    assert_eq!(shelf.searches(true), full, "changes are enough");
    assert!(shelf.searches(false) > 2);

    let told = || -> Vec<String> {
        of_kind(&hospital.data(), "register")
            .iter()
            .filter(|entry| entry["body"]["who"] == "fhir test-gate")
            .filter_map(|entry| Some(entry["body"]["what"].as_str()?.to_owned()))
            .collect()
    };
    // Five changes; the one of the grant may have come in two.
    let told =
        eventually("every change is in the ledger", || Some(told()).filter(|t| t.len() >= 5));
    assert_eq!(told[0], "fhir full: surgeons +5 ~0 -0; grants +0 ~0 -0");
    assert!(told[told.len() - 1].starts_with("fhir incremental: "), "{told:?}");
    let (status, body) = gate.page("/readyz");
    assert!(status.contains("200") && body.contains("register pulled by FHIR last "), "{body}");
    assert!(gate.page("/metrics").1.contains("orgate_fhir_pull_age_seconds"));
    gate.stop();
}

#[test]
fn what_was_deleted_there_ends_here_though_no_search_for_changes_tells_of_it() {
    let shelf = Shelf::new();
    grant(&shelf);
    shelf.put(practitioner("other", "D77"));
    let (_hospital, gate, _upstream) = pulling(&shelf, "");
    until(&gate, "granted", "AA");
    shelf.delete("PractitionerRole", "qin-1");
    // The last role of all: an empty answer takes nothing away by itself.
    gate.says("holds no PractitionerRole any more");
    until(&gate, "kept", "AA");
    shelf.put(role("other-1", "other", "51.2300"));
    until(&gate, "deleted", "AE");
}

#[test]
fn a_suspension_at_the_gate_outlasts_pulls() {
    let shelf = Shelf::new();
    grant(&shelf);
    let (hospital, gate, _upstream) = pulling(&shelf, "");
    until(&gate, "granted", "AA");
    let mut suspended =
        "surgeon_id,code,right,valid_from,status,document_no,document_on,evaluated_on\n".to_owned();
    suspended.push_str(
        "D1005,06.2x00,perform,2024-01-01,suspended,院医务〔2026〕9号,2026-02-27,2026-02-01\n",
    );
    let file = hospital.file("suspended.csv", suspended);
    let out = hospital.run(&["import", "--merge", "--grants", &file]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    until(&gate, "suspended", "AE");
    next_pull(&gate);
    let mut named = practitioner("qin", "D1005");
    named["gender"] = json!("female");
    shelf.put(named);
    next_pull(&gate);
    until(&gate, "still-suspended", "AE");
}

#[test]
fn everything_is_pulled_again_when_the_servers_clock_goes_back() {
    let shelf = Shelf::new();
    let (_hospital, gate, _upstream) = pulling(&shelf, "");
    gate.says("console listening");
    next_pull(&gate);
    let full = shelf.searches(true);
    shelf.clock_off(SignedDuration::from_hours(-24));
    grant(&shelf);
    until(&gate, "granted", "AA");
    assert!(shelf.searches(true) > full);
}

#[test]
fn a_server_behind_tls_that_wants_a_certificate_and_a_token_is_pulled_from() {
    let shelf = Shelf::new();
    grant(&shelf);
    shelf.wants("open-sesame");
    // Another gate stands before the server, for its TLS.
    let authority = Authority::new("house");
    let door = Hospital::new();
    let [cert, key] = door.pair("door", &authority.issue("door"));
    let ca = door.file("ca.pem", &authority.pem);
    let tls = format!("tls = {{ cert = {cert:?}, key = {key:?}, client_ca = {ca:?} }}");
    let door = door.fhir("door", shelf.address(), &[&tls]);
    let doorkeeper = door.start();
    let upstream = Upstream::accepting();
    let hospital = Hospital::new();
    let [cert, key] = hospital.pair("gate", &authority.issue("gate"));
    let token = hospital.file("token", "open-sesame\n");
    let table = |more: &str| {
        format!(
            "[register.fhir]\nurl = \"https://{}/fhir\"\npoll_s = 1\ntoken_file = {token:?}\n[register.fhir.tls]\nca = {ca:?}\n{more}",
            doorkeeper.route("door")
        )
    };
    let stranger = Hospital::new().set(&table(""));
    let out = stranger.run(&["register", "pull"]);
    let told = text(&out.stderr);
    assert!(!out.status.success() && told.contains("do not trust each other"), "{told}");
    let own = table(&format!("cert = {cert:?}\nkey = {key:?}"));
    let hospital = hospital.set(&own).route("his", upstream.address, &[]);
    let checked = hospital.run(&["check"]);
    assert!(
        text(&checked.stdout).contains("certificate of register.fhir"),
        "{}",
        text(&checked.stdout)
    );
    let gate = hospital.start();
    until(&gate, "granted", "AA");
    hospital.file("token", "wrong");
    gate.says("answered with status 401");
    assert!(!gate.log().contains("sesame"), "{}", gate.log());
    hospital.file("token", "open-sesame");
    next_pull(&gate);
}
