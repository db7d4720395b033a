//! Requests, the client that sends them over kept-alive connections, and the stand-in for the FHIR server.

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

/// Digits of the order number, which beside the surgeon is all that differs between requests.
const DIGITS: usize = 10;

/// A request with holes for its order number and its surgeon.
pub(crate) struct Request {
    bytes: Vec<u8>,
    number: Option<usize>,
    surgeon: Option<usize>,
}

/// A read of a resource.
pub(crate) fn read() -> Request {
    let text = "GET /fhir/Patient/p2600101 HTTP/1.1\r\nhost: fhir\r\naccept: application/fhir+json\r\n\r\n";
    Request { bytes: text.into(), number: None, surgeon: None }
}

/// A surgical order of three days from now, of about 1 KB, by one of the surgeons granted grade 2.
pub(crate) fn order() -> Request {
    let start = (Clock::System.now() + SignedDuration::from_hours(72)).to_string();
    let number = "0".repeat(DIGITS);
    let body = format!(
        r#"{{"resourceType":"ServiceRequest","identifier":[{{"system":"urn:oid:2.16.156.10011.1.24","value":"SQ{number}"}}],"status":"active","intent":"order","priority":"routine","category":[{{"coding":[{{"system":"http://snomed.info/sct","code":"387713003","display":"Surgical procedure"}}]}}],"code":{{"coding":[{{"system":"urn:oid:2.16.156.10011.2.3.3.12","code":"51.2300","display":"腹腔镜下胆囊切除术"}}],"text":"腹腔镜下胆囊切除术"}},"subject":{{"reference":"Patient/p2600101","identifier":{{"value":"P2600101"}}}},"encounter":{{"reference":"Encounter/v2600001"}},"occurrenceDateTime":"{start}","requester":{{"identifier":{{"system":"urn:oid:2.16.156.10011.1.4","value":"D1003"}}}},"performer":[{{"identifier":{{"system":"urn:oid:2.16.156.10011.1.4","value":"D00"}}}}],"reasonCode":[{{"coding":[{{"system":"urn:oid:2.16.156.10011.2.3.3.11","code":"K80.100","display":"胆囊结石伴慢性胆囊炎"}}]}}],"note":[{{"text":"术前检查已完成"}}]}}"#
    );
    let head = format!(
        "POST /fhir/ServiceRequest HTTP/1.1\r\nhost: fhir\r\ncontent-type: application/fhir+json\r\n\
         accept: application/fhir+json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let bytes = [head, body].concat().into_bytes();
    let find = |text: &str| (0..bytes.len()).find(|at| bytes[*at..].starts_with(text.as_bytes()));
    let (number, surgeon) = (find(&number), find("\"D00\"").map(|at| at + 2));
    Request { bytes, number, surgeon }
}

impl Request {
    fn fill(&self, bytes: &mut [u8], number: usize) {
        let Some(hole) = self.number else { return };
        let mut rest = number + 1;
        for digit in bytes[hole..hole + DIGITS].iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap();
            rest /= 10;
        }
        if let Some(at) = self.surgeon {
            let number = number % SURGEONS;
            bytes[at] = b'0' + u8::try_from(number / 10).unwrap();
            bytes[at + 1] = b'0' + u8::try_from(number % 10).unwrap();
        }
    }
}

/// Where a head ends, and how long its body is.
fn head(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..end]).unwrap().to_ascii_lowercase();
    assert!(!head.contains("transfer-encoding"), "a length was expected:\n{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    Some((end, length.map_or(0, |length| length.trim().parse().unwrap())))
}

/// Reads one message into `buffer`; `None` when the other side has closed.
async fn message(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<usize> {
    buffer.clear();
    loop {
        if let Some((end, length)) = head(buffer)
            && buffer.len() >= end + length
        {
            return Some(end + length);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// One thread that answers everything alike; it reads no more of a request than where it ends.
pub(crate) fn stand_in() -> SocketAddr {
    ways::stand_in(answer)
}

async fn answer(mut stream: TcpStream) {
    let body = format!(
        r#"{{"resourceType":"Patient","id":"p2600101","text":"{}"}}"#,
        "remark ".repeat(140)
    );
    let (length, kind) = (body.len(), "application/fhir+json");
    let read = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let created = format!(
        "HTTP/1.1 201 Created\r\nlocation: /fhir/ServiceRequest/1/_history/1\r\n\
         content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    let mut buffer = Vec::with_capacity(8192);
    while message(&mut stream, &mut buffer).await.is_some() {
        let answer = if buffer.starts_with(b"GET") { &read } else { &created };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A way from client to stand-in, and what goes along it.
pub(crate) struct Way {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Option<u32>,
    pub(crate) request: Rc<Request>,
}

impl Way {
    /// `requests` over `connections`, each with one request in flight.
    pub(crate) async fn run(
        &self,
        connections: usize,
        requests: usize,
        ids: &Rc<Cell<usize>>,
    ) -> Round {
        let mut lines = Vec::new();
        for _ in 0..connections {
            let stream = TcpStream::connect(self.address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            lines.push(stream);
        }
        let each = requests / connections;
        let send = |stream: TcpStream| work(stream, Rc::clone(&self.request), Rc::clone(ids), each);
        ways::round(lines, self.process, send).await
    }
}

async fn work(
    mut stream: TcpStream,
    request: Rc<Request>,
    ids: Rc<Cell<usize>>,
    count: usize,
) -> Vec<Duration> {
    let mut took = Vec::with_capacity(count);
    let mut bytes = request.bytes.clone();
    let mut reply = Vec::with_capacity(8192);
    for _ in 0..count {
        request.fill(&mut bytes, ids.replace(ids.get() + 1));
        let began = monotonic();
        stream.write_all(&bytes).await.unwrap();
        assert!(message(&mut stream, &mut reply).await.is_some(), "the connection was closed");
        took.push(began.elapsed());
        let good = reply.starts_with(b"HTTP/1.1 20");
        assert!(good, "refused:\n{}", String::from_utf8_lossy(&reply));
    }
    took
}
