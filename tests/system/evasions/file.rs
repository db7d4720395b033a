//! One file of `tests/data/evasions/`: directives, a request as text, and the bytes it stands for.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::support::repository;

/// What may become of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Answered by what the rules say of the order.
    Judged,
    /// Not let through unread: with this status, or any of 400 to 499, or closed.
    Refused(Option<u16>),
}

/// A request in a disguise.
#[derive(Clone)]
pub(super) struct File {
    /// `path/double-slash`
    pub(super) name: String,
    directives: BTreeMap<String, String>,
    line: String,
    fields: Vec<String>,
    text: Vec<u8>,
}

impl File {
    /// Every file, by name.
    pub(super) fn all() -> Vec<Self> {
        let root = repository("tests/data/evasions");
        let mut files = Vec::new();
        for folder in list(&root).iter().filter(|path| path.is_dir()) {
            for path in
                list(folder).iter().filter(|path| path.extension().is_some_and(|e| e == "http"))
            {
                let name = path.strip_prefix(&root).expect("below it").with_extension("");
                let bytes = std::fs::read(path).expect("a readable file");
                files.push(Self::read(name.display().to_string(), &bytes));
            }
        }
        files
    }

    fn read(name: String, bytes: &[u8]) -> Self {
        let end = bytes.windows(2).position(|two| two == b"\n\n");
        let end = end.unwrap_or_else(|| panic!("{name}: no empty line behind the fields"));
        let head = String::from_utf8(bytes[..end].to_vec()).expect("the head is UTF-8");
        let body = &bytes[end + 2..];
        let text = body.strip_suffix(b"\n").unwrap_or(body).to_vec();
        let (comments, lines): (Vec<&str>, Vec<&str>) =
            head.lines().partition(|line| line.starts_with('#'));
        let directives = comments.iter().skip(1).map(|line| {
            let (key, value) =
                line.trim_start_matches(['#', ' ']).split_once(": ").expect("key: value");
            (key.to_owned(), value.to_owned())
        });
        let file = Self {
            directives: directives.collect(),
            line: (*lines.first().expect("a request line")).to_owned(),
            fields: lines.iter().skip(1).map(|line| (*line).to_owned()).collect(),
            text,
            name,
        };
        assert!(!file.outcomes().is_empty(), "{}: no outcome", file.name);
        file
    }

    fn says(&self, key: &str) -> Option<&str> {
        self.directives.get(key).map(String::as_str)
    }

    /// What may become of it, any of these.
    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        let outcomes = self.says("outcome").unwrap_or_default();
        let read = |outcome: &str| match outcome.split_once(' ') {
            None if outcome == "judged" => Outcome::Judged,
            None if outcome == "refused" => Outcome::Refused(None),
            Some(("refused", status)) => Outcome::Refused(Some(status.parse().expect("a status"))),
            _ => panic!("{}: {outcome} is no outcome", self.name),
        };
        outcomes.split(", ").filter(|outcome| !outcome.is_empty()).map(read).collect()
    }

    /// How many answers the bytes ask for.
    pub(super) fn responses(&self) -> usize {
        self.says("responses").map_or(1, |count| count.parse().expect("a number"))
    }

    /// Whether the request is nothing but a reading, so that nothing at all of it may come through.
    pub(super) fn is_only_a_read(&self) -> bool {
        self.line.starts_with("GET ") && self.responses() == 1
    }

    /// The same with a surgeon and a procedure that are granted.
    pub(super) fn harmless(&self) -> Self {
        let text = String::from_utf8(self.text.clone()).expect("UTF-8");
        let text = text.replace("D1005", "D1002").replace("52.7x00", "51.2300");
        Self { text: text.into_bytes(), ..self.clone() }
    }

    /// The body without its transfer coding.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = self.text.clone();
        if self.says("escapes").is_some() {
            body = unescaped(&body);
        }
        if let Some(count) = self.says("pad") {
            body.resize(body.len() + count.parse::<usize>().expect("a number"), b' ');
        }
        let encodings = self.says("encode").unwrap_or_default().split(' ');
        encodings.filter(|encoding| !encoding.is_empty()).fold(body, |body, by| encoded(&body, by))
    }

    /// What goes over the wire.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let body = self.body();
        let version = self.says("version").unwrap_or("1.1");
        let mut head = self.line.replace("HTTP/1.1", &format!("HTTP/{version}"));
        let fields = self
            .fields
            .iter()
            .filter(|field| self.says("no-host").is_none() || !field.starts_with("Host:"));
        for field in fields {
            head.push_str("\r\n");
            head.push_str(field);
        }
        let chunked = self.says("chunked").is_some();
        if !chunked && self.says("length").is_none() && !(body.is_empty() && self.is_only_a_read())
        {
            head.push_str(&format!("\r\nContent-Length: {}", body.len()));
        }
        head.push_str("\r\n\r\n");
        let sent = if chunked { self.chunks(&body) } else { body };
        [head.into_bytes(), sent].concat()
    }

    fn chunks(&self, body: &[u8]) -> Vec<u8> {
        let extension = self.says("extensions").map_or(String::new(), |text| format!(";{text}"));
        let mut out = Vec::new();
        for chunk in body.chunks(100) {
            out.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n");
        for trailer in self.says("trailers").into_iter().flat_map(|text| text.split(" | ")) {
            out.extend_from_slice(format!("{trailer}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        out
    }
}

fn list(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// `\r`, `\n`, `\\` and `\xNN` as the bytes they stand for; every other backslash stays.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let [first, behind @ ..] = rest {
        let (byte, taken) = match (first, behind) {
            (b'\\', [b'r', ..]) => (b'\r', 1),
            (b'\\', [b'n', ..]) => (b'\n', 1),
            (b'\\', [b'\\', ..]) => (b'\\', 1),
            (b'\\', [b'x', digits @ ..]) => {
                let digits = std::str::from_utf8(&digits[..2]).expect("two digits");
                (u8::from_str_radix(digits, 16).expect("two digits"), 3)
            }
            _ => (*first, 0),
        };
        out.push(byte);
        rest = &behind[taken..];
    }
    out
}

fn encoded(body: &[u8], by: &str) -> Vec<u8> {
    let wide = |big: bool| -> Vec<u8> {
        let text = std::str::from_utf8(body).expect("UTF-8");
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let wider = |big: bool| -> Vec<u8> {
        let text = std::str::from_utf8(body).expect("UTF-8");
        let bytes = |unit: u32| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.chars().map(u32::from).flat_map(bytes).collect()
    };
    match by {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body).expect("memory");
            encoder.finish().expect("memory")
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body).expect("memory");
            encoder.finish().expect("memory")
        }
        "raw-deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(body).expect("memory");
            encoder.finish().expect("memory")
        }
        "br" => {
            let mut out = Vec::new();
            let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 1, 18);
            encoder.write_all(body).expect("memory");
            drop(encoder);
            out
        }
        "trailer" => [body, b"x"].concat(),
        "cut" => body[..body.len() - 4].to_vec(),
        "utf-16le" => wide(false),
        "utf-16be" => wide(true),
        "utf-16le-bom" => [&b"\xff\xfe"[..], &wide(false)].concat(),
        "utf-16be-bom" => [&b"\xfe\xff"[..], &wide(true)].concat(),
        "utf-32le" => wider(false),
        "utf-32be" => wider(true),
        _ => panic!("{by} is no encoding"),
    }
}
