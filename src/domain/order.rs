//! The one shape that every surgical message becomes, whatever its protocol.
//!
//! Identities of patients print redacted: `Debug` of [`Redacted`] shows no content.

use std::fmt;

use jiff::Timestamp;

use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::{PersonKey, SurgeonId, fold_name};

/// The three checkpoints of SG 29.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// 手术医嘱 / 手术申请
    Order,
    /// 手术通知单 / 手术排班
    Notice,
    /// 麻醉记录单 / 手术记录; it has happened, so it is never blocked
    Record,
}

impl Stage {
    /// `order`, `notice` or `record`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Notice => "notice",
            Self::Record => "record",
        }
    }
}

/// What a message wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Checked.
    New,
    /// Checked.
    Change,
    /// Always forwarded: nobody may be kept from calling an operation off.
    Withdraw,
    /// Answers and status queries: forwarded.
    Other,
}

impl Action {
    /// `new`, `change`, `withdraw` or `other`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Change => "change",
            Self::Withdraw => "withdraw",
            Self::Other => "other",
        }
    }

    /// Only new work and changes are judged (rules.md §1).
    pub fn checked(self) -> bool {
        matches!(self, Self::New | Self::Change)
    }
}

/// How soon the operation must be done. In order of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// 择期
    Elective,
    /// 限期
    Urgent,
    /// 急诊
    Emergency,
}

impl Urgency {
    /// `elective`, `urgent` or `emergency`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Elective => "elective",
            Self::Urgent => "urgent",
            Self::Emergency => "emergency",
        }
    }
}

/// Text that belongs to a patient: kept, compared, recorded in the ledger, never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Redacted(String);

impl Redacted {
    /// Wraps `text`; `None` when it is blank.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        let text = text.into();
        (!text.trim().is_empty()).then_some(Self(text))
    }

    /// The content, for comparison and for the ledger.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹redacted›")
    }
}

/// Where in its message a fact stood, so that a refusal can point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// HL7 v2: segment, its ordinal among its like (from 1), field, repetition (from 1), component (0 = whole field).
    Hl7 {
        /// Segment name.
        segment: String,
        /// nth segment of that name, from 1.
        sequence: usize,
        /// Field number as HL7 counts.
        field: usize,
        /// Repetition, from 1.
        repetition: usize,
        /// Component, 0 for the whole field.
        component: usize,
    },
    /// FHIR: a FHIRPath.
    FhirPath(String),
}

/// One coding of a procedure as the message gives it, concept map applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coding {
    /// The folded code.
    pub code: ProcedureCode,
    /// The code system as written.
    pub system: Option<String>,
    /// The text beside the code; never decides.
    pub display: Option<String>,
}

/// All codings that stand in one place of a message and so name one procedure: the first that resolves decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedPlace {
    /// In the order of the message.
    pub codings: Vec<Coding>,
    /// Where.
    pub place: Option<Place>,
}

/// A person as the message names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The staff number, if given.
    pub id: Option<SurgeonId>,
    /// Name parts as written (family, given); empty when none.
    pub name: Vec<String>,
    /// Where.
    pub place: Option<Place>,
}

impl Person {
    /// What to ask the register for; `None` when neither id nor name is given.
    pub fn key(&self) -> Option<PersonKey> {
        match &self.id {
            Some(id) => Some(PersonKey::Id(id.clone())),
            None => PersonKey::name(&self.full_name()?),
        }
    }

    /// Whether the name given could be `name`: its parts in either order, or one of them alone.
    pub fn may_be_called(&self, name: &str) -> bool {
        let wanted = fold_name(name);
        let mut parts: Vec<String> = self.name.iter().map(|p| fold_name(p)).collect();
        parts.retain(|p| !p.is_empty());
        let forward = parts.concat();
        let single = parts.contains(&wanted);
        parts.reverse();
        single || forward == wanted || parts.concat() == wanted
    }

    /// The name as one text: parts joined, a repeated part once.
    pub fn full_name(&self) -> Option<String> {
        let mut parts = self.name.clone();
        parts.dedup();
        let name = parts.concat();
        (!name.trim().is_empty()).then_some(name)
    }
}

/// What the message says of the primary surgeon of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Primary {
    /// These, one case each.
    Named(Vec<Person>),
    /// Nobody who could operate is named.
    Missing,
    /// Persons are named, but none can be told to be the primary surgeon.
    Unclear(Option<Place>),
}

/// One procedure of a message with who is to perform it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Every place that holds codes of this procedure.
    pub coded: Vec<CodedPlace>,
    /// The procedure's name as the message gives it.
    pub name: Option<String>,
    /// The primary surgeon or surgeons.
    pub primary: Primary,
    /// Everybody else of the operating team.
    pub team: Vec<Person>,
    /// The grade the message states; compared, never trusted.
    pub stated_grade: Option<Grade>,
    /// Stated operating times, the scheduled start first; empty = none stated.
    pub times: Vec<Timestamp>,
    /// Planned duration in minutes.
    pub duration_min: Option<u32>,
    /// Where the procedure stands.
    pub place: Option<Place>,
}

/// Who says that a life is at stake, and why (SG 21).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Attestation {
    /// Why.
    pub reason: Option<Redacted>,
    /// Who.
    pub by: Option<SurgeonId>,
}

/// One order, notice or record inside a message (an ORC group, an RGS group, a whole ADT).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What is wanted.
    pub action: Action,
    /// Absent = not stated = elective.
    pub urgency: Option<Urgency>,
    /// Order number (申请单号 / 医嘱号).
    pub order_no: Option<Redacted>,
    /// Department as written.
    pub department: Option<String>,
    /// 院区 as written.
    pub site: Option<String>,
    /// The ordering doctor; not the surgeon (SG 33).
    pub ordering_doctor: Option<Person>,
    /// Life-saving attestation.
    pub attestation: Attestation,
    /// Reference to a multidisciplinary discussion.
    pub discussion: Option<Redacted>,
    /// `None`: the feed does not map consent; `Some(false)`: it does and none is given.
    pub consent: Option<bool>,
    /// The procedures.
    pub lines: Vec<Line>,
    /// A stated time was there and could not be read; judged as of now, and said.
    pub time_unreadable: bool,
}

/// A surgical message, understood. Groups that are not surgical are not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which checkpoint.
    pub stage: Stage,
    /// The message's own time.
    pub message_time: Option<Timestamp>,
    /// Patient number.
    pub patient: Option<Redacted>,
    /// Encounter number.
    pub encounter: Option<Redacted>,
    /// ICD-10 codes of the diagnoses.
    pub diagnoses: Vec<Redacted>,
    /// In the order of the message.
    pub groups: Vec<Group>,
}

impl Order {
    /// The action of the whole: the first that is checked, else the first.
    pub fn action(&self) -> Action {
        let mut actions = self.groups.iter().map(|g| g.action);
        let first = actions.clone().next().unwrap_or(Action::Other);
        actions.find(|a| a.checked()).unwrap_or(first)
    }

    /// The gravest urgency of the checked groups; elective when none states one (rules.md §1).
    pub fn urgency(&self) -> Urgency {
        let checked = self.groups.iter().filter(|g| g.action.checked());
        checked.filter_map(|g| g.urgency).max().unwrap_or(Urgency::Elective)
    }
}
