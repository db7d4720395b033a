//! A client and a server that others wrote (python-hl7), on both sides of the gate.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::gate::{Gate, Hospital, text};
use crate::support::message::{Draft, admission};
use crate::support::reply::Reply;
use crate::support::{foreign_program, repository};

/// A script of `tests/system/foreign/` that runs; killed when dropped.
struct Script {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Script {
    fn start(name: &str, arguments: &[String]) -> Self {
        let mut child = Command::new(foreign_program("ORGATE_TEST_PYTHON"))
            .arg(repository("tests/system/foreign").join(name))
            .args(arguments)
            .env("PYTHONIOENCODING", "utf-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ORGATE_TEST_PYTHON runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { stdin: child.stdin.take(), child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().expect("the script goes on").expect("text")
    }

    fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("the script reads");
    }

    /// Sends a message and gives what came back, with its frame.
    fn ask(&mut self, payload: &[u8]) -> Vec<u8> {
        self.tell(&hex(payload));
        unhex(&self.line())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |two: &[u8]| {
        let two = std::str::from_utf8(two).expect("ASCII");
        u8::from_str_radix(two, 16).unwrap_or_else(|_| panic!("no hex: {text}"))
    };
    digits.map(byte).collect()
}

/// python-hl7 leaves out the last CR.
fn reply(frame: &[u8]) -> Reply {
    assert!(frame.starts_with(&[0x0b]) && frame.ends_with(&[0x1c, b'\r']), "one frame");
    let payload = &frame[1..frame.len() - 2];
    Reply::read(&[payload.strip_suffix(b"\r").unwrap_or(payload), b"\r"].concat())
}

fn downstream() -> (Script, SocketAddr) {
    let mut server = Script::start("server.py", &[]);
    let line = server.line();
    let port = line.strip_prefix("port ").and_then(|port| port.parse().ok());
    let port: u16 = port.unwrap_or_else(|| panic!("no port: {line}"));
    (server, SocketAddr::from(([127, 0, 0, 1], port)))
}

fn received(server: &mut Script) -> Vec<u8> {
    loop {
        let line = server.line();
        if let Some(message) = line.strip_prefix("message ") {
            return unhex(message);
        }
    }
}

#[test]
fn a_foreign_client_and_a_foreign_server_work_through_the_gate() {
    let (mut server, address) = downstream();
    let hospital = Hospital::new().route("his", address, &[]);
    let mut gate = hospital.start();
    let port = |gate: &Gate| gate.address().port().to_string();
    let mut client = Script::start("client.py", &[port(&gate)]);

    for payload in [Draft::clean("Y1").bytes(), admission("Y2")] {
        let answer = reply(&client.ask(&payload));
        assert_eq!(answer.code(), "AA");
        assert_eq!(received(&mut server), payload);
    }
    let refused = reply(&client.ask(&Draft::refused("Y3").bytes()));
    assert_eq!([refused.code(), refused.field("MSA", 2)], ["AE", "Y3"]);
    assert!(refused.field("ERR", 8).contains("手术权限"));

    // On the same connection it goes on after the refusal, and on a new one too.
    assert_eq!(reply(&client.ask(&Draft::clean("Y4").bytes())).code(), "AA");
    assert_eq!(received(&mut server), Draft::clean("Y4").bytes());
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
    assert_eq!(received(&mut server), Draft::clean("Y6").bytes());
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
    let came = received(&mut server);
    let sent = Draft::clean("Z1").bytes();
    assert_eq!(came.strip_suffix(b"\r").unwrap_or(&came), &sent[..sent.len() - 1]);
}
