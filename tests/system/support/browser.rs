//! A browser as far as the console needs one: cookies, forms, redirects, event streams. Raw bytes, no library.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::PATIENCE;
use crate::support::gate::Gate;

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Page {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the form field `name`.
    pub(crate) fn field(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&start).expect("the form has the field");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

/// One person's browser.
pub(crate) struct Browser {
    console: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn new(gate: &Gate) -> Self {
        Self::at(gate.console())
    }

    /// Before another server than a gate.
    pub(crate) fn at(server: SocketAddr) -> Self {
        Self { console: server, cookies: BTreeMap::new() }
    }

    /// A cookie that it holds.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Gives it a cookie.
    pub(crate) fn hold(&mut self, name: &str, value: &str) {
        self.cookies.insert(name.to_owned(), value.to_owned());
    }

    /// Logs in with a password that must be changed, changes it, and logs in again.
    pub(crate) fn first_login(gate: &Gate, name: &str, password: &str) -> Self {
        let mut browser = Self::new(gate);
        assert_eq!(browser.log_in(name, password).header("location"), Some("/password"));
        let word = browser.get("/password").field("word");
        let new = format!("{password}-new");
        let form = [("word", &*word), ("old", password), ("new", &new), ("again", &new)];
        let changed = browser.post("/password", &form);
        assert_eq!(changed.header("location"), Some("/login"), "{}", changed.body);
        assert_eq!(browser.log_in(name, &new).header("location"), Some("/"));
        browser
    }

    /// The same person, whom a balancer leads to another gate.
    pub(crate) fn moved_to(&self, gate: &Gate) -> Self {
        Self { console: gate.console(), cookies: self.cookies.clone() }
    }

    pub(crate) fn log_in(&mut self, name: &str, password: &str) -> Page {
        let word = self.get("/login").field("word");
        self.post("/login", &[("word", &word), ("name", name), ("password", password)])
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        self.ask("GET", path, "", &[])
    }

    pub(crate) fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        self.post_with(path, form, &[])
    }

    pub(crate) fn post_with(&mut self, path: &str, form: &[(&str, &str)], more: &[&str]) -> Page {
        let pairs: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.ask("POST", path, &pairs.join("&"), more)
    }

    fn connect(&self, head: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.console).expect("the console accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.write_all(head.as_bytes()).expect("the console reads");
        stream
    }

    fn head(&self, method: &str, path: &str, more: &[&str]) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.console);
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        more.iter().for_each(|line| head.push_str(&format!("{line}\r\n")));
        head
    }

    /// A form whose values are these bytes, percent-encoded one by one: GBK, as older screens send.
    pub(crate) fn post_bytes(&mut self, path: &str, form: &[(&str, &[u8])]) -> Page {
        let encoded = |value: &[u8]| value.iter().map(|byte| format!("%{byte:02X}")).collect();
        let pair = |(name, value): &(&str, &[u8])| {
            let value: String = encoded(value);
            format!("{name}={value}")
        };
        let pairs: Vec<String> = form.iter().map(pair).collect();
        self.ask("POST", path, &pairs.join("&"), &[])
    }

    /// A form with a file.
    pub(crate) fn upload(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
        (name, bytes): (&str, &[u8]),
    ) -> Page {
        let mut body = Vec::new();
        for (field, value) in form {
            let head =
                format!("--edge\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n");
            body.extend(format!("{head}{value}\r\n").bytes());
        }
        let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename";
        body.extend(format!("{head}=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n").bytes());
        body.extend(bytes);
        body.extend(b"\r\n--edge--\r\n");
        self.send("POST", path, ("multipart/form-data; boundary=edge", &body), &[])
    }

    fn ask(&mut self, method: &str, path: &str, body: &str, more: &[&str]) -> Page {
        let kind = "application/x-www-form-urlencoded";
        self.send(method, path, (kind, body.as_bytes()), more)
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        (kind, body): (&str, &[u8]),
        more: &[&str],
    ) -> Page {
        let mut head = self.head(method, path, more);
        head.push_str("Connection: close\r\n");
        if method == "POST" {
            head.push_str(&format!("Content-Type: {kind}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        let mut came = String::new();
        let mut stream = self.connect(&head);
        stream.write_all(body).expect("the console reads");
        stream.read_to_string(&mut came).expect("the console answers");
        let (head, body) = came.split_once("\r\n\r\n").expect("an HTTP response");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("set-cookie") {
                let pair = value.split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').expect("a cookie");
                if value.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        Page { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Opens an event stream; it is open when this returns.
    pub(crate) fn watch(&self, path: &str) -> Events {
        let head = format!("{}Accept: text/event-stream\r\n\r\n", self.head("GET", path, &[]));
        let mut lines = BufReader::new(self.connect(&head));
        let mut line = String::new();
        lines.read_line(&mut line).expect("a status line");
        assert!(line.contains(" 200 "), "{line}");
        while line != "\r\n" {
            line.clear();
            lines.read_line(&mut line).expect("a header");
        }
        Events { lines }
    }
}

/// Events as they come.
pub(crate) struct Events {
    lines: BufReader<TcpStream>,
}

impl Events {
    /// Waits until the gate ends the stream; signs of life come meanwhile.
    pub(crate) fn ends(&mut self) {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("signs of life, then the end");
    }

    /// Reads until the stream ends, whichever way, and keeps nothing.
    pub(crate) fn drain(&mut self) {
        let _ = std::io::copy(&mut self.lines, &mut std::io::sink());
    }

    /// The data of the next event of this name.
    pub(crate) fn next(&mut self, name: &str) -> String {
        let mut own = false;
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("an event in time");
            assert!(read > 0, "the stream has ended");
            let line = line.trim_end();
            own |= line.strip_prefix("event: ") == Some(name);
            if let Some(data) = line.strip_prefix("data: ").filter(|_| own) {
                return data.to_owned();
            }
        }
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
