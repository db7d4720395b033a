//! Table `roster`: who is on site, from when to when.

use crate::register::import::fault::{Wording, say};
use crate::register::import::policy::Policy;
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Table, nothing_refused, optional, required};

const COLUMNS: &[Column] = &[
    required("surgeon_id", Kind::Id),
    required("from", Kind::Time),
    required("to", Kind::Time),
    optional("site", Kind::Text),
];

/// The table.
pub static ROSTER: Table = Table {
    name: "roster",
    columns: COLUMNS,
    key: &["surgeon_id", "from"],
    derived: &[],
    refused: nothing_refused,
    check,
};

fn check(row: &Fields<'_>, _: &Policy, fault: &mut dyn FnMut(&'static str, Wording)) {
    let instant = |column| row.get(column).parse::<jiff::Timestamp>().ok();
    if let (Some(from), Some(to)) = (instant("from"), instant("to"))
        && to <= from
    {
        fault("to", say("必须晚于 from", "must be later than from"));
    }
}
