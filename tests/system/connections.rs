//! How connections begin and end: limits, idleness, ends of streams, an upstream that is down, draining.

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::{decisions, entries};
use crate::support::message::{Draft, acknowledgement, admission, framed};
use crate::support::reply::code;
use crate::support::upstream::{Act, Upstream, accepted, nobody};

#[test]
fn with_the_upstream_down_the_connection_ends_without_an_answer() {
    let hospital = Hospital::new().route("his", nobody(), &[]);
    let gate = hospital.start();
    for _ in 0..3 {
        let mut client = gate.connect();
        client.try_send(&Draft::clean("D1").frame());
        client.expect_closed();
    }
    assert!(decisions(gate.data()).is_empty(), "nothing was judged");
    gate.says("upstream cannot be reached");
}

#[test]
fn an_upstream_that_closes_ends_the_senders_connection() {
    let upstream = Upstream::that(|_, _| vec![Act::Close]);
    let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    client.send(&Draft::clean("U1").frame());
    client.expect_closed();
    upstream.now(|frame, _| vec![Act::Send(accepted(frame))]);
    gate.still_serves("U2");
}

#[test]
fn what_an_upstream_says_before_it_ends_still_arrives() {
    let upstream = Upstream::that(|frame, _| vec![Act::Send(accepted(frame)), Act::Finish]);
    let (_hospital, gate, _upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    let frame = Draft::clean("E1").frame();
    client.send(&frame);
    assert_eq!(client.frame(), accepted(&frame));
    client.expect_closed();
}

#[test]
fn a_sender_that_has_said_all_still_gets_its_answers() {
    let upstream = Upstream::that(|frame, _| {
        vec![Act::Pause(Duration::from_millis(100)), Act::Send(accepted(frame))]
    });
    let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    let frames = [Draft::clean("F1").frame(), framed(&admission("F2"))];
    client.send(&[frames.concat(), Draft::refused("F3").frame()].concat());
    client.finish();
    upstream.wait_until_finished(0);
    assert_eq!(client.frame(), accepted(&frames[0]));
    assert_eq!(client.frame(), accepted(&frames[1]));
    assert_eq!(code(&client.answer()), "AE");
    client.expect_closed();
    assert_eq!(upstream.bytes(), frames.concat());
}

#[test]
fn a_connection_beyond_the_limit_is_closed_and_there_is_room_again_when_one_ends() {
    let (_hospital, gate, _upstream) = Gate::simple(&["max_connections = 2"]);
    let mut open = [gate.connect(), gate.connect()];
    for (n, client) in open.iter_mut().enumerate() {
        assert_eq!(code(&client.ask(&Draft::clean(format!("M{n}")).bytes())), "AA");
    }
    gate.connect().expect_closed();
    gate.says("max_connections reached");
    drop(open);
    eventually("room for another connection", || {
        let mut client = gate.connect();
        client.try_send(&Draft::clean("M9").frame());
        client.next_frame()
    });
}

#[test]
fn a_connection_on_which_nothing_moves_is_closed() {
    let (_hospital, gate, upstream) = Gate::simple(&["idle_timeout_s = 1"]);
    let mut client = gate.connect();
    assert_eq!(code(&client.ask(&Draft::clean("I1").bytes())), "AA");
    client.expect_closed();
    upstream.wait_until_finished(0);
}

#[test]
fn a_gate_that_is_told_to_stop_finishes_what_is_in_flight() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let upstream = Upstream::that(move |frame, _| {
        let _ = wait.recv_timeout(Duration::from_secs(30));
        vec![Act::Send(accepted(frame))]
    });
    let hospital = Hospital::new().route("his", upstream.address, &["upstream_timeout_ms = 60000"]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    let mut idle = gate.connect();
    let frame = Draft::clean("D1").frame();
    client.send(&frame);
    upstream.wait_for_frames(1);
    gate.terminate();
    gate.says("draining");
    idle.expect_closed();
    // What comes now is neither forwarded nor answered, and must not cost the answer that is due.
    client.send(&Draft::clean("D2").frame());
    eventually("new connections are refused", || TcpStream::connect(gate.address()).err());
    release.send(()).expect("the upstream waits");
    assert_eq!(client.frame(), accepted(&frame));
    client.expect_closed();
    assert_eq!(gate.wait(), Some(0), "{}", gate.log());
    assert_eq!(upstream.bytes(), frame);
    let kinds: Vec<_> = entries(&hospital.data()).iter().map(|e| e["kind"].clone()).collect();
    assert_eq!(kinds.last().expect("entries"), "delivery", "how it was answered is on file");
    gate.says("stopped");
}

#[test]
fn a_stopping_gate_brings_back_answers_that_were_not_promised_too() {
    let (release, wait) = std::sync::mpsc::channel::<()>();
    let upstream = Upstream::that(move |frame, _| {
        let _ = wait.recv_timeout(Duration::from_secs(30));
        vec![Act::Send(accepted(frame))]
    });
    let hospital = Hospital::new().route("his", upstream.address, &["upstream_timeout_ms = 60000"]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    let draft = Draft { accept: "NE", application: "AL", ..Draft::clean("N1") };
    client.send(&draft.frame());
    upstream.wait_for_frames(1);
    gate.terminate();
    gate.says("draining");
    release.send(()).expect("the upstream waits");
    assert_eq!(client.frame(), accepted(&draft.frame()));
    client.expect_closed();
    assert_eq!(gate.wait(), Some(0), "{}", gate.log());
}

#[test]
fn a_gate_stops_at_once_when_nothing_is_in_flight_and_starts_again_where_it_was() {
    let (hospital, mut gate, upstream) = Gate::simple(&[]);
    gate.still_serves("R1");
    gate.stop();
    let again = hospital.start();
    again.still_serves("R2");
    assert_eq!(upstream.frames().len(), 2);
    assert_eq!(decisions(&hospital.data()).len(), 2);
}

#[test]
fn health_says_whether_the_gate_is_ready_and_metrics_count() {
    let (_hospital, gate, _upstream) = Gate::simple(&[]);
    gate.still_serves("H1");
    let (status, body) = gate.page("/readyz");
    assert!(status.contains("200"), "{status} {body}");
    assert!(body.contains("route his") && body.contains("register: ready"), "{body}");
    assert!(gate.page("/livez").0.contains("200"));
    let (status, metrics) = gate.page("/metrics");
    assert!(status.contains("200"));
    let counted = |line: &str| line.starts_with("orgate_messages_total") && line.ends_with(" 1");
    assert!(metrics.lines().any(counted), "{metrics}");
    assert!(gate.page("/nothing").0.contains("404"));
}

#[test]
fn an_observing_connection_that_is_relayed_outlives_the_time_for_answers() {
    let mut count = 0;
    let upstream = Upstream::that(move |frame, _| {
        count += 1;
        match count {
            // The first answer comes after the second message has made the connection a relay.
            1 => Vec::new(),
            2 => vec![Act::Send(acknowledgement("AA", b"Q1")), Act::Send(accepted(frame))],
            _ => vec![Act::Send(accepted(frame))],
        }
    });
    let settings = ["stance = \"observe\"", "max_frame_kib = 64", "upstream_timeout_ms = 2000"];
    let (_hospital, gate, _upstream) = Gate::before(upstream, &settings);
    let mut client = gate.connect();
    let long = Draft::clean("Q2").line(&format!("NTE|1||{}", "x".repeat(70_000))).frame();
    client.send(&[Draft::clean("Q1").frame(), long.clone()].concat());
    client.expect(&acknowledgement("AA", b"Q1"));
    client.expect(&accepted(&long));
    std::thread::sleep(Duration::from_millis(2500));
    let frame = Draft::clean("Q3").frame();
    client.send(&frame);
    client.expect(&accepted(&frame));
}

#[test]
fn a_sender_that_vanishes_frees_its_line() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    for n in 0..3 {
        let mut client = Client::connect(gate.address());
        client.send(&Draft::clean(format!("V{n}")).frame());
        drop(client);
        eventually("a connection", || (upstream.connections() > n).then_some(()));
        upstream.wait_until_finished(n);
    }
    let mut silent = TcpStream::connect(gate.address()).expect("the gate accepts");
    silent.set_read_timeout(Some(Duration::from_millis(50))).expect("a socket");
    assert!(silent.read(&mut [0; 1]).is_err(), "a silent sender is left alone");
}
