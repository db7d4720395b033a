//! A message as an index over its bytes: nothing is copied, nothing is lost, any input has one.
//!
//! The segments and the line ends between them cover the payload exactly. Blank lines, lines of
//! text, names without fields and unknown segments are segments like any other. Fields and their
//! parts are searched for when asked for.

mod foreign;
mod header;
mod segment;
mod span;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::hl7::charset::{self, Charset, CharsetSetting, Encoding};
use crate::hl7::delimiters::Delimiters;

pub use foreign::ForeignLine;
pub use header::{Header, Version};
pub use segment::Segment;
pub use span::Span;

/// Lines of one message; more is no message. The largest seen in practice hold some ten thousand;
/// the index costs 8 bytes for each.
pub const MAX_SEGMENTS: usize = 1_000_000;

/// Why a payload cannot be read as a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It does not begin with MSH and a separator.
    #[error("the payload does not begin with an MSH segment: send HL7 v2 in its vertical-bar form")]
    NoHeader,
    /// MSH-1 and MSH-2.
    #[error("MSH-1 and MSH-2 do not name distinct delimiters of printable ASCII: write |^~\\&")]
    Delimiters,
    /// UTF-7, UTF-16, UTF-32, EBCDIC, ISO 2022.
    #[error(
        "MSH-18 declares a character set whose bytes cannot be split: send UTF-8, GB 18030 or ASCII"
    )]
    Charset,
    /// Too large for the index.
    #[error("the message has more than {MAX_SEGMENTS} lines or 4 GiB: split it")]
    TooLarge,
    /// Segments of a batch outside its messages.
    #[error("the batch holds segments that belong to none of its messages: begin each with MSH")]
    Stray,
}

impl MessageError {
    /// A short name without content, for records and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoHeader => "no-header",
            Self::Delimiters => "delimiters",
            Self::Charset => "charset",
            Self::TooLarge => "too-large",
            Self::Stray => "stray-segments",
        }
    }
}

/// What ends a line; the first line end of the message decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// As the standard says. A line feed is then text.
    Cr,
    /// Both together; either alone is then text.
    CrLf,
    /// Line feeds; carriage returns right before one belong to it.
    Lf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Line {
    start: u32,
    end: u32,
}

impl Line {
    fn range(self) -> Range<usize> {
        // Lossless: usize has at least 32 bits on every platform tokio runs on.
        self.start as usize..self.end as usize
    }
}

/// One message, indexed.
#[derive(Clone)]
pub struct Message<'a> {
    raw: &'a [u8],
    mask: Cow<'a, [u8]>,
    delimiters: Delimiters,
    encoding: Encoding,
    line_end: LineEnd,
    lines: Vec<Line>,
}

impl<'a> Message<'a> {
    /// Indexes `payload`, which begins with `MSH` and has no frame around it.
    ///
    /// # Errors
    /// When it does not begin with a header that names usable delimiters, declares a character set
    /// that cannot be split, or is beyond all measure. Everything else is a message.
    pub fn read(payload: &'a [u8], setting: &CharsetSetting) -> Result<Self, MessageError> {
        Self::headed(b"MSH", payload, setting)
    }

    /// Like [`Self::read`] for a payload that begins with another header segment (BHS, FHS).
    pub(crate) fn headed(
        name: &[u8; 3],
        payload: &'a [u8],
        setting: &CharsetSetting,
    ) -> Result<Self, MessageError> {
        if !payload.starts_with(name) {
            return Err(MessageError::NoHeader);
        }
        let delimiters = Delimiters::read(payload)?;
        let line_end = line_end(payload);
        let lines = lines(payload, line_end)?;
        let header_end = lines.first().map_or(payload.len(), |l| l.range().end);
        let encoding = charset::detect(payload, header_end, &delimiters, setting)?;
        let mask = charset::mask(payload, encoding.charset.trail(), &delimiters);
        Ok(Self { raw: payload, mask, delimiters, encoding, line_end, lines })
    }

    /// The bytes it was read from.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// MSH-1 and MSH-2.
    pub fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// The character set and how it is known.
    pub fn encoding(&self) -> &Encoding {
        &self.encoding
    }

    /// The first line end; [`LineEnd::Cr`] when there is none.
    pub fn line_end(&self) -> LineEnd {
        self.line_end
    }

    /// The reading of those who split bytes instead of characters. `None` when no character holds
    /// a byte that equals a delimiter, so that both readings are the same.
    pub fn bytewise(&self) -> Option<Self> {
        match &self.mask {
            Cow::Borrowed(_) => None,
            Cow::Owned(_) => Some(Self { mask: Cow::Borrowed(self.raw), ..self.clone() }),
        }
    }

