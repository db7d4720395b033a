//! FHIR when something is down: the server, the ledger, the client.

use std::io::Write;
use std::process::Command;
use std::sync::mpsc;

use crate::fhir_judged::{before, deliveries};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::http::{Client, Message, request};
use crate::support::ledger::{decision, decisions, files};
use crate::support::resource::{bundle, clean, emergency, refused};
use crate::support::server::{Server, stored};
use crate::support::upstream::nobody;

const ORDERS: &str = "/fhir/ServiceRequest";

#[test]
fn a_server_that_cannot_be_reached_is_told_as_502_and_recorded() {
    let hospital = Hospital::new().fhir("fhir", nobody(), &[]);
    let gate = hospital.start();
    let mut client = Client::connect(gate.address());
    for answer in
        [client.get("/fhir/metadata"), client.write("POST", ORDERS, &clean("D1").to_string())]
    {
        assert_eq!(answer.status(), 502, "{answer:?}");
        assert_eq!(answer.json()["issue"][0]["code"], "transient");
    }
    let refusal = client.write("POST", ORDERS, &refused("D2").to_string());
    assert_eq!(refusal.status(), 422, "a refusal needs no server");
    assert_eq!(deliveries(&gate, 1)[0]["body"]["outcome"], "unreachable");
    gate.says("FHIR server cannot be reached");
}

#[test]
fn a_server_that_is_silent_is_told_as_504_and_recorded() {
    let server = Server::doing(Box::new(|_, _| {}));
    let (_hospital, gate, _server, mut client) = before(server, &["upstream_timeout_ms = 300"]);
    let answer = client.write("POST", ORDERS, &clean("D3").to_string());
    assert_eq!(answer.status(), 504, "{answer:?}");
    assert_eq!(deliveries(&gate, 1)[0]["body"]["outcome"], "timeout");
    assert_eq!(client.get("/fhir/Patient/1").status(), 504);
}

#[test]
fn a_server_that_breaks_off_is_told_as_502() {
    let server = Server::doing(Box::new(|_, stream| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }));
    let (_hospital, _gate, server, mut client) = before(server, &[]);
    let answer = client.write("POST", ORDERS, &clean("D4").to_string());
    assert_eq!(answer.status(), 502, "{answer:?}");
    assert_eq!(server.requests().len(), 1, "what may have been done is not sent twice");
}

#[test]
fn a_client_that_goes_away_does_not_keep_its_order_from_being_recorded() {
    let (go, wait) = mpsc::channel::<()>();
    let server = Server::doing(Box::new(move |request: &Message, stream| {
        let _ = wait.recv();
        let _ = stream.write_all(&stored(request));
    }));
    let (_hospital, mut gate, server, mut client) = before(server, &[]);
    let body = clean("D5").to_string();
    let fields = ["Content-Type: application/fhir+json"];
    client.send(&request("POST", ORDERS, &fields, body.as_bytes()));
    server.wait_for(1);
    client.close();
    drop(client);
    gate.terminate();
    gate.says("draining");
    go.send(()).expect("the stand-in waits");
    assert_eq!(gate.wait(), Some(0), "{}", gate.log());
    let delivery = deliveries(&gate, 1).remove(0);
    assert_eq!(delivery["body"]["answer_code"], "201");
}

#[test]
fn requests_in_hand_are_answered_when_the_gate_stops() {
    let (go, wait) = mpsc::channel::<()>();
    let server = Server::doing(Box::new(move |request: &Message, stream| {
        let _ = wait.recv();
        let _ = stream.write_all(&stored(request));
    }));
    let (_hospital, mut gate, server, mut client) = before(server, &[]);
    let _idle = Client::connect(gate.address());
    let fields = ["Content-Type: application/fhir+json"];
    client.send(&request("POST", ORDERS, &fields, clean("D6").to_string().as_bytes()));
    server.wait_for(1);
    gate.terminate();
    gate.says("draining");
    go.send(()).expect("the stand-in waits");
    assert_eq!(client.response().status(), 201);
    assert_eq!(gate.wait(), Some(0), "{}", gate.log());
}

