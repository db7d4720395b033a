//! HTTP/1.1 as bytes: messages read from a socket as they stand, without a library that would tidy them up.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::support::{PATIENCE, read_some};

/// A request or response as it came.
#[derive(Clone)]
pub(crate) struct Message {
    /// Start line and fields with their line ends, without the empty line.
    pub(crate) head: String,
    /// Without its transfer coding.
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = &self.body[..self.body.len().min(2000)];
        write!(f, "{}\n{}", self.head, String::from_utf8_lossy(shown))
    }
}

impl Message {
    /// The first line.
    pub(crate) fn start(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        let word = self.start().split(' ').nth(1).unwrap_or_default();
        word.parse().unwrap_or_else(|_| panic!("no status: {}", self.head))
    }

    /// The fields as they are written.
    pub(crate) fn fields(&self) -> Vec<&str> {
        self.head.lines().skip(1).collect()
    }

    /// The values of a field, whatever case its name has.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let pairs = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        pairs.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim()).collect()
    }

    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error}: {}\n{}", self.head, String::from_utf8_lossy(&self.body))
        })
    }
}

/// Reads messages from one end of a connection.
pub(crate) struct Reader {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Reader {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Whether more came.
    fn more(&mut self) -> bool {
        let mut chunk = vec![0; 256 * 1024];
        match read_some(&mut self.stream, &mut chunk) {
            Ok(count) => {
                self.unread.extend_from_slice(&chunk[..count]);
                count > 0
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came for {PATIENCE:?}, and the connection is open")
            }
            Err(_) => false,
        }
    }

    /// Start line and fields; `None` when the connection ends before.
    pub(crate) fn head(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return Some(String::from_utf8_lossy(&head[..end + 2]).into_owned());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// So many bytes; `None` when the connection ends before.
    pub(crate) fn exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.unread.len() < count {
            if !self.more() {
                return None;
            }
        }
        Some(self.unread.drain(..count).collect())
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Some(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if !self.more() {
                return None;
            }
        }
    }

    /// One chunk of a chunked body, empty at its end (trailers are read and left out).
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.line()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            while !self.line()?.is_empty() {}
            return Some(Vec::new());
        }
        let chunk = self.exactly(size)?;
        self.exactly(2)?;
        Some(chunk)
    }

    /// The body that belongs to a head.
    pub(crate) fn body(&mut self, head: &str, bodiless: bool, response: bool) -> Option<Vec<u8>> {
        let message = Message { head: head.to_owned(), body: Vec::new() };
        if bodiless {
            return Some(Vec::new());
        }
        if message.field("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
            let mut body = Vec::new();
            loop {
                let chunk = self.chunk()?;
                if chunk.is_empty() {
                    return Some(body);
                }
                body.extend_from_slice(&chunk);
            }
        }
        match message.field("content-length") {
            Some(length) => self.exactly(length.parse().ok()?),
            None if response => {
                while self.more() {}
                Some(std::mem::take(&mut self.unread))
            }
            None => Some(Vec::new()),
        }
    }

    /// The next request; `None` when the connection ends before.
    pub(crate) fn request(&mut self) -> Option<Message> {
        let head = self.head()?;
        let body = self.body(&head, false, false)?;
        Some(Message { head, body })
    }
}

/// A client's connection.
pub(crate) struct Client {
    stream: TcpStream,
    pub(crate) reader: Reader,
}

impl Client {
    pub(crate) fn connect(to: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&to, PATIENCE).expect("the gate accepts");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        let reader = Reader::new(stream.try_clone().expect("a socket"));
        Self { stream, reader }
    }

    /// Bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection takes bytes");
    }

    /// Closes both ways.
    pub(crate) fn close(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// A reading, `None` on a connection that is closed meanwhile.
    pub(crate) fn try_get(&mut self, target: &str) -> Option<Message> {
        let ask = format!("GET {target} HTTP/1.1\r\nHost: gate\r\n\r\n");
        self.stream.write_all(ask.as_bytes()).ok()?;
        let head = self.reader.head()?;
        let body = self.reader.body(&head, false, true)?;
        Some(Message { head, body })
    }

    /// The next response to a request that was no HEAD; interim ones are left out.
    pub(crate) fn response(&mut self) -> Message {
        loop {
            let head = self.reader.head().expect("a response");
            let status = Message { head: head.clone(), body: Vec::new() }.status();
            if (100..200).contains(&status) {
                continue;
            }
            let bodiless = matches!(status, 204 | 304);
            let body = self.reader.body(&head, bodiless, true).expect("the whole body");
            return Message { head, body };
        }
    }

    /// Sends a request and waits for the response to it.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Message {
        self.send(request);
        self.response()
    }

    /// A JSON body to a path.
    pub(crate) fn write(&mut self, method: &str, target: &str, body: &str) -> Message {
        self.ask(&request(
            method,
            target,
            &["Content-Type: application/fhir+json"],
            body.as_bytes(),
        ))
    }

    /// A request without a body.
    pub(crate) fn get(&mut self, target: &str) -> Message {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: gate\r\n\r\n").as_bytes())
    }
}

/// A request with a body and its length.
pub(crate) fn request(method: &str, target: &str, fields: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: gate\r\n");
    for field in fields {
        head.push_str(field);
        head.push_str("\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}

/// A response with a body and its length.
pub(crate) fn response(status: &str, fields: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status}\r\n");
    for field in fields {
        head.push_str(field);
        head.push_str("\r\n");
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
    [head.as_bytes(), body].concat()
}
