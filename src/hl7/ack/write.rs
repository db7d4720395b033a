//! The segments of a refusal.

use crate::domain::order::Place;
use crate::hl7::ack::{ErrorEntry, OrderEcho, Refusal, ReplyType};
use crate::hl7::charset::Charset;
use crate::hl7::delimiters::Delimiters;
use crate::hl7::escape;
use crate::hl7::message::{Header, Message, Version};
use crate::hl7::time;

/// Length of MSA-3 before 2.7, where it was withdrawn (ST 80).
const MAX_MSA_3: usize = 80;
/// Length of ERR-8 (TX 250).
const MAX_ERR_8: usize = 250;
/// Name under which our codes stand in ERR-5.
const CODE_SYSTEM: &str = "ORGATE";

/// Writes one answer in the sender's delimiters and character set.
pub(super) struct Writer<'m> {
    header: Header<'m>,
    version: Version,
    delimiters: Delimiters,
    charset: Charset,
    out: Vec<u8>,
}

impl<'m> Writer<'m> {
    pub(super) fn new(message: &'m Message<'m>, charset: Charset) -> Self {
        let header = message.header();
        let delimiters = message.delimiters().completed();
        let out = Vec::with_capacity(512);
        Self { header, version: header.version(), delimiters, charset, out }
    }

    /// The payload; `id` is what MSA-2 answers.
    pub(super) fn reply(mut self, refusal: &Refusal<'_>, id: &[u8]) -> Vec<u8> {
        let message_type = self.message_type(refusal);
        if let Some(batch) = refusal.batch_id {
            self.batch_header(refusal, batch);
        }
        self.message_header(refusal, &message_type);
        self.msa(refusal, id);
        if self.version.minor < 5 {
            self.err_before_2_5(&refusal.errors);
        } else {
            refusal.errors.iter().for_each(|error| self.err(error));
        }
        if matches!(message_type, MessageType::Orr | MessageType::Org) {
            refusal.orders.iter().for_each(|order| self.orc(order));
        }
        if refusal.batch_id.is_some() {
            self.line(&[b"BTS", b"1"]);
        }
        self.out
    }

    fn message_type(&self, refusal: &Refusal<'_>) -> MessageType {
        if refusal.code.is_accept() || refusal.reply == ReplyType::Ack {
            return MessageType::Ack;
        }
        match (self.header.code(), self.header.event()) {
            (b"ORM", b"O01") => MessageType::Orr,
            (b"OMG", b"O19") => MessageType::Org,
            (b"SRM", _) => MessageType::Srr,
            _ => MessageType::Ack,
        }
    }

    /// MSH-9 in the form of the version: a structure from 2.5, an event from 2.4.
    fn msh_9(&self, message_type: MessageType) -> Vec<u8> {
        let event = copied(self.header.event());
        let old = self.version.minor < 5;
        let parts: &[&[u8]] = match message_type {
            MessageType::Ack if self.version.minor < 4 || event.is_empty() => &[b"ACK"],
            MessageType::Ack if old => &[b"ACK", event],
            MessageType::Ack => &[b"ACK", event, b"ACK"],
            MessageType::Orr if old => &[b"ORR", b"O02"],
            MessageType::Orr => &[b"ORR", b"O02", b"ORR_O02"],
            MessageType::Org => &[b"ORG", b"O20", b"ORG_O20"],
            MessageType::Srr if self.version.minor < 4 => &[b"SRR", event],
            MessageType::Srr => &[b"SRR", event, b"SRR_S01"],
        };
        self.joined(parts)
    }

    fn encoding_characters(&self) -> Vec<u8> {
        let all = self.delimiters;
        let parts = [all.component, all.repetition, all.escape, all.subcomponent, all.truncation];
        parts.into_iter().flatten().collect()
    }

    fn message_header(&mut self, refusal: &Refusal<'_>, message_type: &MessageType) {
        let header = self.header;
        let time = time::format(refusal.time, refusal.zone);
        let set = copied(header.character_set().bytes());
        let mut fields: Vec<&[u8]> = vec![b"MSH"];
        let (encoding, message_type) = (self.encoding_characters(), self.msh_9(*message_type));
        fields.extend([&encoding[..], copied(header.receiving_application().bytes())]);
        fields.push(copied(header.receiving_facility().bytes()));
        fields.push(copied(header.sending_application().bytes()));
        fields.push(copied(header.sending_facility().bytes()));
        fields.extend([time.as_bytes(), b"", &message_type, refusal.control_id.as_bytes()]);
        fields.push(or(copied(header.processing_id().bytes()), b"P"));
        fields.push(or(copied(header.version_id().bytes()), b"2.4"));
        if !set.is_empty() {
            fields.extend([&b""[..]; 5]);
            fields.push(set);
        }
        self.line(&fields);
    }

    fn batch_header(&mut self, refusal: &Refusal<'_>, answered: &[u8]) {
        let header = self.header;
        let time = time::format(refusal.time, refusal.zone);
        let encoding = self.encoding_characters();
        self.line(&[
            b"BHS",
            &encoding,
            copied(header.receiving_application().bytes()),
            copied(header.receiving_facility().bytes()),
            copied(header.sending_application().bytes()),
            copied(header.sending_facility().bytes()),
            time.as_bytes(),
            b"",
            b"",
            b"",
            refusal.control_id.as_bytes(),
            copied(answered),
        ]);
    }

