//! MLLP: where a frame begins and ends in a stream of bytes.
//!
//! A frame is `0B` payload `1C 0D`. `1C` alone is payload. `0B` inside a frame is payload, unless a
//! header segment follows it: then the end of the frame before it was lost. What stands between
//! frames (line feeds, NULs, log text, heartbeats such as `#$#` `1C 0D`) is given as pieces of its
//! own, never joined to a frame. The outcome does not depend on how the bytes arrive.

use std::ops::Range;

const START: u8 = 0x0B;
const END: u8 = 0x1C;
const CR: u8 = 0x0D;

/// Bytes outside frames that are given as one piece. Heartbeats have five; log text that leaks into
/// the stream comes in lines. Longer pieces are cut, and then never forwardable.
pub const MAX_OUTSIDE_BYTES: usize = 4096;

/// What stands at the front of the buffer. The caller drains `range.end` bytes and asks again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// A whole frame, from `0B` to `0D`.
    Frame {
        /// In the buffer given.
        range: Range<usize>,
    },
    /// Bytes outside frames, up to the next `0B` or with their own `1C 0D`.
    Outside {
        /// In the buffer given.
        range: Range<usize>,
        /// They hold no start of a frame and nothing like a header segment, and were not cut: a
        /// route may pass them on.
        forwardable: bool,
    },
    /// A frame whose end was lost: the next one begins where it stops. It is never judged, and
    /// never forwarded where the gate enforces.
    LostEnd {
        /// In the buffer given.
        range: Range<usize>,
    },
    /// Nothing is complete yet; append to the buffer.
    NeedMore,
    /// The frame is longer than allowed: answer and close.
    TooLong,
}

/// Remembers how far it has looked, so that no byte is looked at twice however slowly a frame
/// arrives. It holds no bytes.
#[derive(Clone, Debug)]
pub struct FrameScanner {
    max_frame_bytes: usize,
    /// Bytes of the buffer's front already searched.
    searched: usize,
    in_frame: bool,
    /// The piece outside frames before this one was cut at [`MAX_OUTSIDE_BYTES`].
    cut: bool,
}

impl FrameScanner {
    /// A scanner for frames of at most `max_frame_bytes`, framing included.
    pub fn new(max_frame_bytes: usize) -> Self {
        Self { max_frame_bytes, searched: 0, in_frame: false, cut: false }
    }

    /// Another limit from here on, for the frame under way too.
    pub fn limit(&mut self, max_frame_bytes: usize) {
        self.max_frame_bytes = max_frame_bytes;
    }

    /// Whether a frame has begun and not ended.
    pub fn in_frame(&self) -> bool {
        self.in_frame
    }

    /// Looks at `buffer`, which must begin where the last piece ended and else only grow.
    pub fn next(&mut self, buffer: &[u8]) -> Scanned {
        self.in_frame = buffer.first() == Some(&START);
        let scanned = if self.in_frame { self.frame(buffer) } else { self.outside(buffer) };
        if !matches!(scanned, Scanned::NeedMore | Scanned::TooLong) {
            self.searched = 0;
            self.in_frame = false;
        }
        scanned
    }

    fn frame(&mut self, buffer: &[u8]) -> Scanned {
        self.cut = false;
        let from = self.searched.max(1);
        for found in memchr::memchr2_iter(END, START, buffer.get(from..).unwrap_or_default()) {
            let at = from + found;
            let rest = buffer.get(at + 1..).unwrap_or_default();
            if at >= self.max_frame_bytes {
                return Scanned::TooLong;
            }
            match (buffer.get(at), rest) {
                (Some(&END), [CR, ..]) if at + 2 > self.max_frame_bytes => return Scanned::TooLong,
                (Some(&END), [CR, ..]) => return Scanned::Frame { range: 0..at + 2 },
                (Some(&END), []) => return self.wait_at(at),
                (Some(&START), rest) => match begins_header(rest) {
                    // A doubled 0B: no frame was lost, only a byte too many sent.
                    Some(true) if at == 1 => {
                        return Scanned::Outside { range: 0..1, forwardable: false };
                    }
                    Some(true) => return Scanned::LostEnd { range: 0..at },
                    Some(false) => {}
                    None => return self.wait_at(at),
                },
                _ => {}
            }
        }
        self.searched = buffer.len();
        if buffer.len() > self.max_frame_bytes { Scanned::TooLong } else { Scanned::NeedMore }
    }

    fn wait_at(&mut self, at: usize) -> Scanned {
        self.searched = at;
        Scanned::NeedMore
    }

    fn outside(&mut self, buffer: &[u8]) -> Scanned {
        let window = buffer.get(..MAX_OUTSIDE_BYTES).unwrap_or(buffer);
        for found in memchr::memchr2_iter(END, START, window.get(self.searched..).unwrap_or(&[])) {
            let at = self.searched + found;
            match (window.get(at), window.get(at + 1)) {
                (Some(&START), _) => return self.piece(window, at, false),
                (Some(&END), Some(&CR)) => return self.piece(window, at + 2, false),
                (Some(&END), None) if window.len() < MAX_OUTSIDE_BYTES => return self.wait_at(at),
                _ => {}
            }
        }
        if window.len() == MAX_OUTSIDE_BYTES {
            return self.piece(window, MAX_OUTSIDE_BYTES, true);
        }
        self.wait_at(window.len())
    }

    fn piece(&mut self, window: &[u8], end: usize, cut: bool) -> Scanned {
        let after_cut = std::mem::replace(&mut self.cut, cut);
        let whole = !cut && !after_cut;
        let bytes = window.get(..end).unwrap_or_default();
        Scanned::Outside { range: 0..end, forwardable: whole && !resembles_message(bytes) }
    }
}

/// Whether `rest` begins with a header segment; `None` while it still may.
fn begins_header(rest: &[u8]) -> Option<bool> {
    let names: [&[u8; 3]; 3] = [b"MSH", b"FHS", b"BHS"];
    match rest.get(..3) {
        Some(name) if names.iter().any(|n| name == *n) => {
            rest.get(3).map(|separator| separator.is_ascii_punctuation())
        }
        Some(_) => Some(false),
        None if names.iter().any(|n| n.starts_with(rest)) => None,
        None => Some(false),
    }
}

fn resembles_message(bytes: &[u8]) -> bool {
    let names: [&[u8; 3]; 3] = [b"MSH", b"FHS", b"BHS"];
    bytes.windows(3).any(|w| names.iter().any(|n| w.eq_ignore_ascii_case(*n)))
}

/// The payload of a frame: without `0B`, `1C 0D`.
pub fn payload(frame: &[u8]) -> &[u8] {
    let payload = frame.strip_prefix(&[START]).unwrap_or(frame);
    payload.strip_suffix(&[END, CR]).unwrap_or(payload)
}

/// `payload` in a frame.
pub fn wrap(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 3);
    frame.push(START);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&[END, CR]);
    frame
}

#[cfg(test)]
mod tests;
