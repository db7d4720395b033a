//! One line of a message.

use std::fmt;
use std::ops::Range;

use crate::hl7::message::{Message, Span};

/// One line, its name and fields.
#[derive(Clone, Copy)]
pub struct Segment<'m> {
    message: &'m Message<'m>,
    index: usize,
    start: usize,
    end: usize,
}

impl<'m> Segment<'m> {
    pub(super) fn new(message: &'m Message<'m>, index: usize, range: Range<usize>) -> Self {
        Self { message, index, start: range.start, end: range.end }
    }

    /// What stands before the first field separator, exactly as written: blanks, case and all.
    /// The whole line when it has no separator.
    pub fn name(&self) -> &'m [u8] {
        self.message.bytes(self.start..self.name_end())
    }

    /// Its index among all lines, from 0.
    pub fn index(&self) -> usize {
        self.index
    }

    /// Which of the segments of its name it is, from 1.
    pub fn sequence(&self) -> usize {
        let before = self.message.segments().take(self.index);
        before.filter(|s| s.name() == self.name()).count() + 1
    }

    /// Its bytes in the payload, without the line end.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The message it is a line of.
    pub fn message(&self) -> &'m Message<'m> {
        self.message
    }

    /// Field `number` as HL7 counts: in MSH, FHS and BHS field 1 is the separator itself. Empty
    /// when there is no such field; field 0 is the name.
    pub fn field(&self, number: usize) -> Span<'m> {
        let mut number = number;
        if self.is_header() {
            match number {
                1 => return self.span(self.start + 3..self.start + 4),
                _ => number = number.saturating_sub(1),
            }
        }
        let line = self.message.masked(self.start..self.end);
        let mut separators = memchr::memchr_iter(self.message.delimiters().field, line);
        let start = match number.checked_sub(1) {
            None => self.start,
            Some(before) => match separators.nth(before) {
                Some(at) => self.start + at + 1,
                None => return self.span(self.end..self.end),
            },
        };
        self.span(start..separators.next().map_or(self.end, |at| self.start + at))
    }

    /// The pieces between field separators, the name first. In MSH, FHS and BHS the piece after
    /// the name is field 2.
    pub fn fields(&self) -> impl Iterator<Item = Span<'m>> + use<'m> {
        self.span(self.start..self.end).split(Some(self.message.delimiters().field))
    }

    /// Appends the name and the fields up to number `last`, as far as they are written; for who
    /// needs many fields of a segment that is no header.
    pub(crate) fn collect_fields(&self, last: usize, into: &mut Vec<Span<'m>>) {
        let by = self.message.delimiters().field;
        let mut start = self.start;
        let mut number = 0;
        // Fields are short: a loop over the bytes costs less than a search for each.
        for (at, byte) in (self.start..).zip(self.message.masked(self.start..self.end)) {
            if *byte == by {
                into.push(self.span(start..at));
                start = at + 1;
                number += 1;
                if number > last {
                    return;
                }
            }
        }
        into.push(self.span(start..self.end));
    }

    /// The number of the last field written, 0 when there is only a name.
    pub fn field_count(&self) -> usize {
        let pieces = memchr::memchr_iter(
            self.message.delimiters().field,
            self.message.masked(self.start..self.end),
        );
        pieces.count() + usize::from(self.is_header())
    }

    /// Whether it counts its fields as MSH does.
    pub fn is_header(&self) -> bool {
        let line = self.message.bytes(self.start..self.end);
        matches!(line, [b'M', b'S', b'H', by, ..] | [b'F' | b'B', b'H', b'S', by, ..]
            if *by == self.message.delimiters().field)
    }

    fn name_end(&self) -> usize {
        let by = self.message.delimiters().field;
        let line = self.message.masked(self.start..self.end);
        // Nearly every name has three letters; a search costs more than a look.
        if let [a, b, c, d, ..] = line
            && *d == by
            && ![a, b, c].contains(&&by)
        {
            return self.start + 3;
        }
        memchr::memchr(by, line).map_or(self.end, |at| self.start + at)
    }

    fn span(&self, range: Range<usize>) -> Span<'m> {
        Span::new(self.message, range)
    }
}

/// Shows the place only.
impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("index", &self.index).field("range", &self.range()).finish()
    }
}
