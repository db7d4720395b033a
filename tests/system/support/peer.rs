//! Scripts of `tests/system/foreign/` that are asked line by line: a sender and a downstream system by python-hl7.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::support::reply::Reply;
use crate::support::{foreign_program, repository};

/// A script of `tests/system/foreign/` that runs; killed when dropped.
pub(crate) struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
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

    pub(crate) fn line(&mut self) -> String {
        self.lines.next().expect("the script goes on").expect("text")
    }

    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("the script reads");
    }

    /// Where it listens, by its first line.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let line = self.line();
        let port = line.strip_prefix("port ").and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("no port: {line}"));
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// The next message that came to it.
    pub(crate) fn received(&mut self) -> Vec<u8> {
        loop {
            let line = self.line();
            if let Some(message) = line.strip_prefix("message ") {
                return unhex(message);
            }
        }
    }

    /// Sends a message on a connection that ends without an answer; whether it did.
    pub(crate) fn ask_in_vain(&mut self, payload: &[u8]) -> bool {
        self.tell(&hex(payload));
        ["closed", "cut off"].contains(&self.line().as_str())
    }

    /// Sends a message and gives what came back, with its frame.
    pub(crate) fn ask(&mut self, payload: &[u8]) -> Vec<u8> {
        self.tell(&hex(payload));
        unhex(&self.line())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
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
pub(crate) fn reply(frame: &[u8]) -> Reply {
    assert!(frame.starts_with(&[0x0b]) && frame.ends_with(&[0x1c, b'\r']), "one frame");
    let payload = &frame[1..frame.len() - 2];
    Reply::read(&[payload.strip_suffix(b"\r").unwrap_or(payload), b"\r"].concat())
}
