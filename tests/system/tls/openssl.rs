//! OpenSSL's own client before a TLS port: versions, protocols, sessions that go on.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use crate::support::foreign_program;
use crate::support::gate::{Gate, text};
use crate::support::message::Draft;
use crate::support::server::Server;
use crate::support::upstream::Upstream;
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
        assert!(said.contains("alert protocol version"), "{version}: {said}");
    }
    gate.says("why=version-too-old");
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
