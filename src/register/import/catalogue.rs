//! Table `catalogue`: 手术分级管理目录, and its lint (rules.md §8).

use crate::register::import::cell::{order_of_days, performance_assessment};
use crate::register::import::fault::{Wording, say};
use crate::register::import::policy::{InstitutionLevel, Policy};
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Table, nothing_refused, optional, required, word};

const COLUMNS: &[Column] = &[
    required("code", Kind::Code),
    required("name", Kind::Text),
    required("grade", Kind::Grade),
    optional("code_system", Kind::Text),
    optional("aliases", Kind::Codes),
    optional("reference_grade", Kind::Grade),
    optional("grade_document", Kind::Text),
    optional("specialty", Kind::Text),
    word("status", &["active", "suspended", "stopped"]),
    optional("status_reason", Kind::Text),
    word("admission", &["established", "pending", "approved"]),
    word("ethics", &["not-required", "pending", "approved"]),
    optional("valid_from", Kind::Date),
    optional("valid_to", Kind::Date),
];

/// The table.
pub static CATALOGUE: Table = Table {
    name: "catalogue",
    columns: COLUMNS,
    key: &["code"],
    derived: &[],
    refused: nothing_refused,
    check,
};

fn check(row: &Fields<'_>, policy: &Policy, fault: &mut dyn FnMut(&'static str, Wording)) {
    order_of_days(row, fault);
    let number = |column| row.get(column).parse::<u8>().ok();
    if let (Some(grade), Some(reference)) = (number("grade"), number("reference_grade"))
        && grade < reference
    {
        if policy.institution_level != InstitutionLevel::Tertiary {
            fault(
                "grade",
                say(
                    format!(
                        "级别 {grade} 低于参考目录的 {reference} 级：仅三级医院可以下调，请写 {reference}（SZ 9）"
                    ),
                    format!(
                        "grade {grade} is below the reference grade {reference}; only a tertiary institution may lower it: write {reference} (SZ 9)"
                    ),
                ),
            );
        } else if row.get("grade_document").is_empty() {
            fault(
                "grade_document",
                say(
                    format!("级别 {grade} 低于参考目录的 {reference} 级：请填写论证文件（SZ 9）"),
                    format!(
                        "grade {grade} is below the reference grade {reference}: name the document that argues for it (SZ 9)"
                    ),
                ),
            );
        }
    }
    for column in ["code_system", "grade_document"] {
        if performance_assessment(row.get(column)) {
            fault(
                column,
                say(
                    "国家绩效考核手术目录不得作为分级依据，请写本机构自己的依据（SG 36）",
                    "the national performance-assessment list must not serve as a source of grades; name the institution's own (SG 36)",
                ),
            );
        }
    }
}
