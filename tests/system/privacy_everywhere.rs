//! The same patient through every way in, and every way out looked at: logs at their loudest, metrics, health, alerts of
//! every kind by pseudonym, the gate's own notices.

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::client::Client;
use crate::support::console::{ask, post};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::http::{Client as HttpClient, response};
use crate::support::ledger::files;
use crate::support::message::Draft;
use crate::support::resource::{clean, emergency, refused, with};
use crate::support::server::Server;
use crate::support::upstream::{Upstream, nobody};

/// Number, names, order, encounter, diagnosis, reason: each where a patient's data stands.
const MARKS: [&str; 7] = [
    "PATIENT-9951",
    "MARKEDNAME",
    "标记丙",
    "ORDER-9952",
    "VISIT-9953",
    "DIAGNOSIS-9954",
    "REASON-9955",
];
const PASSWORD: &str = "first-word-of-all-7";

/// Where alerts go, and what came there.
struct Receivers {
    robots: Server,
    inbox: Upstream,
    file: std::path::PathBuf,
}

/// A feed of every kind that needs no foreign program; the patient stays a pseudonym in all of them.
fn with_feeds(base: Hospital) -> (Hospital, Receivers) {
    let good =
        response("200 OK", &["Content-Type: application/json"], b"{\"errcode\":0,\"code\":0}");
    let robots = Server::answering(good);
    let (inbox, file) = (Upstream::accepting(), base.path("alerts.jsonl"));
    let url = base.file("url", format!("http://{}/robot\n", robots.address));
    let to = |path: &str| format!("url = \"http://{}/{path}\"", robots.address);
    let feeds = [
        ("file", format!("path = {file:?}")),
        ("webhook", to("hook")),
        ("wecom", format!("url_file = {url:?}\ngroup_s = 0\nper_minute = 0")),
        ("dingtalk", format!("url_file = {url:?}\ngroup_s = 0\nper_minute = 0")),
        ("feishu", format!("url_file = {url:?}\ngroup_s = 0\nper_minute = 0")),
        ("fhir", to("fhir")),
        ("hl7v2", format!("to = \"{}\"", inbox.address)),
    ];
    let hospital = feeds.iter().fold(base, |hospital, (kind, keys)| {
        hospital.set(&format!("[[feed]]\nname = \"{kind}\"\nkind = \"{kind}\"\n{keys}"))
    });
    (hospital, Receivers { robots, inbox, file })
}

fn marked(draft: Draft) -> Draft {
    Draft { patient: "PATIENT-9951^^^XYYY||MARKEDNAME^X~标记丙", ..draft }
        .line("DG1|1||C25.9^DIAGNOSIS-9954")
        .line("OBX|1|ST|LIFE-SAVING||REASON-9955")
}

fn hl7(gate: &Gate) {
    for route in ["his", "watch"] {
        let mut client = Client::connect(gate.route(route));
        for draft in [Draft::clean("P1"), Draft::refused("P2"), Draft::emergency("P3")] {
            let draft = Draft { id: format!("{}{route}", draft.id), ..draft };
            let marked = marked(draft.clone()).text();
            let marked = marked.replace(&format!("SQ{}", draft.id), "ORDER-9952");
            client.ask(marked.as_bytes());
        }
        client.ask(marked(Draft { surgeon: "D1&D2", ..Draft::clean("P4") }).text().as_bytes());
    }
    let mut client = Client::connect(gate.route("down"));
    client.try_send(&marked(Draft::clean("P5")).frame());
    client.rest();
}

fn resource(order: Value) -> Value {
    let subject = json!({"reference": "Patient/PATIENT-9951", "display": "标记丙"});
    let order = with(order, "subject", subject);
    let order = with(order, "encounter", json!({"reference": "Encounter/VISIT-9953"}));
    let order = with(order, "reasonCode", json!([{"text": "REASON-9955"}]));
    with(order, "identifier", json!([{"system": "urn:x", "value": "ORDER-9952"}]))
}

fn fhir(gate: &Gate) {
    let mut client = HttpClient::connect(gate.route("fhir"));
    for order in [clean("F1"), refused("F2"), emergency("F3")] {
        let order = resource(order).to_string();
        client.write("POST", "/fhir/ServiceRequest?subject=PATIENT-9951", &order);
        client.write("POST", "/fhir/ServiceRequest", order.trim_end_matches('}'));
    }
    client.get("/fhir/Patient?name=标记丙&identifier=PATIENT-9951");
}

fn questions(gate: &Gate) {
    let sign = String::from_utf8(crate::support::bytes_of(
        "tests/data/cds_hooks/good/order-sign-refused.json",
    ));
    let sign = sign.expect("text").replace("P2699001", "PATIENT-9951");
    let sign = sign.replace("E2699001", "VISIT-9953").replace("赵样例", "标记丙");
    let kind = [("Content-Type", "application/json")];
    let path = "/cds-services/orgate-order-sign";
    let answer = ask(gate.console(), "POST", path, &kind, sign.as_bytes());
    assert_eq!(answer.status, 200, "{}", text(&answer.body));
    ask(gate.console(), "POST", path, &kind, sign.trim_end_matches('}').as_bytes());
    let question = json!({
        "subject": { "type": "surgeon", "id": "D1005" },
        "action": { "name": "perform" },
        "resource": { "type": "procedure", "id": "52.7x00" },
        "context": { "patient": "PATIENT-9951", "urgency": "emergency" },
    });
    assert_eq!(post(gate.console(), "/access/v1/evaluation", &question).status, 200);
    post(gate.console(), "/access/v1/evaluation", &json!({ "PATIENT-9951": "标记丙" }));
    let kind = [("Content-Type", "x-application/hl7-v2+er7")];
    let order = marked(Draft::refused("Q1")).bytes();
    ask(gate.console(), "POST", "/v1/explain?route=his", &kind, &order);
}

