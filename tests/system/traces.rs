//! Traces of checked messages: read by OTLP's own definition, and a collector that is away, which nobody waits for.

use std::net::SocketAddr;

use serde_json::Value;

use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::http::{Client as HttpClient, request};
use crate::support::ledger::decisions_of;
use crate::support::message::{Draft, admission};
use crate::support::peer::Peer;
use crate::support::reply::code;
use crate::support::resource::clean;
use crate::support::server::Server;
use crate::support::upstream::{Act, Upstream, accepted};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A collector that knows the protocol.
fn collector() -> (Peer, SocketAddr) {
    let mut peer = Peer::start("collector.py", &[]);
    let address = peer.address();
    (peer, address)
}

/// How it answers from now on.
fn answer(collector: &mut Peer, how: &str) {
    collector.tell(how);
    assert_eq!(collector.line(), format!("answers {how}"));
}

fn telling(collector: SocketAddr, more: &str) -> String {
    format!("[telemetry]\notlp = \"http://{collector}\"\n{more}")
}

/// The spans that the collector takes next, until so many messages are among them.
fn spans(collector: &mut Peer, messages: usize) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    while all.iter().filter(|span| span["name"] == "check").count() < messages {
        let line = collector.line();
        let taken: Vec<Value> = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        all.extend(taken);
    }
    all
}

/// The message of a ledger entry, and the steps in it.
fn of_entry<'s>(spans: &'s [Value], entry: &Value) -> (&'s Value, Vec<&'s Value>) {
    let own = |span: &&Value| span["attributes"]["orgate.entry"] == entry["id"];
    let root = spans.iter().find(own).unwrap_or_else(|| panic!("{entry} in {spans:#?}"));
    let inside = |span: &&Value| span["parent"] == root["span"] && span["trace"] == root["trace"];
    (root, spans.iter().filter(inside).collect())
}

fn names<'s>(steps: &[&'s Value]) -> Vec<&'s str> {
    steps.iter().map(|step| step["name"].as_str().expect("a name")).collect()
}

fn entry(gate: &Gate, id: &str) -> Value {
    decisions_of(gate.data(), id).pop().unwrap_or_else(|| panic!("no entry of {id}"))
}

#[test]
fn every_checked_message_is_a_trace_of_its_steps_and_what_was_decided() {
    let (mut collector, address) = collector();
    let (upstream, silent) = (Upstream::accepting(), Upstream::that(|_, _| Vec::new()));
    let hospital = Hospital::new()
        .set(&telling(address, ""))
        .route("his", upstream.address, &[])
        .route("mute", silent.address, &["upstream_timeout_ms = 200"]);
    let gate = hospital.start();
    let mut client = crate::support::client::Client::connect(gate.route("his"));
    assert_eq!(code(&client.ask(&Draft::clean("T1").bytes())), "AA");
    assert_eq!(code(&client.ask(&Draft::refused("T2").bytes())), "AE");
    assert_eq!(code(&client.ask(&admission("T3"))), "AA");
    let mut mute = crate::support::client::Client::connect(gate.route("mute"));
    mute.send(&Draft::clean("T4").frame());
    mute.expect_closed();
    let all = spans(&mut collector, 3);
    let roots = all.iter().filter(|span| span["name"] == "check").count();
    assert_eq!(roots, 3, "what is not surgical is not traced: {all:#?}");

    let (root, steps) = of_entry(&all, &entry(&gate, "T1"));
    assert_eq!(names(&steps), ["read", "facts", "judge", "ledger", "upstream"]);
    assert_eq!((&root["kind"], &root["parent"]), (&"SPAN_KIND_SERVER".into(), &"".into()));
    let told = &root["attributes"];
    for (key, value) in [
        ("route", "his"),
        ("protocol", "hl7v2"),
        ("decision", "forward"),
        ("stance", "enforce"),
        ("stage", "order"),
        ("urgency", "elective"),
    ] {
        assert_eq!(told[format!("orgate.{key}")], value, "{told}");
    }
    assert_eq!(told["orgate.message.bytes"], Draft::clean("T1").bytes().len());
    assert_eq!(
        (&root["resource"]["service.name"], &root["resource"]["service.instance.id"]),
        (&"orgate".into(), &"test-gate".into())
    );
    let sent = steps.last().expect("the last");
    assert_eq!(
        (&sent["kind"], &sent["attributes"]["orgate.acknowledgement"]),
        (&"SPAN_KIND_CLIENT".into(), &"AA".into())
    );
    let time = |span: &Value, which: &str| span[which].as_u64().expect("a time");
    for step in &steps {
        assert!(
            time(root, "from") <= time(step, "from") && time(step, "to") <= time(root, "to"),
            "{step} {root}"
        );
        assert_eq!(step["failed"], false, "{step}");
    }
    assert!(steps.windows(2).all(|two| time(two[0], "to") <= time(two[1], "from")), "{steps:#?}");

    let (root, steps) = of_entry(&all, &entry(&gate, "T2"));
    assert_eq!(names(&steps), ["read", "facts", "judge", "ledger"], "nothing went on");
    assert_eq!(root["attributes"]["orgate.decision"], "block");
    let rules = root["attributes"]["orgate.rules"].as_array().expect("a list");
    assert!(rules.contains(&"grant-missing".into()), "{rules:?}");
    let (_, steps) = of_entry(&all, &entry(&gate, "T4"));
    let sent = steps.last().expect("the last");
    assert_eq!(
        (&sent["failed"], &sent["attributes"]["orgate.outcome"]),
        (&true.into(), &"timeout".into())
    );
}

