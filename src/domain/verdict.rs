//! What the gate found and decided: verdict, findings, gaps.

use jiff::Timestamp;

use crate::domain::article::Article;
use crate::domain::order::{Action, Place, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::rule::Rule;
use crate::domain::surgeon::SurgeonId;

/// What happens, or in stance observe would have happened, to a message (rules.md §6). In order of gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// None of the gate's business: forwarded by the short way.
    NotSurgical,
    /// Judged and clean.
    Forward,
    /// Judged, forwarded, told.
    ForwardFlagged,
    /// An emergency let through against findings that it lifts; an override file is opened.
    Override,
    /// A gap that refuses: the sender may try again.
    Unavailable,
    /// Refused.
    Block,
}

impl Decision {
    /// The public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSurgical => "not-surgical",
            Self::Forward => "forward",
            Self::ForwardFlagged => "forward-flagged",
            Self::Override => "override",
            Self::Unavailable => "unavailable",
            Self::Block => "block",
        }
    }

    /// The decision of a public name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::NotSurgical,
            Self::Forward,
            Self::ForwardFlagged,
            Self::Override,
            Self::Unavailable,
            Self::Block,
        ]
        .into_iter()
        .find(|decision| decision.as_str() == name)
    }

    /// Whether the message must not reach the downstream system when the route enforces.
    pub fn refuses(self) -> bool {
        matches!(self, Self::Unavailable | Self::Block)
    }
}

/// What a route does with decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// Forwards everything, records what would have been decided.
    Observe,
    /// Acts.
    Enforce,
    /// The gate was switched off for a time, or was down: everything passed, what would have been decided is recorded.
    Bypass,
}

impl Stance {
    /// `observe`, `enforce` or `bypass`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Enforce => "enforce",
            Self::Bypass => "bypass",
        }
    }

    /// The stance of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Observe, Self::Enforce, Self::Bypass].into_iter().find(|own| own.as_str() == name)
    }

    /// Whether a decision counts as one that was acted on: during a bypass nothing is refused, but an emergency has
    /// passed as one, and is reviewed like any other.
    pub fn acts_on(self, decision: Decision) -> bool {
        match self {
            Self::Observe => false,
            Self::Enforce => true,
            Self::Bypass => decision == Decision::Override,
        }
    }
}

/// What a finding does to its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Refuses.
    Block,
    /// Forwarded, recorded, alerted.
    Flag,
    /// Would refuse, lifted by the emergency.
    Overridden,
}

impl Effect {
    /// `block`, `flag` or `overridden`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Flag => "flag",
            Self::Overridden => "overridden",
        }
    }
}

/// What a finding is about, so that an answer can point at the field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The surgeon field.
    Surgeon,
    /// The procedure field.
    Procedure,
    /// The operating time.
    Time,
    /// The message as a whole.
    Message,
}

/// One rule that applied to one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub rule: Rule,
    /// What it does here.
    pub effect: Effect,
    /// Whether an emergency lifts the rule (a property of the rule).
    pub lifted: bool,
    /// The articles it rests on.
    pub cites: &'static [Article],
    /// For the person who reads it.
    pub text_zh: String,
    /// The same in English.
    pub text_en: String,
    /// Which field it is about.
    pub subject: Subject,
}

/// What could not be known (rules.md §5): never a silent pass or a silent refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gap {
    /// The register cannot be asked and nothing usable is cached.
    PrivilegesUnavailable,
    /// No working-day calendar for a year that is needed.
    CalendarUnknown,
    /// A fact the verdict needs cannot be read with certainty.
    MessageUnreadable,
    /// The entry cannot be made durable.
    LedgerUnavailable,
    /// A limit is reached.
    Overloaded,
}

impl Gap {
    /// Every gap.
    pub const ALL: [Self; 5] = [
        Self::PrivilegesUnavailable,
        Self::CalendarUnknown,
        Self::MessageUnreadable,
        Self::LedgerUnavailable,
        Self::Overloaded,
    ];

    /// The public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrivilegesUnavailable => "privileges-unavailable",
            Self::CalendarUnknown => "calendar-unknown",
            Self::MessageUnreadable => "message-unreadable",
            Self::LedgerUnavailable => "ledger-unavailable",
            Self::Overloaded => "overloaded",
        }
    }

    /// The gap of a public name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gap| gap.as_str() == id)
    }

    /// Whether it keeps back what is no emergency; a missing calendar only flags (rules.md §5).
    pub fn refuses(self) -> bool {
        self != Self::CalendarUnknown
    }

    /// Whether the same message may succeed when sent again.
    pub fn retriable(self) -> bool {
        !matches!(self, Self::MessageUnreadable | Self::CalendarUnknown)
    }
}

/// One (surgeon, procedure) pair and what was found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseVerdict {
    /// The surgeon's id: the register's where found, else the message's.
    pub surgeon: Option<SurgeonId>,
    /// The surgeon's name, for people.
    pub surgeon_name: Option<String>,
    /// The catalogue item's code, else the message's first code.
    pub procedure: Option<ProcedureCode>,
    /// Its name, for people.
    pub procedure_name: Option<String>,
    /// The effective grade, if the procedure resolved.
    pub grade: Option<Grade>,
    /// In the order of rules.md.
    pub findings: Vec<Finding>,
    /// The group's department.
    pub department: Option<String>,
    /// Which group of the order.
    pub group: usize,
    /// Where the surgeon stands.
    pub surgeon_place: Option<Place>,
    /// Where the procedure stands.
    pub procedure_place: Option<Place>,
}

/// The whole of what was decided of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The worst of the cases.
    pub decision: Decision,
    /// Whether it is acted on.
    pub stance: Stance,
    /// Absent when the message could not be read so far.
    pub stage: Option<Stage>,
    /// Likewise.
    pub action: Option<Action>,
    /// Likewise.
    pub urgency: Option<Urgency>,
    /// The first operating time judged.
    pub operating_time: Option<Timestamp>,
    /// In the order of the message.
    pub cases: Vec<CaseVerdict>,
    /// Sorted, each once.
    pub gaps: Vec<Gap>,
}

impl Verdict {
    /// The verdict on a message that is none of the gate's business.
    pub fn not_surgical() -> Self {
        Self { decision: Decision::NotSurgical, ..Self::passing(Stance::Observe) }
    }

    /// A verdict that lets pass and has found nothing.
    pub fn passing(stance: Stance) -> Self {
        Self {
            decision: Decision::Forward,
            stance,
            stage: None,
            action: None,
            urgency: None,
            operating_time: None,
            cases: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Whether the message must be kept from the downstream system.
    pub fn refused(&self) -> bool {
        self.stance == Stance::Enforce && self.decision.refuses()
    }

    /// All findings, case by case.
    pub fn findings(&self) -> impl Iterator<Item = (&CaseVerdict, &Finding)> {
        self.cases.iter().flat_map(|case| case.findings.iter().map(move |f| (case, f)))
    }
}