    /// All lines in order, the header first.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Segment<'_>> + ExactSizeIterator {
        let lines = self.lines.iter().enumerate();
        lines.map(|(index, line)| Segment::new(self, index, line.range()))
    }

    /// The line with this index, from 0.
    pub fn segment_at(&self, index: usize) -> Option<Segment<'_>> {
        self.lines.get(index).map(|line| Segment::new(self, index, line.range()))
    }

    /// The segments of exactly this name, in order.
    pub fn named<'m>(&'m self, name: &'m [u8]) -> impl Iterator<Item = Segment<'m>> {
        self.segments().filter(move |s| s.name() == name)
    }

    /// How many lines there are; at least one.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Never: a message has a header.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The fields of MSH.
    pub fn header(&self) -> Header<'_> {
        let end = self.lines.first().map_or(0, |l| l.range().end);
        Header::new(Segment::new(self, 0, 0..end))
    }

    /// Where readers that split at every line end, or that trim and fold the names of segments,
    /// see the start of a segment that this index does not have there under that very name.
    pub fn foreign_lines(&self) -> impl Iterator<Item = ForeignLine> + '_ {
        foreign::foreign_lines(self)
    }

    /// Whether a usual delimiter that MSH-2 is too short to declare stands somewhere in the text:
    /// a reader with built-in delimiters would split there, we do not.
    pub fn delimiters_in_doubt(&self) -> bool {
        let header = 4 + self.header().encoding_characters().len();
        let body = self.mask.get(header..).unwrap_or_default();
        self.delimiters.undeclared().any(|byte| memchr::memchr(byte, body).is_some())
    }

    pub(crate) fn masked(&self, range: Range<usize>) -> &[u8] {
        self.mask.get(range).unwrap_or_default()
    }

    pub(crate) fn bytes(&self, range: Range<usize>) -> &'a [u8] {
        self.raw.get(range).unwrap_or_default()
    }

    pub(crate) fn charset(&self) -> Charset {
        self.encoding.charset
    }
}

/// Shows the shape only: the content belongs to a patient.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("bytes", &self.raw.len())
            .field("segments", &self.lines.len())
            .field("line_end", &self.line_end)
            .field("delimiters", &self.delimiters)
            .field("encoding", &self.encoding)
            .finish_non_exhaustive()
    }
}

/// The kind of the first line end. CR and LF never stand inside a character of a set we read.
pub(crate) fn line_end(payload: &[u8]) -> LineEnd {
    match memchr::memchr2(b'\r', b'\n', payload) {
        Some(at) if payload.get(at) == Some(&b'\n') => LineEnd::Lf,
        Some(at) if payload.get(at + 1) == Some(&b'\n') => LineEnd::CrLf,
        Some(_) | None => LineEnd::Cr,
    }
}

/// The lines of `payload` without their ends; a last line without an end counts when it has text.
pub(crate) fn line_ranges(
    payload: &[u8],
    line_end: LineEnd,
) -> impl Iterator<Item = Range<usize>> + '_ {
    let by = if line_end == LineEnd::Lf { b'\n' } else { b'\r' };
    let both = line_end == LineEnd::CrLf;
    let ends = memchr::memchr_iter(by, payload);
    let mut ends = ends.filter(move |at| !both || payload.get(at + 1) == Some(&b'\n'));
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let Some(at) = ends.next() else {
            start = None;
            let end = trimmed(payload, from, payload.len(), b"\r\n");
            return (end > from || from == 0).then_some(from..end);
        };
        start = Some(at + if both { 2 } else { 1 });
        let end = if line_end == LineEnd::Lf { trimmed(payload, from, at, b"\r") } else { at };
        Some(from..end)
    })
}

fn trimmed(payload: &[u8], start: usize, end: usize, off: &[u8]) -> usize {
    let line = payload.get(start..end).unwrap_or_default();
    end - line.iter().rev().take_while(|b| off.contains(b)).count()
}

fn lines(payload: &[u8], line_end: LineEnd) -> Result<Vec<Line>, MessageError> {
    u32::try_from(payload.len()).map_err(|_| MessageError::TooLarge)?;
    let mut lines = Vec::with_capacity(16);
    for range in line_ranges(payload, line_end) {
        push(&mut lines, range.start, range.end)?;
    }
    Ok(lines)
}

fn push(lines: &mut Vec<Line>, start: usize, end: usize) -> Result<(), MessageError> {
    if lines.len() == MAX_SEGMENTS {
        return Err(MessageError::TooLarge);
    }
    let narrow = |at: usize| u32::try_from(at).map_err(|_| MessageError::TooLarge);
    lines.push(Line { start: narrow(start)?, end: narrow(end)? });
    Ok(())
}

#[cfg(test)]
mod tests;
