//! Table `dossiers`: what the institution has done about a regulated technique.

use crate::register::import::fault::{Wording, say};
use crate::register::import::policy::Policy;
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Table, nothing_refused, optional, required, word};

const COLUMNS: &[Column] = &[
    required("item", Kind::Id),
    optional("self_assessed_on", Kind::Date),
    optional("ethics_approved_on", Kind::Date),
    optional("first_case_on", Kind::Date),
    optional("filed_on", Kind::Date),
    optional("filing_no", Kind::Text),
    word("state", &["active", "suspended", "stopped", "cancelled"]),
];

/// The table.
pub static DOSSIERS: Table = Table {
    name: "dossiers",
    columns: COLUMNS,
    key: &["item"],
    derived: &[],
    refused: nothing_refused,
    check,
};

fn check(row: &Fields<'_>, _: &Policy, fault: &mut dyn FnMut(&'static str, Wording)) {
    // The day decides whether the technique counts as filed; a number alone would be taken for one.
    if !row.get("filing_no").is_empty() && row.get("filed_on").is_empty() {
        fault(
            "filed_on",
            say(
                "有备案号而没有备案日期，仍按未备案处理：请填写日期，或清空备案号",
                "there is a filing number but no day, which counts as not filed: enter the day, or leave the number empty",
            ),
        );
    }
}