#[test]
fn a_request_that_is_part_of_a_trace_is_told_as_part_of_it_and_the_field_goes_on_as_it_came() {
    let (mut collector, address) = collector();
    let server = Server::storing();
    // Of its own accord this gate traces nothing.
    let hospital = Hospital::new().set(&telling(address, "sample_percent = 0")).fhir(
        "fhir",
        server.address,
        &[],
    );
    let gate = hospital.start();
    let mut client = HttpClient::connect(gate.address());
    for (id, parent) in
        [("A1", None), ("A2", Some(PARENT.replace("-01", "-00"))), ("A3", Some(PARENT.to_owned()))]
    {
        let parent = parent.map(|parent| format!("traceparent: {parent}"));
        let id = format!("X-Request-Id: {id}");
        let mut fields = vec!["Content-Type: application/fhir+json", &id];
        fields.extend(parent.as_deref());
        let body = clean(&id).to_string();
        let sent = request("POST", "/fhir/ServiceRequest", &fields, body.as_bytes());
        assert_eq!(client.ask(&sent).status(), 201);
    }
    let all = spans(&mut collector, 1);
    let (root, steps) = of_entry(&all, &entry(&gate, "A3"));
    assert_eq!(
        (&root["trace"], &root["parent"]),
        (&"4bf92f3577b34da6a3ce929d0e0e4736".into(), &"00f067aa0ba902b7".into())
    );
    assert_eq!(names(&steps), ["read", "facts", "judge", "ledger", "upstream"]);
    assert_eq!(steps[4]["attributes"]["http.response.status_code"], 201);
    assert_eq!(all.len(), 6, "and nothing of the others: {all:#?}");
    let came = server.writes();
    assert_eq!(came[2].field("traceparent"), Some(PARENT));
}

#[test]
fn a_collector_that_is_away_silent_or_refuses_delays_no_message_and_gets_the_rest_when_it_is_back()
{
    let (mut collector, address) = collector();
    let upstream = Upstream::that(|frame, _| vec![Act::Send(accepted(frame))]);
    let hospital = Hospital::new().set(&telling(address, "")).route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    let mut pass = |id: &str| assert_eq!(code(&client.ask(&Draft::clean(id).bytes())), "AA");
    let count = |name: &str| -> u64 {
        let (_, page) = gate.page("/metrics");
        let line =
            page.lines().find_map(|line| line.strip_prefix(&format!("{name} "))).map(str::to_owned);
        line.and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("{name} in {page}"))
    };
    answer(&mut collector, "503");
    pass("C1");
    gate.says("the collector takes no traces, messages are not delayed by it why=overloaded");
    pass("C2");
    answer(&mut collector, "200");
    let all = spans(&mut collector, 2);
    for id in ["C1", "C2"] {
        of_entry(&all, &entry(&gate, id));
    }
    gate.says("the collector takes traces again");
    eventually("both are counted", || (count("orgate_traces_exported_total") == 2).then_some(()));
    // What it never takes is not kept.
    answer(&mut collector, "400");
    pass("C3");
    eventually("it is counted", || (count("orgate_traces_dropped_total") == 1).then_some(()));
    answer(&mut collector, "silent");
    for nth in 0..50 {
        pass(&format!("S{nth}"));
    }
    assert_eq!(count("orgate_traces_exported_total"), 2);
    // Nor does the gate's end wait for it for long.
    gate.stop();
}