/// Lets the gate's files grow no further than the ledger is now.
fn fill_the_disk(gate: &Gate) {
    let size = std::fs::metadata(&files(gate.data())[0]).expect("a ledger file").len();
    let done = Command::new("prlimit")
        .args(["--pid", &gate.pid(), &format!("--fsize={size}:unlimited")])
        .output()
        .expect("prlimit (util-linux) runs");
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn without_a_ledger_elective_orders_are_refused_to_be_sent_again_and_emergencies_pass() {
    let server = Server::storing();
    let hospital = Hospital::new().fhir("fhir", server.address, &[]);
    let gate = hospital.start_by(&mut hospital.command_under("trap '' XFSZ"));
    let mut client = Client::connect(gate.address());
    assert_eq!(client.write("POST", ORDERS, &clean("D7").to_string()).status(), 201);
    deliveries(&gate, 1);
    fill_the_disk(&gate);
    let answer = client.write("POST", ORDERS, &clean("D8").to_string());
    assert_eq!(answer.status(), 503, "{answer:?}");
    assert!(answer.field("retry-after").is_some());
    let issue = &answer.json()["issue"][0];
    assert_eq!(issue["code"], "transient");
    assert_eq!(issue["details"]["coding"][0]["code"], "ledger-unavailable");
    let answer = client.write("POST", ORDERS, &emergency("D9").to_string());
    assert_eq!(answer.status(), 201);
    // The entry that will tell of it, once there is a ledger again.
    let entry = answer.field("orgate-entry").expect("an entry").to_owned();
    assert_eq!(client.get("/fhir/Patient/1").status(), 404, "readings need no ledger");
    assert_eq!(server.writes().len(), 2);
    gate.says("moved unrecorded");
    let log = gate.log();
    let told = log.lines().find(|line| line.contains("moved unrecorded"));
    assert!(told.is_some_and(|line| line.contains(&entry)), "{entry}: {log}");
    let all = decisions(gate.data());
    assert_eq!(all.iter().map(decision).collect::<Vec<_>>(), ["forward"]);
}

#[test]
fn connections_beyond_the_limit_are_closed_and_idle_ones_end() {
    let settings = ["max_connections = 2", "idle_timeout_s = 1"];
    let (_hospital, gate, _server, mut first) = before(Server::storing(), &settings);
    let mut second = Client::connect(gate.address());
    assert_eq!(second.get("/fhir/Patient/1").status(), 404);
    let mut third = Client::connect(gate.address());
    assert!(third.reader.head().is_none(), "closed at once");
    assert!(first.reader.head().is_none(), "closed when it was idle");
    let again = eventually("room for another", || {
        let mut client = Client::connect(gate.address());
        client.try_get("/fhir/Patient/1")
    });
    assert_eq!(again.status(), 404);
}

#[test]
fn an_answer_that_breaks_off_is_not_passed_on_as_if_it_were_whole() {
    let server = Server::doing(Box::new(|_, stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n");
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }));
    let (_hospital, gate, _server, mut client) = before(server, &[]);
    let body = bundle("transaction", &[("POST", "ServiceRequest", clean("D10"))]).to_string();
    let fields = ["Content-Type: application/fhir+json"];
    for ask in [
        request("POST", "/fhir", &fields, body.as_bytes()),
        b"GET /fhir/Patient/1 HTTP/1.1\r\nHost: gate\r\n\r\n".to_vec(),
    ] {
        client.send(&ask);
        while client.reader.head().is_some() {
            while let Some(chunk) = client.reader.chunk() {
                assert!(!chunk.is_empty(), "the end of a body that has none");
            }
        }
        client = Client::connect(gate.address());
    }
    assert_eq!(deliveries(&gate, 1)[0]["body"]["answer_code"], "200");
}
