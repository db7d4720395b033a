//! What a case is made of: one order, notice or record of one message, with what was decided of it.

use jiff::Timestamp;
use jiff::civil::Date;
use ring::digest::{SHA256, digest};

use crate::domain::order::{Action, Redacted, Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::story::{Booking, Chapter};
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::Decision;
pub use crate::rules::report::ReportKind;

/// One order, notice or record as a decision entry tells it: the groups of a message that bear the same
/// order number and want the same, taken together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The ledger entry.
    pub entry: String,
    /// Which document of the entry, from 0.
    pub nth: u32,
    /// When it was judged. Documents of a case take effect in this order.
    pub at: Timestamp,
    /// Tells a repeated copy: the same for the same bytes on the same route. Absent where the protocol
    /// has no message ids, so that the same bytes may mean something new.
    pub message: Option<String>,
    /// The entry that this one corrects: it then never was.
    pub supersedes: Option<String>,
    /// Which checkpoint.
    pub stage: Stage,
    /// What is wanted.
    pub action: Action,
    /// What was decided of the message.
    pub decision: Decision,
    /// Whether the route acts on its decisions.
    pub enforced: bool,
    /// Whether it was kept from the downstream system.
    pub refused: bool,
    /// Absent = it carried none.
    pub urgency: Option<Urgency>,
    /// The order's number.
    pub order_no: Option<Redacted>,
    /// The patient's number.
    pub patient: Option<Redacted>,
    /// The operating day, in the hospital's zone.
    pub day: Date,
    /// Whether the message stated a time; else the day is that of the message.
    pub timed: bool,
    /// Every code in it, and the items they resolve to.
    pub codes: Vec<ProcedureCode>,
    /// The catalogue items, else the codes, named; a set.
    pub procedures: Vec<ProcedureCode>,
    /// The primary surgeons named; a set.
    pub surgeons: Vec<SurgeonId>,
    /// The highest effective grade.
    pub grade: Option<Grade>,
    /// Department as written.
    pub department: Option<String>,
    /// When whom it books; only notices book.
    pub bookings: Vec<Booked>,
    /// What was found of each case.
    pub cases: Vec<Judged>,
    /// What must be reported case by case.
    pub reportable: Vec<Reportable>,
}

/// A surgeon's time that a notice takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// Who.
    pub surgeon: SurgeonId,
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
}

/// What was found of one (surgeon, procedure) pair, for the supervision figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Who.
    pub surgeon: Option<SurgeonId>,
    /// What.
    pub procedure: Option<ProcedureCode>,
    /// Its effective grade.
    pub grade: Option<Grade>,
    /// What became of the pair; the message may have fared worse.
    pub outcome: Outcome,
    /// The override carried no full attestation.
    pub unattested: bool,
    /// A restricted technique.
    pub restricted: bool,
}

/// What became of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing found.
    Clean,
    /// Something flagged.
    Flagged,
    /// Let through as an emergency.
    Overridden,
    /// Something that refuses.
    Blocked,
}

/// One technique of a document that must be reported case by case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reportable {
    /// The technique, as its list numbers it.
    pub technique: String,
    /// Why.
    pub kind: ReportKind,
    /// Who operates.
    pub surgeon: Option<SurgeonId>,
    /// The catalogue item or code.
    pub procedure: Option<ProcedureCode>,
}

/// Which case a document belongs to: by order number where both have one, else by patient, a common
/// code and the operating day (rules.md §7 "Story").
#[derive(Clone, Copy, Debug)]
pub struct Belongs<'b> {
    /// The order's number.
    pub order_no: Option<&'b Redacted>,
    /// The patient's number.
    pub patient: Option<&'b Redacted>,
    /// Every code.
    pub codes: &'b [ProcedureCode],
    /// The operating day.
    pub day: Date,
}

impl Belongs<'_> {
    /// Whether both are documents of one case.
    pub fn with(&self, other: &Belongs<'_>) -> bool {
        match (self.order_no, other.order_no) {
            (Some(own), Some(other)) => own == other,
            _ => self.same_operation(other),
        }
    }

    /// Same patient, a common code, same operating day.
    pub fn same_operation(&self, other: &Belongs<'_>) -> bool {
        self.patient.is_some()
            && self.patient == other.patient
            && self.day == other.day
            && self.codes.iter().any(|code| other.codes.contains(code))
    }
}

/// The message that asks for its story.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The order's number.
    pub order_no: Option<Redacted>,
    /// The patient's number.
    pub patient: Option<Redacted>,
    /// Every code, and the items they resolve to.
    pub codes: Vec<ProcedureCode>,
    /// The operating day, in the hospital's zone.
    pub day: Date,
    /// An emergency waits for a local index only, and not long (design invariant 5).
    pub emergency: bool,
    /// The moment of judging.
    pub now: Timestamp,
}

impl Asked {
    /// Which case it belongs to.
    pub fn belongs(&self) -> Belongs<'_> {
        let (order_no, patient) = (self.order_no.as_ref(), self.patient.as_ref());
        Belongs { order_no, patient, codes: &self.codes, day: self.day }
    }
}

impl Document {
    /// Which case it belongs to.
    pub fn belongs(&self) -> Belongs<'_> {
        let (order_no, patient) = (self.order_no.as_ref(), self.patient.as_ref());
        Belongs { order_no, patient, codes: &self.codes, day: self.day }
    }

    /// Whether an override file was opened for it: an observing route opens none.
    pub fn opened_override(&self) -> bool {
        self.enforced && !self.refused && self.decision == Decision::Override
    }

    /// The surgeons whose overrides it holds.
    pub fn overriding(&self) -> impl Iterator<Item = &SurgeonId> {
        let open = self.opened_override();
        let cases = self.cases.iter().filter(move |c| open && c.outcome == Outcome::Overridden);
        cases.filter_map(|case| case.surgeon.as_ref())
    }

    /// Whether it states work that reached the downstream system.
    pub fn took_effect(&self) -> bool {
        self.action.checked() && !self.refused
    }

    /// As a chapter of a story.
    pub fn chapter(&self) -> Chapter {
        Chapter {
            entry: self.entry.clone(),
            stage: self.stage,
            judged_at: self.at,
            decision: self.decision,
            refused: self.refused,
            urgency: self.urgency,
            surgeons: self.surgeons.clone(),
            procedures: self.procedures.clone(),
            grade: self.grade,
        }
    }

    /// What it books.
    pub fn booked(&self) -> impl Iterator<Item = Booking> {
        self.bookings.iter().map(|booked| Booking {
            surgeon: booked.surgeon.clone(),
            from: booked.from,
            to: booked.to,
            entry: self.entry.clone(),
        })
    }
}

/// Text of a patient as something that tells one from another and no more: for print (rules.md §8 Privacy).
pub fn masked(text: &Redacted) -> String {
    let hash = digest(&SHA256, text.reveal().as_bytes());
    format!("#{}", hex::encode(hash.as_ref().get(..6).unwrap_or_default()))
}
