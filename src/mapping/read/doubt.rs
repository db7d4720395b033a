//! What two readers could see differently in the whole message (design invariant 4).

use crate::domain::order::{Order, Primary};
use crate::mapping::place::SegmentId;
use crate::mapping::read::{Certain, Reader};
use crate::mapping::reading::{Doubt, Reading, Unreadable};

/// MSH-14: this message continues another.
const CONTINUATION_POINTER: usize = 14;

impl Reader<'_, '_> {
    /// No segment that only a more generous reader sees, under one of `names`; empty: any mapped name.
    pub(super) fn no_foreign_line(&self, names: &[SegmentId]) -> Certain<()> {
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
        let mut continued = None;
        for segment in self.message.segments() {
            match segment.name() {
                b"ADD" => {
                    let reads_on = continued.is_some_and(|(id, fields)| {
                        self.model.segments.highest_field(id) >= fields
                    });
                    if reads_on {
                        return Err(Unreadable::new(Doubt::SegmentContinued));
                    }
                }
                b"DSC" if !segment.field(1).is_empty() => {
                    return Err(Unreadable::new(Doubt::MessageContinued));
                }
                b"" => {}
                name => {
                    // Counting fields costs; only a segment that an ADD can follow needs it.
                    let id = self.model.segments.id(name);
                    let next = self.message.segment_at(segment.index() + 1);
                    let added = next.is_some_and(|next| matches!(next.name(), b"ADD" | b""));
                    continued = id.filter(|_| added).map(|id| (id, segment.field_count()));
                }
            }
        }
        Ok(())
    }
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
        _ => first == second,
    }
}

/// The order without what never decides: texts beside codes, and names beside ids.
fn needed(order: &Order) -> Order {
    let mut order = order.clone();
    for group in &mut order.groups {
        group.attestation = crate::domain::order::Attestation::default();
        for line in &mut group.lines {
            line.name = None;
            let codings = line.coded.iter_mut().flat_map(|place| &mut place.codings);
            codings.for_each(|coding| coding.display = None);
            let primary = match &mut line.primary {
                Primary::Named(persons) => persons.as_mut_slice(),
                Primary::Missing | Primary::Unclear(_) => &mut [],
            };
            for person in primary.iter_mut().chain(&mut line.team) {
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
