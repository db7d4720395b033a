//! The story of a case: what earlier messages said of the same operation, and what was decided of each.

use jiff::Timestamp;

use crate::domain::order::{Stage, Urgency};
use crate::domain::procedure::{Grade, ProcedureCode};
use crate::domain::surgeon::SurgeonId;
use crate::domain::verdict::Decision;

/// One earlier document of a case, in force: an order that was not withdrawn, the latest notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chapter {
    /// Its ledger entry.
    pub entry: String,
    /// Order or notice.
    pub stage: Stage,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// What was decided. An observing route refuses nothing: then `refused` is false.
    pub decision: Decision,
    /// Whether it was kept from the downstream system.
    pub refused: bool,
    /// Absent = it carried none.
    pub urgency: Option<Urgency>,
    /// The primary surgeons named, as a set; empty = it named none and is not compared.
    pub surgeons: Vec<SurgeonId>,
    /// The catalogue items (else the codes) named, as a set.
    pub procedures: Vec<ProcedureCode>,
    /// The highest effective grade of them.
    pub grade: Option<Grade>,
}

/// What is known of the case that one group of a message belongs to (rules.md §7 "Story").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Whether the story could be looked up at all.
    pub known: bool,
    /// The order: an accepted one of that number if there is one, else a refused one.
    pub order: Option<Chapter>,
    /// The latest notice in force.
    pub notice: Option<Chapter>,
}

/// A notice in force of another order that books a surgeon (rule `surgeon-double-booked`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Who is booked.
    pub surgeon: SurgeonId,
    /// From when.
    pub from: Timestamp,
    /// To when (60 minutes where no duration was given).
    pub to: Timestamp,
    /// The ledger entry of the notice.
    pub entry: String,
}
