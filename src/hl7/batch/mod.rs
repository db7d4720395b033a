//! The messages that one payload holds: one, several in a row, or a batch
//! `[FHS] {[BHS] {MSH…} [BTS]} [FTS]`. A batch is judged and refused as a whole.

use std::ops::Range;

use crate::hl7::charset::CharsetSetting;
use crate::hl7::message::{self, Message, MessageError};

/// Messages in one payload; the index of each costs memory before the first is judged.
pub const MAX_MESSAGES: usize = 100_000;

/// A payload taken apart into messages.
#[derive(Clone)]
pub struct Batch<'a> {
    payload: &'a [u8],
    begins_with_header: bool,
    /// The first BHS segment.
    header: Option<Range<usize>>,
    messages: Vec<Range<usize>>,
}

impl<'a> Batch<'a> {
    /// Takes `payload` apart. Blank bytes and a byte order mark before the first segment are
    /// passed over.
    ///
    /// # Errors
    /// When there is no message, when a segment belongs to none, or when there are too many.
    pub fn split(payload: &'a [u8]) -> Result<Self, MessageError> {
        let start = first_byte(payload);
        let body = payload.get(start..).unwrap_or_default();
        let begins_with_header = matches!(kind(body), Kind::FileHeader | Kind::BatchHeader);
        let mut batch = Self { payload, begins_with_header, header: None, messages: Vec::new() };
        let mut open: Option<usize> = None;
        for line in message::line_ranges(body, message::line_end(body)) {
            let text = body.get(line.clone()).unwrap_or_default();
            let kind = kind(text);
            let line = start + line.start..start + line.end;
            if kind == Kind::Other {
                if open.is_none() && !text.trim_ascii().is_empty() {
                    let none = batch.messages.is_empty() && !begins_with_header;
                    return Err(if none { MessageError::NoHeader } else { MessageError::Stray });
                }
                continue;
            }
            batch.close(&mut open, line.start)?;
            match kind {
                Kind::Message => open = Some(line.start),
                Kind::BatchHeader if batch.header.is_none() => batch.header = Some(line),
                _ => {}
            }
        }
        batch.close(&mut open, payload.len())?;
        if batch.messages.is_empty() { Err(MessageError::NoHeader) } else { Ok(batch) }
    }

    /// Where its messages stand in the payload; at least one.
    pub fn messages(&self) -> &[Range<usize>] {
        &self.messages
    }

    /// The bytes of each message, in order.
    pub fn payloads(&self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        let payload = self.payload;
        self.messages.iter().map(move |range| payload.get(range.clone()).unwrap_or_default())
    }

    /// Whether the payload begins with FHS or BHS.
    pub fn begins_with_header(&self) -> bool {
        self.begins_with_header
    }

    /// BHS-11 of the first BHS, every byte of it; `None` when there is none or it is empty. The
    /// answer refers to it.
    pub fn control_id(&self, setting: &CharsetSetting) -> Option<&'a [u8]> {
        let header = self.payload.get(self.header.clone()?)?;
        let read = Message::headed(b"BHS", header, setting).ok()?;
        let range = read.segment_at(0)?.field(11).range();
        header.get(range).filter(|id| !id.is_empty())
    }

    fn close(&mut self, open: &mut Option<usize>, end: usize) -> Result<(), MessageError> {
        if let Some(start) = open.take() {
            if self.messages.len() == MAX_MESSAGES {
                return Err(MessageError::TooLarge);
            }
            self.messages.push(start..end);
        }
        Ok(())
    }
}

/// Shows the shape only.
impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("messages", &self.messages.len()).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    FileHeader,
    BatchHeader,
    Message,
    Trailer,
    Other,
}

