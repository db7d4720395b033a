//! Bytes inside characters, hidden from a search for delimiters.
//!
//! In GB 18030 and BIG-5 the second byte of a character may be any of `\ ^ | ~`. The mask is a copy
//! of the bytes, offsets unchanged, in which every such byte is neutral, so that plain byte search
//! finds delimiters only. Messages that have no such byte (all of ASCII and UTF-8, nearly all of
//! GB 2312) are their own mask.

use std::borrow::Cow;

use crate::hl7::delimiters::Delimiters;

/// Stands in the mask for a byte inside a character; no delimiter, as it is not ASCII.
const NEUTRAL: u8 = 0x80;

/// How the characters of a set hide bytes that look like ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trail {
    /// They do not.
    Never,
    /// Second byte 40–7E or 80–FE; four-byte forms with digits second and fourth.
    Gb18030,
    /// Second byte 40–7E or A1–FE.
    Big5,
}

/// The mask of `bytes`: borrowed unless a trail byte equals a delimiter.
pub(crate) fn mask<'a>(bytes: &'a [u8], trail: Trail, delimiters: &Delimiters) -> Cow<'a, [u8]> {
    let collides = |from: usize, length: usize| {
        let inside = bytes.get(from + 1..from + length).unwrap_or_default();
        inside.iter().any(|&b| delimiters.contains(b))
    };
    let mut first = None;
    characters(bytes, 0, trail, |from, length| {
        if collides(from, length) {
            first = Some(from);
        }
        first.is_none()
    });
    let Some(first) = first else { return Cow::Borrowed(bytes) };
    let mut masked = bytes.to_vec();
    characters(bytes, first, trail, |from, length| {
        if let Some(inside) = masked.get_mut(from + 1..from + length) {
            inside.fill(NEUTRAL);
        }
        true
    });
    Cow::Owned(masked)
}

/// Whether all of `bytes` is GB 18030. Agrees with the codec of encoding_rs (tested), at a third of
/// the cost, since every pair of the two-byte area is mapped.
pub(super) fn valid_gb18030(bytes: &[u8]) -> bool {
    let mut at = 0;
    while let Some(from) = next_high(bytes, at) {
        let rest = bytes.get(from..).unwrap_or_default();
        at = from
            + match rest {
                [0x80, ..] => 1,
                [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, ..] => 2,
                [a @ 0x81..=0xFE, b @ b'0'..=b'9', c @ 0x81..=0xFE, d @ b'0'..=b'9', ..]
                    if four_byte_mapped(*a, *b, *c, *d) =>
                {
                    4
                }
                _ => return false,
            };
    }
    true
}

/// The linear position of a four-byte form lies in the Basic Multilingual Plane part or in the
/// supplementary planes.
fn four_byte_mapped(a: u8, b: u8, c: u8, d: u8) -> bool {
    let [a, b, c, d] = [a - 0x81, b - b'0', c - 0x81, d - b'0'].map(u32::from);
    let position = ((a * 10 + b) * 126 + c) * 10 + d;
    matches!(position, 0..=39_419 | 189_000..=1_237_575)
}

/// Calls `each` with start and length of every multi-byte character from `at` on, while it says so.
fn characters(bytes: &[u8], at: usize, trail: Trail, mut each: impl FnMut(usize, usize) -> bool) {
    if trail == Trail::Never {
        return;
    }
    let mut at = at;
    while let Some(from) = next_high(bytes, at) {
        let length = length(bytes.get(from..).unwrap_or_default(), trail);
        if length > 1 && !each(from, length) {
            return;
        }
        at = from + length;
    }
}

/// The length of the character that `rest` begins with; a lead byte without a fitting trail stands
/// alone, so that the byte after it is looked at for itself.
fn length(rest: &[u8], trail: Trail) -> usize {
    match (trail, rest) {
        (Trail::Gb18030, [0x81..=0xFE, b'0'..=b'9', 0x81..=0xFE, b'0'..=b'9', ..]) => 4,
        (Trail::Gb18030, [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, ..])
        | (Trail::Big5, [0x81..=0xFE, 0x40..=0x7E | 0xA1..=0xFE, ..]) => 2,
        _ => 1,
    }
}

fn next_high(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let mut at = 0;
    // Eight at a time over the ASCII between two characters.
    while let Some(chunk) = rest.get(at..at + 8) {
        if !chunk.is_ascii() {
            break;
        }
        at += 8;
    }
    let tail = rest.get(at..)?;
    tail.iter().position(|b| !b.is_ascii()).map(|found| from + at + found)
}
