//! Messages, the client that sends them, and the stand-in for the downstream system that acknowledges them.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each bench is a program of its own and sends what it measures"
)]

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use jiff::SignedDuration;
use orgate::clock::{Clock, monotonic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::measured::{Round, SURGEONS};
use crate::ways;

/// Payload bytes of a message.
const MESSAGE_BYTES: usize = 1024;
/// Digits of the control id, which is all that differs between messages.
const DIGITS: usize = 10;

/// A message with a hole of [`DIGITS`] for its control id.
pub(crate) struct Template {
    frame: Vec<u8>,
    holes: Vec<usize>,
    surgeon: Option<usize>,
}

impl Template {
    /// `@` marks the holes, `D00` the surgeon; padded to [`MESSAGE_BYTES`] with remarks.
    pub(crate) fn new(text: &str) -> Self {
        let mut text = text.replace('\n', "\r").replace('@', &"0".repeat(DIGITS));
        let pad = MESSAGE_BYTES - text.len() - "NTE|1||\r".len();
        text.push_str(&format!("NTE|1||{}\r", "remark ".repeat(200).get(..pad).unwrap()));
        let frame = orgate::hl7::frame::wrap(text.as_bytes());
        let hole = "0".repeat(DIGITS).into_bytes();
        let holes = (0..frame.len()).filter(|at| frame[*at..].starts_with(&hole)).collect();
        let surgeon =
            (0..frame.len()).find(|at| frame[*at..].starts_with(b"D00^")).map(|at| at + 1);
        Self { frame, holes, surgeon }
    }

    /// Writes the next message's own parts; gives its control id.
    pub(crate) fn fill(&self, frame: &mut [u8], number: usize) -> [u8; DIGITS] {
        let mut id = [b'0'; DIGITS];
        let mut rest = number + 1;
        for digit in id.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap();
            rest /= 10;
        }
        for hole in &self.holes {
            frame[*hole..hole + DIGITS].copy_from_slice(&id);
        }
        if let Some(at) = self.surgeon {
            let number = number % SURGEONS;
            frame[at] = b'0' + u8::try_from(number / 10).unwrap();
            frame[at + 1] = b'0' + u8::try_from(number % 10).unwrap();
        }
        id
    }
}

/// A surgical order of three days from now, by one of the surgeons granted grade 2.
pub(crate) fn order() -> Template {
    let start = Clock::System.now() + SignedDuration::from_hours(72);
    let start = jiff::tz::TimeZone::UTC.to_datetime(start).strftime("%Y%m%d%H%M%S").to_string();
    Template::new(&format!(
        "MSH|^~\\&|HIS|XYYY|ORIS|SSS|20260302074005||OMG^O19^OMG_O19|@|P|2.5.1|||||CHN|UNICODE UTF-8\n\
         PID|1||P2600101^^^XYYY^MR||赵样例||19680514|F\n\
         PV1|1|I|0301^03^12^MAIN|C|||||||||||||||V2600001\n\
         ORC|NW|SQ@|||||||20260302074005|||D00^沈若川|||||0301^普外科\n\
         TQ1|1||||||{start}||R\n\
         OBR|1|SQ@||SURG^手术申请||||||||||||D1002^沈若川\n\
         PR1|1||51.2300^腹腔镜下胆囊切除术^CHS2.0||{start}\n\
         ROL|1|AD|SURGEON^主刀^L|D00^沈若川\n\
         ROL|2|AD|ASSISTANT^一助^L|D1003^高思远\n\
         DG1|1||K80.100^胆囊结石伴慢性胆囊炎^I10\n"
    ))
}