fn kind(line: &[u8]) -> Kind {
    match line {
        [b'M', b'S', b'H', separator, ..] if separator.is_ascii_punctuation() => Kind::Message,
        [b'F', b'H', b'S', separator, ..] if separator.is_ascii_punctuation() => Kind::FileHeader,
        [b'B', b'H', b'S', separator, ..] if separator.is_ascii_punctuation() => Kind::BatchHeader,
        [b'B' | b'F', b'T', b'S'] => Kind::Trailer,
        [b'B' | b'F', b'T', b'S', by, ..] if by.is_ascii_punctuation() => Kind::Trailer,
        _ => Kind::Other,
    }
}

fn first_byte(payload: &[u8]) -> usize {
    let mark: &[u8] = b"\xEF\xBB\xBF";
    let blank = |bytes: &[u8]| bytes.iter().take_while(|b| **b <= b' ').count();
    let before = blank(payload);
    let rest = payload.get(before..).unwrap_or_default();
    match rest.strip_prefix(mark) {
        Some(after) => before + mark.len() + blank(after),
        None => before,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Result<Vec<&str>, MessageError> {
        let batch = Batch::split(text.as_bytes())?;
        Ok(batch.payloads().map(|p| std::str::from_utf8(p).unwrap()).collect())
    }

    #[test]
    fn one_message_is_a_batch_of_one() {
        assert_eq!(split("MSH|^~\\&|\rPID|1\r"), Ok(vec!["MSH|^~\\&|\rPID|1\r"]));
        assert_eq!(split("\r\n \u{FEFF}MSH|^~\\&|"), Ok(vec!["MSH|^~\\&|"]));
    }

    #[test]
    fn batches_and_rows_of_messages_are_taken_apart() {
        let text =
            "FHS|^~\\&|\rBHS|^~\\&|||||||||B 1|\rMSH|^~\\&|1\rPID|\rMSH|^~\\&|2\rBTS|2\rFTS|1\r";
        assert_eq!(split(text), Ok(vec!["MSH|^~\\&|1\rPID|\r", "MSH|^~\\&|2\r"]));
        let batch = Batch::split(text.as_bytes()).unwrap();
        assert!(batch.begins_with_header());
        assert_eq!(batch.control_id(&CharsetSetting::Auto), Some(&b"B 1"[..]));
        assert_eq!(split("MSH|^~\\&|1\nMSH|^~\\&|2\n").map(|m| m.len()), Ok(2));
        let row = Batch::split(b"MSH|^~\\&|1\rMSH|^~\\&|2").unwrap();
        assert_eq!(
            (row.begins_with_header(), row.control_id(&CharsetSetting::Auto)),
            (false, None)
        );
    }

    #[test]
    fn segments_that_belong_to_no_message_are_refused() {
        assert_eq!(split("BHS|^~\\&|\rPR1|1\rMSH|^~\\&|\r"), Err(MessageError::Stray));
        assert_eq!(split("BHS|^~\\&|\rMSH|^~\\&|\rBTS|1\rPR1|1\r"), Err(MessageError::Stray));
        assert_eq!(split("hello\rMSH|^~\\&|\r"), Err(MessageError::NoHeader));
        assert_eq!(split("BHS|^~\\&|\rBTS|0\r"), Err(MessageError::NoHeader));
        assert_eq!(split(""), Err(MessageError::NoHeader));
    }

    proptest! {
        #[test]
        fn every_message_found_begins_with_its_header(
            lines in prop::collection::vec(
                prop::sample::select(vec!["MSH|^~\\&|", "BHS|^~\\&|", "BTS", "PID|1", "", "x"]), 0..9,
            ),
            end in prop::sample::select(vec!["\r", "\n", "\r\n"]),
        ) {
            let text = lines.join(end);
            if let Ok(found) = split(&text) {
                prop_assert_eq!(found.len(), lines.iter().filter(|l| l.starts_with("MSH")).count());
                for message in found {
                    prop_assert!(Message::read(message.as_bytes(), &CharsetSetting::Auto).is_ok());
                }
            }
        }
    }
}