/// Somebody looks for the patient, finds, opens, and asks for what does not exist.
fn people(gate: &Gate) {
    let mut browser = Browser::first_login(gate, "wang", PASSWORD);
    let word = browser.get("/search").field("word");
    let found = eventually("the search finds the patient", || {
        let form = [("word", &*word), ("patient", "PATIENT-9951")];
        let page = browser.post("/search", &form);
        page.body.split("data-entry=\"").nth(1)?.split('"').next().map(str::to_owned)
    });
    for path in [&*format!("/case/{found}"), "/case/PATIENT-9951", "/search?patient=PATIENT-9951"] {
        browser.get(path);
    }
    browser.log_in("PATIENT-9951", "标记丙");
}

/// Everything that went out to somebody who must not know the patient.
fn told(receivers: &Receivers) -> Vec<(&'static str, String)> {
    let bodies = receivers.robots.requests();
    let bodies = bodies.iter().map(|m| m.head.clone() + &text(&m.body)).collect::<String>();
    let file = std::fs::read_to_string(&receivers.file).unwrap_or_default();
    vec![
        ("what robots, web hooks and the FHIR server were told", bodies),
        ("what the HL7 inbox was told", text(&receivers.inbox.bytes())),
        ("the file of alerts", file),
    ]
}

#[test]
fn a_patient_who_goes_through_everything_shows_nowhere_but_in_the_ledger() {
    let (upstream, server) = (Upstream::accepting(), Server::storing());
    let (hospital, receivers) = with_feeds(Hospital::new().log("trace"));
    let collector = Server::answering(response("200 OK", &[], b"{}"));
    let hospital = hospital
        .set(&format!("[telemetry]\notlp = \"http://{}\"", collector.address))
        .route("his", upstream.address, &[])
        .route("watch", upstream.address, &["stance = \"observe\""])
        .route("down", nobody(), &[])
        .fhir("fhir", server.address, &[]);
    hospital.account("wang", PASSWORD, &["--role", "viewer"]);
    let mut gate = hospital.start();
    hl7(&gate);
    fhir(&gate);
    questions(&gate);
    people(&gate);
    // A broken configuration that speaks of a patient is refused without repeating it.
    let path = hospital.configure();
    let good = std::fs::read_to_string(&path).expect("it");
    std::fs::write(&path, format!("{good}\nnote = \"标记丙 PATIENT-9951\"\n")).expect("it");
    gate.hang_up();
    gate.says("configuration refused");

    let kinds = ["orgate.order.blocked", "orgate.override.opened", "orgate.gap"];
    eventually("every feed has told", || {
        let told = told(&receivers);
        let file = &told[2].1;
        let all = kinds.iter().all(|kind| file.contains(kind));
        let robots = receivers.robots.requests();
        let paths = ["/hook", "/robot", "/fhir"];
        let each = paths.iter().all(|path| robots.iter().any(|m| m.start().contains(path)));
        (all && each && !receivers.inbox.frames().is_empty()).then_some(())
    });
    let (_, metrics) = gate.page("/metrics");
    let (_, ready) = gate.page("/readyz");
    gate.stop();
    let log = gate.log();
    assert!(log.contains("TRACE") && log.contains("judged"), "the log was at its loudest");
    let read = |name: &str| {
        let file = hospital.data().join("feeds").join(name);
        std::fs::read_to_string(file).unwrap_or_default()
    };
    let notices = read("notices.jsonl");
    assert!(notices.contains("down"), "a route is down, and the notice says so: {notices}");
    let traces: String =
        collector.requests().iter().map(|m| m.head.clone() + &text(&m.body)).collect();
    for traced in ["\"block\"", "\"override\"", "orgate.unreadable", "\"fhir\"", "\"upstream\""] {
        assert!(traces.contains(traced), "{traced} was traced: {traces}");
    }
    let mut outputs = told(&receivers);
    outputs.push(("the traces", traces));
    outputs.push(("the log", log));
    outputs.push(("/metrics", metrics));
    outputs.push(("/readyz", ready));
    outputs.push(("the notices", notices));
    outputs.push(("the cursors", read("file.cursor") + &read("hl7v2.cursor")));
    for mark in MARKS {
        for (place, content) in &outputs {
            let shown = content.split_once(mark).map(|(before, after)| {
                let before: Vec<char> = before.chars().rev().take(300).collect();
                let after = after.chars().take(300);
                before.into_iter().rev().chain(mark.chars()).chain(after).collect::<String>()
            });
            assert!(shown.is_none(), "{mark} in {place}: {}", shown.unwrap_or_default());
        }
    }
    let kept: String = files(&hospital.data())
        .iter()
        .map(|file| text(&std::fs::read(file).expect("it")))
        .collect();
    for mark in ["PATIENT-9951", "ORDER-9952"] {
        assert!(kept.contains(mark), "the ledger holds {mark}, or this test proves nothing");
    }
}
