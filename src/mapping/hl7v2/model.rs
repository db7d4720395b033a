//! A mapping file, compiled: what the reader works with. Nothing here is parsed again per message.

use crate::domain::order::{Action, Stage};
use crate::domain::procedure::Grade;
use crate::mapping::concepts::ConceptMap;
use crate::mapping::hl7v2::place::{Place, SegmentId, Segments, Test};
use crate::mapping::terms::Terms;

/// The compiled file.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) segments: Segments,
    /// In the order of the file; the first that fits a message's type counts.
    pub(super) messages: Vec<MessageRule>,
    /// `types = ["*"]`: every type that no other entry names.
    pub(super) unnamed: Option<MessageRule>,
    pub(super) surgical: Surgical,
    pub(super) procedures: Vec<ProcedureRule>,
    pub(super) persons: Vec<PersonRule>,
    pub(super) surgeon_roles: Terms,
    pub(super) team_roles: Terms,
    pub(super) facts: Facts,
    pub(super) urgency: Vec<UrgencyRule>,
    pub(super) starts: Vec<Place>,
    pub(super) fallback_starts: Vec<Place>,
    pub(super) durations: Vec<DurationRule>,
    pub(super) minute_units: Terms,
    pub(super) hour_units: Terms,
    pub(super) stated_grade: Vec<Place>,
    pub(super) grade_words: Vec<(Grade, Terms)>,
    pub(super) concepts: ConceptMap,
}

/// MSH-9 as a file names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TypePattern {
    pub(super) code: Box<str>,
    pub(super) event: EventPattern,
}

/// The trigger event of a [`TypePattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum EventPattern {
    /// `ORM`: no event written.
    Absent,
    /// `ORM^*`: any, or none.
    Any,
    /// `ORM^O01`.
    Exactly(Box<str>),
}

/// One `[[message]]`.
#[derive(Debug)]
pub(super) struct MessageRule {
    pub(super) types: Vec<TypePattern>,
    pub(super) stage: Stage,
    pub(super) action: ActionRule,
    /// Groups begin at the first of these that the message has; none: the message is one group.
    pub(super) group_by: Vec<SegmentId>,
    /// With one of these anywhere the message is one group all the same.
    pub(super) whole_with: Vec<SegmentId>,
    /// Mapped only when one of these is there; empty: always.
    pub(super) requires: Vec<SegmentId>,
    /// With one of these it is a reply.
    pub(super) reply_with: Vec<SegmentId>,
    /// A group whose begin says so is withdrawn as a whole.
    pub(super) deleted: Vec<Test>,
    /// Counted when no test is met.
    pub(super) scheduling: bool,
}

/// What a message wants done.
#[derive(Debug)]
pub(super) enum ActionRule {
    /// The type says it.
    Fixed(Action),
    /// A field says it; anything not listed is checked as new.
    Field {
        /// Which.
        place: Place,
        /// Compared exactly.
        codes: Vec<(Box<str>, Action)>,
    },
}

/// `[surgical]`.
#[derive(Debug, Default)]
pub(super) struct Surgical {
    pub(super) segments: Vec<SegmentId>,
    pub(super) codes: Vec<Place>,
    pub(super) values: Vec<Test>,
    pub(super) surgeon: bool,
    pub(super) order_no: bool,
}

/// One `[[procedure]]`.
#[derive(Debug)]
pub(super) struct ProcedureRule {
    pub(super) each: SegmentId,
    pub(super) codes: Vec<Place>,
    pub(super) further: Vec<Place>,
    pub(super) name: Vec<Place>,
    pub(super) deleted: Vec<Test>,
    /// Segments behind one of `each` that belong to it.
    pub(super) owns: Vec<SegmentId>,
    pub(super) unless_message_has: Vec<SegmentId>,
}

/// How it is known what somebody does.
#[derive(Debug)]
pub(super) enum Standing {
    /// The place itself says so.
    Surgeon,
    /// The place itself says so.
    Team,
    /// A role says so.
    Role {
        place: Place,
        /// A sole person without role is the surgeon.
        sole: bool,
    },
}

/// One `[[person]]`.
#[derive(Debug)]
pub(super) struct PersonRule {
    pub(super) at: Place,
    pub(super) name: Option<Place>,
    pub(super) standing: Standing,
    pub(super) deleted: Vec<Test>,
}

/// `[facts]`: for each the places, the first that is not empty counts.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) message_time: Vec<Place>,
    pub(super) patient: Vec<Place>,
    pub(super) encounter: Vec<Place>,
    /// All of them count.
    pub(super) diagnoses: Vec<Place>,
    pub(super) order_no: Vec<Place>,
    pub(super) department: Vec<Place>,
    pub(super) site: Vec<Place>,
    pub(super) ordering_doctor: Vec<Place>,
    pub(super) reason: Vec<Place>,
    pub(super) attested_by: Vec<Place>,
    pub(super) discussion: Vec<Place>,
    pub(super) consent: Vec<Place>,
}

/// One `[[urgency]]`.
#[derive(Debug)]
pub(super) struct UrgencyRule {
    pub(super) at: Vec<Place>,
    pub(super) emergency: Terms,
    pub(super) urgent: Terms,
    pub(super) elective: Terms,
}

/// One `[[duration]]`.
#[derive(Debug)]
pub(super) enum DurationRule {
    /// A number and, unless minutes, its unit.
    Length { at: Place, unit: Option<Place> },
    /// The time at which it ends.
    End(Place),
}
