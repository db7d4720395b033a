//! How a sender speaks: a message as bytes, one connection, and what an answer says.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::support::http::{Message, Reader, request};
use crate::support::message::{Draft, admission, framed};
use crate::support::read_some;
use crate::support::reply::Reply;
use crate::support::resource;

/// How long a HIS waits for an answer before it gives up the connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent, in turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Clean,
    Refused,
    Emergency,
    /// Nothing surgical: none of the gate's business.
    Short,
    /// Beside the load, by a test that knows what to expect.
    Probe,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Clean, Self::Refused, Self::Emergency, Self::Short];

    /// How ids of such messages begin.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Refused => "refused",
            Self::Emergency => "emergency",
            Self::Short => "short",
            Self::Probe => "probe",
        }
    }
}

/// What an answer says to its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Accepted,
    /// For good.
    Refused,
    /// Refused, to be sent again.
    Again,
    /// The downstream system did not answer; it may have heard.
    Unanswered,
    /// It is no answer to this message, or nobody can read it.
    Foreign,
}

/// The protocol of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Mllp,
    Fhir,
}

impl Wire {
    /// What must arrive downstream as it is: a frame, or the body of a request.
    pub(super) fn message(self, kind: Kind, id: &str) -> Vec<u8> {
        match self {
            Self::Mllp => match kind {
                Kind::Clean | Kind::Probe => Draft::clean(id).frame(),
                Kind::Refused => Draft::refused(id).frame(),
                Kind::Emergency => Draft::emergency(id).frame(),
                Kind::Short => framed(&admission(id)),
            },
            Self::Fhir => match kind {
                Kind::Clean | Kind::Probe => resource::clean(id),
                Kind::Refused => resource::refused(id),
                Kind::Emergency => resource::emergency(id),
                Kind::Short => resource::laboratory(id),
            }
            .to_string()
            .into_bytes(),
        }
    }
}

/// One connection of a sender.
pub(super) struct Line {
    wire: Wire,
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Line {
    /// `None` when nobody accepts.
    pub(super) fn open(wire: Wire, to: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&to, PATIENCE).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        Some(Self { wire, stream, unread: Vec::new() })
    }

    /// Sends a message and reads its answer: what it says, and what only who gave it can have written. `None` when the
    /// connection ends first, or the sender loses its patience.
    pub(super) fn ask(&mut self, id: &str, message: &[u8]) -> Option<(Said, Vec<u8>)> {
        match self.wire {
            Wire::Mllp => {
                self.stream.write_all(message).ok()?;
                let frame = self.frame()?;
                Some((said(id, &frame), frame))
            }
            Wire::Fhir => {
                let json = "Content-Type: application/fhir+json";
                let own = format!("X-Request-Id: {id}");
                let request = request("POST", "/fhir/ServiceRequest", &[json, &own], message);
                self.stream.write_all(&request).ok()?;
                let mut reader = Reader::new(self.stream.try_clone().ok()?);
                let head = reader.head()?;
                let body = reader.body(&head, false, true)?;
                let answer = Message { head, body };
                let mark = answer.field("etag").unwrap_or_default().as_bytes().to_vec();
                Some((status_says(answer.status()), mark))
            }
        }
    }

    fn frame(&mut self) -> Option<Vec<u8>> {
        let mut chunk = [0; 8192];
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == [0x1c, b'\r']) {
                return Some(self.unread.drain(..end + 2).collect());
            }
            match read_some(&mut self.stream, &mut chunk) {
                Ok(count @ 1..) => self.unread.extend_from_slice(&chunk[..count]),
                Ok(0) | Err(_) => return None,
            }
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn status_says(status: u16) -> Said {
    match status {
        201 => Said::Accepted,
        422 => Said::Refused,
        503 => Said::Again,
        502 | 504 => Said::Unanswered,
        _ => Said::Foreign,
    }
}

fn said(id: &str, frame: &[u8]) -> Said {
    let payload = frame.strip_prefix(&[0x0b]).and_then(|rest| rest.strip_suffix(&[0x1c, b'\r']));
    let Some(payload) = payload.filter(|bytes| bytes.starts_with(b"MSH") && bytes.ends_with(b"\r"))
    else {
        return Said::Foreign;
    };
    let reply = Reply::read(payload);
    if reply.named("MSA").is_empty() || reply.field("MSA", 2) != id {
        return Said::Foreign;
    }
    match reply.code().as_str() {
        "AA" => Said::Accepted,
        "AE" => Said::Refused,
        "AR" => Said::Again,
        _ => Said::Foreign,
    }
}
