//! Table `calendar`: the days that differ from Monday to Friday.

use crate::register::import::fault::Wording;
use crate::register::import::policy::Policy;
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Table, nothing_refused, required};

const COLUMNS: &[Column] =
    &[required("date", Kind::Date), required("kind", Kind::Word(&["holiday", "workday"]))];

/// The table.
pub static CALENDAR: Table = Table {
    name: "calendar",
    columns: COLUMNS,
    key: &["date"],
    derived: &[],
    refused: nothing_refused,
    check,
};

fn check(_: &Fields<'_>, _: &Policy, _: &mut dyn FnMut(&'static str, Wording)) {}
