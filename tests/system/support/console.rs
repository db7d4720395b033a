//! Requests to the console port over a raw socket, and their answers; accounts of its people.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;

use serde_json::Value;

use crate::support::PATIENCE;
use crate::support::gate::{Hospital, text};

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

/// Sends a request on a connection of its own.
pub(crate) fn ask(
    console: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut stream = TcpStream::connect(console).expect("the console accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {console}\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("the console reads");
    // It may answer before it has read all, and close.
    let _ = stream.write_all(body);
    let mut came = Vec::new();
    let _ = stream.read_to_end(&mut came);
    let end = came.windows(4).position(|four| four == b"\r\n\r\n").expect("an HTTP response");
    let head = String::from_utf8_lossy(&came[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status: status.expect("a status"), head, body: came[end + 4..].to_vec() }
}

/// Posts JSON.
pub(crate) fn post(console: SocketAddr, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    ask(console, "POST", path, &[("Content-Type", "application/json")], body.as_bytes())
}

impl Answer {
    /// A header, by its lower-case name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        let mut found = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&self.body)))
    }
}

impl Hospital {
    /// Makes an account of the console by the command, with a password its owner must change.
    pub(crate) fn account(&self, name: &str, password: &str, more: &[&str]) {
        let mut arguments = vec!["account", "add", name, "--stdin"];
        arguments.extend(more);
        let mut command = self.command(&arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(password.as_bytes()).expect("it reads");
        drop(stdin);
        let out = child.wait_with_output().expect("it ends");
        assert!(out.status.success(), "{}", text(&out.stderr));
    }
}
