//! Lines that another reader would take for a segment and we do not (invariant 4).

use std::ops::Range;

use crate::hl7::message::Message;
use crate::hl7::message::span::find;

/// The start of a line in the eyes of a more generous reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignLine {
    /// Three letters or digits, trimmed and in upper case: `PR1` for ` pr1|`.
    pub name: [u8; 3],
    /// The line in the payload, as that reader cuts it.
    pub range: Range<usize>,
}

impl ForeignLine {
    /// The name as text.
    pub fn name(&self) -> &str {
        std::str::from_utf8(&self.name).unwrap_or_default()
    }
}

/// What some reader in use takes for a line end: CR and LF, and what general-purpose line splitters
/// add to them (VT, FF, the separators 1C–1E).
fn breaks_line(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0x0B | 0x0C | 0x1C..=0x1E)
}

/// Lines are looked at in pieces of this size: most hold no control character, and vector
/// instructions tell.
const PIECE: usize = 32;

fn next_break(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for piece in bytes.chunks(PIECE) {
        if piece.iter().fold(false, |found, byte| found | (*byte < b' '))
            && let Some(found) = piece.iter().position(|&byte| breaks_line(byte))
        {
            return Some(at + found);
        }
        at += piece.len();
    }
    None
}

pub(super) fn foreign_lines<'m>(
    message: &'m Message<'_>,
) -> impl Iterator<Item = ForeignLine> + 'm {
    let total = message.raw().len();
    let mut at = Some(0);
    let mut ours = message.lines.iter().map(|l| l.range()).peekable();
    std::iter::from_fn(move || {
        while let Some(start) = at {
            let rest = message.masked(start..total);
            let end = next_break(rest).map(|found| start + found);
            at = end.map(|end| end + 1);
            let range = start..end.unwrap_or(total);
            let Some(name) = generous_name(message, range.clone()) else { continue };
            while ours.next_if(|line| line.start < start).is_some() {}
            let same = ours.peek().is_some_and(|line| {
                line.start == start && exact_name(message, line.clone()) == name
            });
            if !same {
                return Some(ForeignLine { name, range });
            }
        }
        None
    })
}

fn exact_name<'m>(message: &'m Message<'_>, line: Range<usize>) -> &'m [u8] {
    let masked = message.masked(line.clone());
    let length = find(message.delimiters().field, masked).unwrap_or(masked.len());
    message.bytes(line.start..line.start + length)
}

/// The name after trimming and folding, when three letters and digits remain of it.
fn generous_name(message: &Message<'_>, line: Range<usize>) -> Option<[u8; 3]> {
    let masked = message.masked(line);
    let name = masked.split(|&b| b == message.delimiters().field).next().unwrap_or_default();
    let invisible = |b: &u8| *b <= b' ' || *b == 0x7F;
    // A byte order mark, a no-break space or an ideographic space, in UTF-8 or GB 18030.
    let marks: [&[u8]; 4] = [b"\xEF\xBB\xBF", b"\xC2\xA0", b"\xE3\x80\x80", b"\xA1\xA1"];
    let mut name = name;
    loop {
        let before = name.len();
        while let [first, rest @ ..] = name
            && invisible(first)
        {
            name = rest;
        }
        while let [rest @ .., last] = name
            && invisible(last)
        {
            name = rest;
        }
        for mark in marks {
            name = name.strip_prefix(mark).unwrap_or(name);
            name = name.strip_suffix(mark).unwrap_or(name);
        }
        if name.len() == before {
            break;
        }
    }
    let name: [u8; 3] = name.try_into().ok()?;
    name.iter().all(u8::is_ascii_alphanumeric).then(|| name.map(|b| b.to_ascii_uppercase()))
}
