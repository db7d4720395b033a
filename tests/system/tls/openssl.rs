//! OpenSSL's own client before a TLS port: versions, protocols, sessions that go on.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use crate::support::gate::{Gate, text};
use crate::support::message::Draft;
use crate::support::script::Script;
use crate::support::server::Server;
use crate::support::upstream::Upstream;
use crate::support::{eventually, foreign_program};
use crate::tls::{hospital, port, table};

fn s_client(to: &str, ca: &str, more: &[&str]) -> Command {
    let mut command = Command::new(foreign_program("ORGATE_TEST_OPENSSL"));
    command
        .args(["s_client", "-connect", &format!("127.0.0.1:{to}"), "-servername", "localhost"])
        .args(["-CAfile", ca, "-verify_return_error"])
        .args(more)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Shakes hands and goes.
fn greet(to: &str, ca: &str, more: &[&str]) -> Output {
    s_client(to, ca, more).stdin(Stdio::null()).output().expect("ORGATE_TEST_OPENSSL runs")
}

/// Sends a frame and waits for the frame that answers it.
fn ask(to: &str, ca: &str, more: &[&str], frame: &[u8]) -> String {
    let more = [&["-quiet", "-no_ign_eof"], more].concat();
    let mut command = s_client(to, ca, &more);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("ORGATE_TEST_OPENSSL runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(frame).expect("it reads");
    let mut came = Vec::new();
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut byte = [0];
    while !came.ends_with(&[0x1c, b'\r']) && stdout.read(&mut byte).expect("a pipe") > 0 {
        came.push(byte[0]);
    }
    drop(stdin);
    let _ = child.wait();
    text(&came)
}

fn gate(upstream: &Upstream) -> (crate::support::gate::Hospital, Gate, String) {
    let (hospital, _, [ca, cert, key]) = hospital();
    let tls = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.route("his", upstream.address, &[&tls]);
    let gate = hospital.start();
    (hospital, gate, ca)
}

#[test]
fn openssl_is_served_by_tls_1_2_and_1_3_and_not_below() {
    let upstream = Upstream::accepting();
    let (_hospital, gate, ca) = gate(&upstream);
    for (version, id) in [("-tls1_2", "V2"), ("-tls1_3", "V3")] {
        let answer = ask(&port(&gate), &ca, &[version], &Draft::clean(id).frame());
        assert!(answer.contains(&format!("MSA|AA|{id}")), "{version}: {answer}");
    }
    let refused = ask(&port(&gate), &ca, &["-tls1_3"], &Draft::refused("V4").frame());
    assert!(refused.contains("MSA|AE|V4"), "{refused}");
    for version in ["-tls1", "-tls1_1"] {
        // At this level OpenSSL itself would still speak it.
        let old = greet(&port(&gate), &ca, &[version, "-cipher", "DEFAULT@SECLEVEL=0"]);
        assert!(!old.status.success(), "{}", text(&old.stdout));
        let said = text(&old.stderr);
        assert!(said.contains("SSL alert number"), "{version}: {said}");
    }
    let too_old = || {
        let lines = gate.lines();
        (lines.iter().filter(|line| line.contains("why=version-too-old")).count() == 2)
            .then_some(())
    };
    eventually("both are told", too_old);
}

#[test]
fn a_session_goes_on_without_a_whole_handshake() {
    let upstream = Upstream::accepting();
    let (hospital, gate, ca) = gate(&upstream);
    let session = hospital.path("session.pem").display().to_string();
    for version in ["-tls1_2", "-tls1_3"] {
        let frame = Draft::clean("R1").frame();
        // A whole exchange: tickets of TLS 1.3 come after the handshake.
        let answer = ask(&port(&gate), &ca, &[version, "-sess_out", &session], &frame);
        assert!(answer.contains("MSA|AA|R1"), "{answer}");
        let again = greet(&port(&gate), &ca, &[version, "-sess_in", &session]);
        let said = text(&again.stdout);
        assert!(said.contains("Reused, "), "{version}: {said}");
    }
}

#[test]
fn http2_is_agreed_upon_where_it_is_spoken_and_a_strange_protocol_is_not() {
    let server = Server::storing();
    let (hospital, _, [ca, cert, key]) = hospital();
    let tls = table("fhir.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.fhir("fhir", server.address, &[&tls]);
    let gate = hospital.start();
    for (offered, agreed) in [("h2,http/1.1", "h2"), ("http/1.1", "http/1.1")] {
        let said = text(&greet(&port(&gate), &ca, &["-alpn", offered]).stdout);
        assert!(said.contains(&format!("ALPN protocol: {agreed}")), "{offered}: {said}");
    }
    let strange = greet(&port(&gate), &ca, &["-alpn", "imap"]);
    assert!(!strange.status.success(), "{}", text(&strange.stdout));
    gate.says("why=no-protocol-in-common");
}

#[test]
fn a_server_that_says_why_it_does_not_take_the_gate_is_quoted_in_the_log() {
    let (hospital, _, [ca, cert, key]) = hospital();
    let mut command = Command::new(foreign_program("ORGATE_TEST_OPENSSL"));
    command.args(["s_server", "-accept", "127.0.0.1:0", "-cert", &cert, "-key", &key]).args([
        "-CAfile",
        &ca,
        "-Verify",
        "1",
        "-verify_return_error",
    ]);
    let server = Script::start(&mut command);
    let address = server.says("ACCEPT ").parse().expect("an address");
    let outward = table("mllp.upstream_tls", &[("ca", &ca)]);
    let hospital = hospital.route("his", address, &[&outward]);
    let gate = hospital.start();
    let mut client = gate.connect();
    client.try_send(&Draft::clean("C1").frame());
    client.expect_closed();
    gate.says("why=upstream-refuses-our-certificate");
}
