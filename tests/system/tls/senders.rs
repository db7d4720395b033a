//! Senders: a foreign client by TLS, certificates of clients, plain bytes and silence on a TLS port.

use std::io::Write;
use std::net::TcpStream;

use crate::support::certificates::{Authority, self_signed};
use crate::support::client::Client;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::decisions;
use crate::support::message::Draft;
use crate::support::peer::{Peer, reply};
use crate::support::upstream::Upstream;
use crate::tls::{hospital, port, table};

#[test]
fn a_foreign_client_sends_by_tls_and_is_answered_on_the_same_connection() {
    let upstream = Upstream::accepting();
    let (hospital, _, [ca, cert, key]) = hospital();
    let tls = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.route("his", upstream.address, &[&tls]);
    let mut gate = hospital.start();
    let mut client = Peer::start("client.py", &[&port(&gate), &ca]);
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("S1").bytes())).code(), "AA");
    let refused = reply(&client.ask(&Draft::refused("S2").bytes()));
    assert_eq!([refused.code(), refused.field("MSA", 2)], ["AE", "S2"]);
    assert_eq!(reply(&client.ask(&Draft::clean("S3").bytes())).code(), "AA");
    upstream.wait_for_bytes(&[Draft::clean("S1").frame(), Draft::clean("S3").frame()].concat());

    // The client says farewell first, and hears the gate's.
    client.tell("end");
    assert_eq!(client.line(), "ended");
    // The gate says farewell when it stops: an end without one would be told as cut off.
    client.tell(&format!("reconnect {}", port(&gate)));
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("S4").bytes())).code(), "AA");
    gate.stop();
    client.tell("00");
    assert_eq!(client.line(), "closed");
}

/// A gate that lets in only whom the hospital signed.
fn mutual(upstream: &Upstream) -> (Hospital, Gate, Authority, String) {
    let (hospital, authority, [ca, cert, key]) = hospital();
    let keys = [("cert", cert.as_str()), ("key", &key), ("client_ca", &ca)];
    let hospital = hospital.route("his", upstream.address, &[&table("mllp.tls", &keys)]);
    let gate = hospital.start();
    (hospital, gate, authority, ca)
}

#[test]
fn only_clients_with_a_good_certificate_get_in_where_one_is_asked_for() {
    let upstream = Upstream::accepting();
    let (hospital, gate, authority, ca) = mutual(&upstream);
    let stranger = Authority::new("somebody else's CA").issue("stranger");
    let names = ["localhost"];
    let strangers = [
        ("none", None, "no-certificate"),
        ("stranger", Some(stranger), "certificate-unknown-issuer"),
        ("own", Some(self_signed("own")), "certificate-unknown-issuer"),
        ("old", Some(authority.issue_for("old", &names, (-30, -1))), "certificate-expired"),
        ("new", Some(authority.issue_for("new", &names, (2, 9))), "certificate-not-valid-yet"),
    ];
    for (name, pair, why) in strangers {
        let files = pair.map(|pair| hospital.pair(name, &pair));
        let mut arguments = vec![port(&gate), ca.clone()];
        arguments.extend(files.into_iter().flatten());
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let mut client = Peer::start("client.py", &arguments);
        // By TLS 1.3 a client believes to be connected until it hears that it is not.
        if client.line() == "connected" {
            assert!(client.ask_in_vain(&Draft::clean("M1").bytes()), "{name} was answered");
        }
        gate.says(&format!("why={why}"));
    }
    assert_eq!(upstream.connections(), 0, "nobody was connected on");
    assert!(decisions(gate.data()).is_empty(), "nothing was judged");

    let [cert, key] = hospital.pair("his", &authority.issue("HIS"));
    let mut client = Peer::start("client.py", &[&port(&gate), &ca, &cert, &key]);
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("M2").bytes())).code(), "AA");
}

#[test]
fn plain_bytes_on_a_tls_port_reach_nobody_and_the_log_says_what_to_do() {
    let upstream = Upstream::accepting();
    let (_hospital, gate, ..) = mutual(&upstream);
    let mut client = Client::connect(gate.address());
    client.send(&Draft::clean("P1").frame());
    client.expect_closed();
    gate.says("plain bytes on a TLS port");
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn those_who_connect_and_say_nothing_keep_nobody_out() {
    let upstream = Upstream::accepting();
    let (hospital, _, [ca, cert, key]) = hospital();
    let tls = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.route("his", upstream.address, &[&tls]);
    let gate = hospital.start();
    // More than there are handshakes at a time; some have begun one and do not go on.
    let silent: Vec<TcpStream> =
        (0..150).map(|_| TcpStream::connect(gate.address()).expect("the gate accepts")).collect();
    for mut half in silent.iter().take(20) {
        half.write_all(&[0x16, 0x03]).expect("it takes bytes");
    }
    let mut client = Peer::start("client.py", &[&port(&gate), &ca]);
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("Q1").bytes())).code(), "AA");
    // Those who were silent for too long are sent away.
    gate.says("why=timeout");
    assert_eq!(upstream.connections(), 1);
    drop(silent);
}

#[test]
fn tls_on_a_plain_port_ends_and_the_log_says_what_to_do() {
    let upstream = Upstream::accepting();
    let (hospital, _, [ca, ..]) = hospital();
    let hospital = hospital.route("his", upstream.address, &[]);
    let gate = hospital.start();
    let mut client = Peer::start("client.py", &[&port(&gate), &ca]);
    assert_eq!(client.line(), "refused");
    gate.says("TLS on a plain port");
    assert!(upstream.bytes().is_empty(), "nothing of it went on");
    gate.still_serves("T1");
}
