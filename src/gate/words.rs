//! The words under which an entry keeps what surrounded a message, as the register files write them (contract §3).

use crate::domain::calendar::DayKind;
use crate::domain::discussion::{Conclusion, Content};
use crate::domain::technique::{DossierState, ListKind, ListLevel};
use crate::domain::verdict::Decision;
use crate::gate::facts::Words;

pub(super) const DAYS: Words<DayKind> =
    &[(DayKind::Holiday, "holiday"), (DayKind::Workday, "workday")];
pub(super) const CONTENTS: Words<Content> = &[
    (Content::Indication, "indication"),
    (Content::Approach, "approach"),
    (Content::Expectation, "expectation"),
    (Content::Risk, "risk"),
    (Content::Contingency, "contingency"),
];
pub(super) const CONCLUSIONS: Words<Conclusion> = &[
    (Conclusion::Approved, "approved"),
    (Conclusion::Rejected, "rejected"),
    (Conclusion::Pending, "pending"),
];
pub(super) const STATES: Words<DossierState> = &[
    (DossierState::Active, "active"),
    (DossierState::Suspended, "suspended"),
    (DossierState::Stopped, "stopped"),
    (DossierState::Cancelled, "cancelled"),
];
pub(super) const KINDS: Words<ListKind> = &[
    (ListKind::Prohibited, "prohibited"),
    (ListKind::Restricted, "restricted"),
    (ListKind::Monitored, "monitored"),
    (ListKind::SpecialRegime, "special-regime"),
];
pub(super) const LEVELS: Words<ListLevel> = &[
    (ListLevel::National, "national"),
    (ListLevel::Provincial, "provincial"),
    (ListLevel::City, "city"),
    (ListLevel::Institution, "institution"),
];
pub(super) const DECISIONS: Words<Decision> = &[
    (Decision::NotSurgical, "not-surgical"),
    (Decision::Forward, "forward"),
    (Decision::ForwardFlagged, "forward-flagged"),
    (Decision::Override, "override"),
    (Decision::Unavailable, "unavailable"),
    (Decision::Block, "block"),
];
