//! Table `techniques`: the lists of prohibited, restricted, monitored and specially regulated techniques.

use crate::register::import::cell::{order_of_days, performance_assessment};
use crate::register::import::fault::{Wording, say};
use crate::register::import::policy::Policy;
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Table, nothing_refused, optional, required};

const COLUMNS: &[Column] = &[
    required("item", Kind::Id),
    required("kind", Kind::Word(&["prohibited", "restricted", "monitored", "special-regime"])),
    required("list", Kind::Word(&["national", "provincial", "city", "institution"])),
    required("name", Kind::Text),
    required("codes", Kind::ListCodes),
    optional("diagnoses", Kind::Diagnoses),
    optional("valid_from", Kind::Date),
    optional("valid_to", Kind::Date),
    optional("document", Kind::Text),
];

/// The table.
pub static TECHNIQUES: Table = Table {
    name: "techniques",
    columns: COLUMNS,
    key: &["item", "list"],
    derived: &[],
    refused: nothing_refused,
    check,
};

fn check(row: &Fields<'_>, _: &Policy, fault: &mut dyn FnMut(&'static str, Wording)) {
    order_of_days(row, fault);
    if !row.get("diagnoses").is_empty() && row.get("kind") != "prohibited" {
        fault(
            "diagnoses",
            say(
                "只有禁止类（prohibited）可以限定诊断，其他类一律按编码核查：请清空此格",
                "only a prohibition can be limited to diagnoses, the other kinds go by code alone: leave the cell empty",
            ),
        );
    }
    for column in ["item", "name", "document"] {
        if performance_assessment(row.get(column)) {
            fault(
                column,
                say(
                    "国家绩效考核手术目录不得作为依据，请写主管部门的技术目录（SG 36）",
                    "the national performance-assessment list must not serve as a source; name the authority's list of techniques (SG 36)",
                ),
            );
        }
    }
}