    fn msa(&mut self, refusal: &Refusal<'_>, id: &[u8]) {
        let text = match refusal.errors.first() {
            Some(error) if self.version.minor < 7 => {
                let chinese = format!("{}: {}", error.rule, error.sentence_zh);
                let english = format!("{}: {}", error.rule, error.sentence_en);
                self.sentence(&chinese, &english, MAX_MSA_3)
            }
            _ => Vec::new(),
        };
        self.line(&[b"MSA", refusal.code.as_str().as_bytes(), copied(id), &text]);
    }

    /// One ERR whose first field repeats: `segment^n^field^207&…&HL70357&rule&title`.
    fn err_before_2_5(&mut self, errors: &[ErrorEntry<'_>]) {
        if errors.is_empty() {
            return;
        }
        let inner = self.delimiters.subcomponent.unwrap_or(b'&');
        let entries = errors.iter().map(|error| {
            let [segment, sequence, field, ..] = location(error.place);
            let (code, text) = error.code.parts();
            let rule = self.text(error.rule);
            let title = self.text(error.title);
            let coded: [&[u8]; 5] = [code.as_bytes(), text.as_bytes(), b"HL70357", &rule, &title];
            let coded = coded.join(&inner);
            self.joined(&[&self.text(&segment), sequence.as_bytes(), field.as_bytes(), &coded])
        });
        let entries: Vec<_> = entries.collect();
        let repeated = entries.join(&self.delimiters.repetition.unwrap_or(b'~'));
        self.line(&[b"ERR", &repeated]);
    }

    fn err(&mut self, error: &ErrorEntry<'_>) {
        let [segment, parts @ ..] = location(error.place);
        let mut parts: Vec<&[u8]> = parts.iter().map(|p| p.as_bytes()).collect();
        let segment = self.text(&segment);
        parts.insert(0, &segment);
        while parts.last().is_some_and(|p| p.is_empty()) {
            parts.pop();
        }
        let (code, text) = error.code.parts();
        let place = self.joined(&parts);
        let code = self.joined(&[code.as_bytes(), text.as_bytes(), b"HL70357"]);
        let own =
            self.joined(&[&self.text(error.rule), &self.text(error.title), CODE_SYSTEM.as_bytes()]);
        let entry = self.text(error.entry);
        let sentence = self.sentence(error.sentence_zh, error.sentence_en, MAX_ERR_8);
        self.line(&[b"ERR", b"", &place, &code, b"E", &own, b"", &entry, &sentence]);
    }

    fn orc(&mut self, order: &OrderEcho<'_>) {
        let control = order.control.as_str().as_bytes();
        self.line(&[b"ORC", control, copied(order.placer), copied(order.filler)]);
    }

    fn joined(&self, parts: &[&[u8]]) -> Vec<u8> {
        parts.join(&self.delimiters.component.unwrap_or(b'^'))
    }

    /// Fields to a segment; empty ones at the end are left out.
    fn line(&mut self, fields: &[&[u8]]) {
        let mut fields = fields;
        while let [rest @ .., last] = fields
            && last.is_empty()
        {
            fields = rest;
        }
        self.out.extend_from_slice(&fields.join(&self.delimiters.field));
        self.out.push(b'\r');
    }

    /// The Chinese sentence, or the English where the character set has no Chinese.
    fn sentence(&self, chinese: &str, english: &str, most: usize) -> Vec<u8> {
        let fitted = |text: &str| fit(text, &self.delimiters, most);
        self.charset.encode(&fitted(chinese)).unwrap_or_else(|| ascii(&fitted(english)))
    }

    /// Our own ASCII text.
    fn text(&self, text: &str) -> Vec<u8> {
        ascii(&escape::escape(text, &self.delimiters))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MessageType {
    Ack,
    Orr,
    Org,
    Srr,
}

/// ERL: segment, sequence, field, repetition, component.
fn location(place: Option<&Place>) -> [String; 5] {
    match place {
        Some(Place::Hl7 { segment, sequence, field, repetition, component }) => {
            let part = if *component == 0 { String::new() } else { component.to_string() };
            let [n, field, repetition] = [sequence, field, repetition].map(ToString::to_string);
            [segment.clone(), n, field, repetition, part]
        }
        Some(Place::FhirPath(_)) | None => Default::default(),
    }
}

/// A field of the request up to the first byte that would end a segment or a frame in the answer.
fn copied(field: &[u8]) -> &[u8] {
    let ends = |b: &u8| matches!(b, b'\r' | b'\n' | 0x0B | 0x1C);
    field.split(ends).next().unwrap_or_default()
}

fn or<'a>(field: &'a [u8], default: &'a [u8]) -> &'a [u8] {
    if field.trim_ascii().is_empty() { default } else { field }
}

fn ascii(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?')).collect()
}

/// `text` escaped, cut so that with its escapes it has at most `most` characters.
fn fit(text: &str, delimiters: &Delimiters, most: usize) -> String {
    let whole = escape::escape(text, delimiters);
    if whole.chars().count() <= most {
        return whole;
    }
    let ending = if text.is_ascii() { "..." } else { "…" };
    let mut room = most.saturating_sub(ending.chars().count());
    let mut fitted = String::with_capacity(whole.len());
    let mut buffer = [0_u8; 4];
    for character in text.chars() {
        let escaped = escape::escape(character.encode_utf8(&mut buffer), delimiters);
        let Some(left) = room.checked_sub(escaped.chars().count()) else { break };
        room = left;
        fitted.push_str(&escaped);
    }
    fitted + ending
}
