//! What two readers could see differently in the whole message (design invariant 4).

use crate::domain::order::Order;
use crate::hl7::message::{LineEnd, Message};
use crate::mapping::hl7v2::place::{ADD, DSC, SegmentId, UNMAPPED};
use crate::mapping::hl7v2::read::{Certain, Reader};
use crate::mapping::reading::{Doubt, Reading, Unreadable};

/// MSH-14: this message continues another.
const CONTINUATION_POINTER: usize = 14;

impl Reader<'_, '_> {
    /// No segment that only a more generous reader sees, under one of `names`; empty: any mapped name.
    pub(super) fn no_foreign_line(&self, names: &[SegmentId]) -> Certain<()> {
        if self.no_line_can_be_foreign() {
            return Ok(());
        }
        for line in self.message.foreign_lines() {
            let Some(id) = self.model.segments.id(&line.name) else { continue };
            if names.is_empty() || names.contains(&id) {
                return Err(Unreadable::new(Doubt::SegmentName));
            }
        }
        Ok(())
    }

    /// Nothing that is read goes on in ADD or in another message.
    pub(super) fn not_continued(&self) -> Certain<()> {
        let header = self.message.header().segment();
        if !header.field(CONTINUATION_POINTER).is_empty() {
            return Err(Unreadable::new(Doubt::MessageContinued));
        }
        for index in self.only(self.all(), DSC) {
            let valued = self.segment(index).is_some_and(|s| !s.field(1).is_empty());
            self.unless(Doubt::MessageContinued, valued)?;
        }
        if !self.has(ADD) {
            return Ok(());
        }
        let mut before = None;
        for (index, id) in self.ids.iter().enumerate() {
            if *id != ADD {
                // A blank line ends nothing: an ADD behind it continues the segment before.
                before = if self.is_blank(index) { before } else { Some(index) };
                continue;
            }
            let segment = before.and_then(|index| self.segment(index));
            let continues_read = segment.is_some_and(|segment| {
                let highest = self.model.segments.highest_field(self.id(segment.index()));
                highest > 0 && highest >= segment.field_count()
            });
            self.unless(Doubt::SegmentContinued, continues_read)?;
        }
        Ok(())
    }

    fn is_blank(&self, index: usize) -> bool {
        self.id(index) == UNMAPPED && self.segment(index).is_some_and(|s| s.range().is_empty())
    }

    /// The short way to know that there is no foreign line: lines end in CR only, no other byte
    /// ends a line for anybody, and every name is three capitals or digits.
    fn no_line_can_be_foreign(&self) -> bool {
        let raw = self.message.raw();
        self.plain_names
            && self.message.line_end() == LineEnd::Cr
            && memchr::memchr3(b'\n', 0x0B, 0x0C, raw).is_none()
            && memchr::memchr3(0x1C, 0x1D, 0x1E, raw).is_none()
    }
}

/// Whether a reader that splits lines otherwise, trims or folds sees another message begin inside
/// this one: `MSH` and a separator behind a foreign line end, blanks or a byte order mark.
pub(super) fn hides_header(message: &Message<'_>) -> bool {
    let raw = message.raw();
    memchr::memchr2_iter(b'M', b'm', raw).filter(|at| *at > 0).any(|at| {
        let (before, from) = raw.split_at_checked(at).unwrap_or_default();
        let [_, b'S' | b's', b'H' | b'h', separator, ..] = from else { return false };
        separator.is_ascii_punctuation() && begins_line(before)
    })
}

/// Whether nothing but what is trimmed stands behind the last line end of `before`, whoever splits.
fn begins_line(before: &[u8]) -> bool {
    let ends_line = |b: u8| matches!(b, b'\r' | b'\n' | 0x0B | 0x0C | 0x1C..=0x1E);
    // Byte order marks, no-break and ideographic spaces, in UTF-8 and GB 18030.
    let trimmed = |b: u8| {
        b <= b' ' || matches!(b, 0x7F | 0x80 | 0xA0 | 0xA1 | 0xBB | 0xBF | 0xC2 | 0xE3 | 0xEF)
    };
    let mut behind = before.iter().rev().skip_while(|b| trimmed(**b) && !ends_line(**b));
    behind.next().is_some_and(|b| ends_line(*b))
}

/// Whether two readings of the same bytes say the same in everything a verdict needs.
pub(super) fn agree(first: &Reading, second: &Reading) -> bool {
    match (first, second) {
        (Reading::Surgical(first), Reading::Surgical(second)) => {
            let checked = |order: &Order| order.groups.iter().any(|g| g.action.checked());
            if !checked(first) && !checked(second) {
                return true;
            }
            needed(first) == needed(second)
        }
        // Either way none of our business; what is counted beside does not matter.
        (Reading::NotSurgical { .. }, Reading::NotSurgical { .. }) => true,
        _ => first == second,
    }
}

/// The order without what never decides: texts beside codes, and names beside ids. A surgeon's name
/// stays: it is held against that of the register.
fn needed(order: &Order) -> Order {
    let mut order = order.clone();
    for group in &mut order.groups {
        group.attestation = crate::domain::order::Attestation::default();
        for line in &mut group.lines {
            line.name = None;
            let codings = line.coded.iter_mut().flat_map(|place| &mut place.codings);
            codings.for_each(|coding| coding.display = None);
            for person in &mut line.team {
                if person.id.is_some() {
                    person.name.clear();
                }
            }
        }
        if let Some(doctor) = &mut group.ordering_doctor
            && doctor.id.is_some()
        {
            doctor.name.clear();
        }
    }
    order
}
