//! A client and a server that others wrote (python-hl7), on both sides of the gate.

use std::net::SocketAddr;
use std::process::Command;

use crate::support::foreign_program;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::message::{Draft, admission};
use crate::support::peer::{Peer, hex, reply};

fn downstream() -> (Peer, SocketAddr) {
    let mut server = Peer::start("server.py", &[]);
    let address = server.address();
    (server, address)
}

#[test]
fn a_foreign_client_and_a_foreign_server_work_through_the_gate() {
    let (mut server, address) = downstream();
    let hospital = Hospital::new().route("his", address, &[]);
    let mut gate = hospital.start();
    let port = |gate: &Gate| gate.address().port().to_string();
    let mut client = Peer::start("client.py", &[&port(&gate)]);

    for payload in [Draft::clean("Y1").bytes(), admission("Y2")] {
        let answer = reply(&client.ask(&payload));
        assert_eq!(answer.code(), "AA");
        assert_eq!(server.received(), payload);
    }
    let refused = reply(&client.ask(&Draft::refused("Y3").bytes()));
    assert_eq!([refused.code(), refused.field("MSA", 2)], ["AE", "Y3"]);
    assert!(refused.field("ERR", 8).contains("手术权限"));

    // On the same connection it goes on after the refusal, and on a new one too.
    assert_eq!(reply(&client.ask(&Draft::clean("Y4").bytes())).code(), "AA");
    assert_eq!(server.received(), Draft::clean("Y4").bytes());
    client.tell(&format!("reconnect {}", port(&gate)));
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::refused("Y3").bytes())).payload, refused.payload);

    gate.stop();
    client.tell(&hex(&Draft::clean("Y5").bytes()));
    assert_eq!(client.line(), "closed");
    let gate = hospital.start();
    client.tell(&format!("reconnect {}", port(&gate)));
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("Y6").bytes())).code(), "AA");
    assert_eq!(server.received(), Draft::clean("Y6").bytes());
}

#[test]
fn a_foreign_command_sends_a_file_through_the_gate() {
    let (mut server, address) = downstream();
    let hospital = Hospital::new().route("his", address, &[]);
    let gate = hospital.start();
    let file = hospital
        .file("two.hl7", [Draft::clean("Z1").bytes(), Draft::refused("Z2").bytes()].concat());
    let out = Command::new(foreign_program("ORGATE_TEST_MLLP_SEND"))
        .args([
            "--loose",
            "--file",
            &file,
            "--port",
            &gate.address().port().to_string(),
            "127.0.0.1",
        ])
        .output()
        .expect("ORGATE_TEST_MLLP_SEND runs");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let said = text(&out.stdout);
    assert!(said.contains("MSA|AA|Z1") && said.contains("MSA|AE|Z2"), "{said}");
    let came = server.received();
    let sent = Draft::clean("Z1").bytes();
    assert_eq!(came.strip_suffix(b"\r").unwrap_or(&came), &sent[..sent.len() - 1]);
}
