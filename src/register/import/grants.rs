//! Table `grants`: 授权, item by item or grade-wide.

use crate::register::import::cell::order_of_days;
use crate::register::import::fault::{Wording, say};
use crate::register::import::policy::Policy;
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Table, optional, required, word};

const COLUMNS: &[Column] = &[
    required("surgeon_id", Kind::Id),
    optional("code", Kind::Code),
    optional("grade", Kind::Grade),
    word("right", &["perform", "order"]),
    optional("sites", Kind::Texts),
    optional("valid_from", Kind::Date),
    optional("valid_to", Kind::Date),
    word("status", &["active", "suspended", "revoked"]),
    optional("document_no", Kind::Text),
    optional("document_on", Kind::Date),
    optional("evaluated_on", Kind::Date),
    optional("trained_on", Kind::Date),
    word("supervision", &["none", "required"]),
];

/// The table.
pub static GRANTS: Table = Table {
    name: "grants",
    columns: COLUMNS,
    key: &["surgeon_id", "code", "grade", "right", "valid_from"],
    derived: &[],
    refused,
    check,
};

/// Headings under which people try to derive grants from a title or a post.
const TITLES: &[&str] = &[
    "title",
    "job_title",
    "professional_title",
    "post",
    "position",
    "rank",
    "职称",
    "职务",
    "岗位",
    "技术职务",
    "专业技术职务",
    "手术医师级别",
];

fn refused(name: &str) -> Option<Wording> {
    let plain = name.to_lowercase().replace([' ', '-'], "_");
    TITLES.contains(&plain.as_str()).then(|| {
        say(
            "授权不得由职称或职务推出（SG 16¶2），请删除此列，按手术项目逐行授权",
            "a grant must not be derived from a title or post (SG 16¶2); remove the column and grant procedure by procedure",
        )
    })
}

fn check(row: &Fields<'_>, _: &Policy, fault: &mut dyn FnMut(&'static str, Wording)) {
    order_of_days(row, fault);
    match (row.get("code").is_empty(), row.get("grade").is_empty()) {
        (true, true) => fault(
            "code",
            say(
                "code 和 grade 都是空的：请填写手术编码，或（仅一、二级）级别",
                "code and grade are both empty: write a procedure code, or (for grades 1 and 2) a grade",
            ),
        ),
        (false, false) => fault(
            "grade",
            say(
                "code 和 grade 只能填一个：逐项授权请清空 grade",
                "code and grade are both filled: for a grant of one procedure leave grade empty",
            ),
        ),
        _ => {}
    }
}
