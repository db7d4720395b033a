//! Table `surgeons`: who works here, and until when they are licensed.

use crate::domain::surgeon::fold_name;
use crate::register::import::fault::{Wording, say};
use crate::register::import::policy::Policy;
use crate::register::record::Fields;
use crate::register::table::{
    Column, Derived, Kind, Table, nothing_refused, optional, required, word,
};

const COLUMNS: &[Column] = &[
    required("surgeon_id", Kind::Id),
    required("name", Kind::Text),
    optional("department", Kind::Text),
    word("status", &["active", "suspended", "left"]),
    optional("licence_to", Kind::Date),
    word("base", &["primary", "multi-site"]),
];

/// The table.
pub static SURGEONS: Table = Table {
    name: "surgeons",
    columns: COLUMNS,
    key: &["surgeon_id"],
    derived: &[Derived { name: "name_folded", from: |row| fold_name(row.get("name")) }],
    refused: nothing_refused,
    check,
};

fn check(row: &Fields<'_>, _: &Policy, fault: &mut dyn FnMut(&'static str, Wording)) {
    if !row.get("name").is_empty() && fold_name(row.get("name")).is_empty() {
        fault(
            "name",
            say("没有可比对的文字，请写姓名", "holds nothing to compare by; write the name"),
        );
    }
}
