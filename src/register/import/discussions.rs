//! Table `discussions`: 术前多学科讨论 (SG 22).

use crate::register::import::fault::Wording;
use crate::register::import::policy::Policy;
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Need, Table, nothing_refused, optional, required};

const COLUMNS: &[Column] = &[
    required("discussion_id", Kind::Id),
    required("patient_id", Kind::Id),
    required("held_on", Kind::DayOrTime),
    optional("order_no", Kind::Id),
    optional("codes", Kind::Codes),
    optional("disciplines", Kind::Texts),
    optional(
        "contents",
        Kind::Words(&["indication", "approach", "expectation", "risk", "contingency"]),
    ),
    Column {
        name: "conclusion",
        kind: Kind::Word(&["approved", "rejected", "pending"]),
        // Nobody's silence is an approval.
        need: Need::Default("pending"),
    },
];

/// The table.
pub static DISCUSSIONS: Table = Table {
    name: "discussions",
    columns: COLUMNS,
    key: &["discussion_id"],
    derived: &[],
    refused: nothing_refused,
    check,
};

fn check(_: &Fields<'_>, _: &Policy, _: &mut dyn FnMut(&'static str, Wording)) {}