/// A laboratory order.
pub(crate) fn lab() -> Template {
    Template::new(
        "MSH|^~\\&|HIS|XYYY|LIS|SSS|20260302074605||ORM^O01|@|P|2.3.1|||||CHN|UNICODE UTF-8\n\
         PID|1||P2600152^^^XYYY^MR||孙样例||19680514|M\n\
         PV1|1|I|0301^03^12^MAIN|C|||||||||||||||V2600152\n\
         ORC|NW|LIS@|||||||20260302074605|||D1003^高思远\n\
         OBR|1|LIS@||L0101^血常规^LIS||||||||||||D1003^高思远||||||||HM\n",
    )
}

// ----------------------------------------------------------------------------- client and stand-in

/// One thread that acknowledges everything; it reads no more of a message than its control id.
pub(crate) fn stand_in() -> SocketAddr {
    ways::stand_in(acknowledge)
}

pub(crate) async fn acknowledge(mut stream: TcpStream) {
    let mut buffer = vec![0; 4096];
    let mut held = 0;
    loop {
        match stream.read(&mut buffer[held..]).await {
            Ok(0) | Err(_) => return,
            Ok(read) => held += read,
        }
        if buffer[..held].ends_with(&[0x1C, 0x0D]) {
            let id = buffer[..held].split(|byte| *byte == b'|').nth(9).unwrap();
            let header = b"\x0BMSH|^~\\&|ORIS|SSS|HIS|XYYY|20260302074006||ACK|1|P|2.5.1\rMSA|AA|";
            let answer = [header.as_slice(), id, b"\r\x1C\r"].concat();
            held = 0;
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// The gate's route to the stand-in.
pub(crate) fn route(stand_in: SocketAddr) -> String {
    format!(
        "[[mllp]]\nname = \"his\"\nupstream = \"{stand_in}\"\n\
         mapping = \"mappings/hl7v2/standard.toml\"\n"
    )
}

/// A way from client to stand-in, and what goes along it.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Option<u32>,
    pub(crate) template: Rc<Template>,
}

impl Way {
    /// `messages` over `connections`, each with one message in flight.
    pub(crate) async fn run(
        &self,
        connections: usize,
        messages: usize,
        ids: &Rc<Cell<usize>>,
    ) -> Round {
        let mut lines = Vec::new();
        for _ in 0..connections {
            lines.push(Line::open(self.address, &self.template).await);
        }
        let each = messages / connections;
        let send = |mut line: Line| {
            let ids = Rc::clone(ids);
            async move {
                let mut took = Vec::with_capacity(each);
                for _ in 0..each {
                    took.push(line.send(&ids).await);
                }
                took
            }
        };
        ways::round(lines, self.process, send).await
    }
}

/// A client's connection.
pub(crate) struct Line {
    stream: TcpStream,
    pub(crate) template: Rc<Template>,
    frame: Vec<u8>,
    reply: Vec<u8>,
}

impl Line {
    pub(crate) async fn open(address: SocketAddr, template: &Rc<Template>) -> Self {
        let stream = TcpStream::connect(address).await.expect("connects");
        stream.set_nodelay(true).unwrap();
        let (template, frame) = (Rc::clone(template), template.frame.clone());
        Self { stream, template, frame, reply: vec![0; 1024] }
    }

    /// Sends the next message and waits for its acknowledgement, which must be its own.
    pub(crate) async fn send(&mut self, ids: &Cell<usize>) -> Duration {
        let next = ids.replace(ids.get() + 1);
        let id = self.template.fill(&mut self.frame, next);
        let began = monotonic();
        self.stream.write_all(&self.frame).await.unwrap();
        let mut held = 0;
        while !self.reply[..held].ends_with(&[0x1C, 0x0D]) {
            let read = self.stream.read(&mut self.reply[held..]).await.unwrap();
            assert!(read > 0, "the connection was closed on a message");
            held += read;
        }
        let took = began.elapsed();
        let wanted = [b"MSA|AA|".as_slice(), &id, b"\r"].concat();
        let reply = &self.reply[..held];
        let own = reply.windows(wanted.len()).any(|part| part == wanted);
        assert!(own, "not the answer: {}", String::from_utf8_lossy(reply));
        took
    }
}
