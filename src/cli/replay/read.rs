//! Bytes of a file → the messages in them: framed, not framed, or both, with anything in between.
//! Incremental and bounded: no more than one message is held, however long the file is.

use bytes::{Buf, BytesMut};

use crate::hl7::frame::{self, FrameScanner, Scanned};

/// One thing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'b> {
    /// What is judged as a whole: a message, or a batch.
    Message(&'b [u8]),
    /// What a gate would not have been able to take as a message, and why.
    Unreadable(&'static str),
}

/// Where pieces go.
pub(super) type Found<'f> = &'f mut dyn FnMut(Piece<'_>);

/// The end of a frame was lost, or the file ends inside it.
pub(super) const FRAME_END_LOST: &str = "frame-end-lost";
/// Longer than the route takes.
pub(super) const TOO_LONG: &str = "frame-too-long";

const FILE_SEPARATOR: u8 = 0x1C;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// A byte order mark, a segment name and its separator.
const HEADER_LEN: usize = 7;

/// Takes one file apart.
pub(super) struct Splitter {
    max: usize,
    scanner: FrameScanner,
    held: BytesMut,
    loose: Loose,
}

impl Splitter {
    /// For messages of at most `max` bytes, the route's `max_frame_kib`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            scanner: FrameScanner::new(max),
            held: BytesMut::new(),
            loose: Loose { max, held: BytesMut::new(), searched: 0, fresh: true, outside: 0 },
        }
    }

    /// The next bytes of the file.
    pub(super) fn push(&mut self, bytes: &[u8], found: Found<'_>) {
        self.held.extend_from_slice(bytes);
        loop {
            let used = match self.scanner.next(&self.held) {
                Scanned::NeedMore => return,
                Scanned::Frame { range } => {
                    self.loose.close(found);
                    let frame = self.held.get(..range.end).unwrap_or_default();
                    found(Piece::Message(frame::payload(frame)));
                    range.end
                }
                Scanned::Outside { range, .. } => {
                    self.loose.push(self.held.get(..range.end).unwrap_or_default(), found);
                    range.end
                }
                Scanned::LostEnd { range } => {
                    self.loose.close(found);
                    found(Piece::Unreadable(FRAME_END_LOST));
                    range.end
                }
                Scanned::TooLong => {
                    self.loose.close(found);
                    found(Piece::Unreadable(TOO_LONG));
                    self.scanner = FrameScanner::new(self.max);
                    // What follows is looked at anew: it ends at the next start of a message.
                    self.max.min(self.held.len())
                }
            };
            self.held.advance(used);
        }
    }

    /// The end of the file; gives the number of bytes that belonged to no message.
    pub(super) fn finish(mut self, found: Found<'_>) -> u64 {
        let rest = std::mem::take(&mut self.held);
        if self.scanner.in_frame() && !rest.is_empty() {
            self.loose.close(found);
            let payload = rest.get(1..).unwrap_or_default();
            match without_separator(payload) {
                Some(whole) => found(Piece::Message(whole)),
                None => found(Piece::Unreadable(FRAME_END_LOST)),
            }
        } else {
            self.loose.push(&rest, found);
            self.loose.close(found);
        }
        self.loose.outside
    }
}

/// Bytes outside frames: messages of files that hold none, each from its header to the next.
struct Loose {
    max: usize,
    held: BytesMut,
    searched: usize,
    /// `held` begins a line.
    fresh: bool,
    outside: u64,
}

impl Loose {
    fn push(&mut self, bytes: &[u8], found: Found<'_>) {
        self.held.extend_from_slice(bytes);
        while let Some(at) = self.next_header() {
            self.give(at, found);
        }
        if header(&self.held).is_some() && self.fresh {
            self.searched = self.held.len().saturating_sub(HEADER_LEN).max(1);
            if self.held.len() > self.max {
                found(Piece::Unreadable(TOO_LONG));
                self.held.clear();
                (self.searched, self.fresh) = (0, false);
            }
        } else if self.held.len() > HEADER_LEN {
            self.skip(self.held.len() - HEADER_LEN);
        }
    }

    /// The start of the next message after the front; the front itself when nothing has begun.
    fn next_header(&self) -> Option<usize> {
        let begun = self.fresh.then(|| header(&self.held)).flatten();
        let from = if begun.is_some() { self.searched.max(1) } else { 0 };
        let line_ends = self.held.get(from - usize::from(from > 0)..).unwrap_or_default();
        let offset = from - usize::from(from > 0);
        let mut starts = memchr::memchr2_iter(b'\r', b'\n', line_ends).map(|at| offset + at + 1);
        starts.find(|at| {
            let next = self.held.get(*at..).and_then(header);
            next.is_some_and(|next| begun.is_none_or(|begun| ends(begun, next)))
        })
    }

    /// What stands before `at`: a message, or nothing of the kind.
    fn give(&mut self, at: usize, found: Found<'_>) {
        if self.fresh && header(&self.held).is_some() {
            let message = self.held.split_to(at.min(self.held.len()));
            found(if message.len() > self.max {
                Piece::Unreadable(TOO_LONG)
            } else {
                Piece::Message(without_separator(&message).unwrap_or(&message))
            });
            (self.searched, self.fresh) = (0, true);
        } else {
            self.skip(at);
            self.fresh = true;
        }
    }

    fn skip(&mut self, bytes: usize) {
        let bytes = bytes.min(self.held.len());
        self.outside += bytes as u64;
        let last = bytes.checked_sub(1).and_then(|at| self.held.get(at)).copied();
        if let Some(last) = last {
            self.fresh = matches!(last, b'\r' | b'\n');
        }
        self.held.advance(bytes);
        self.searched = 0;
    }

    /// Whatever comes next does not belong to what stands here.
    fn close(&mut self, found: Found<'_>) {
        self.give(self.held.len(), found);
        self.fresh = true;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    File,
    Batch,
    Message,
}

/// Whether a message or batch begins here.
fn header(bytes: &[u8]) -> Option<Header> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let kind = match bytes.get(..3)? {
        b"MSH" => Header::Message,
        b"FHS" => Header::File,
        b"BHS" => Header::Batch,
        _ => return None,
    };
    bytes.get(3)?.is_ascii_punctuation().then_some(kind)
}

/// Whether what began with `begun` ends where `next` stands: a batch holds messages.
fn ends(begun: Header, next: Header) -> bool {
    match begun {
        Header::Message => true,
        Header::Batch => next != Header::Message,
        Header::File => next == Header::File,
    }
}

/// What stands before a file separator that nothing but blanks follows.
fn without_separator(bytes: &[u8]) -> Option<&[u8]> {
    bytes.trim_ascii_end().strip_suffix(&[FILE_SEPARATOR])
}
