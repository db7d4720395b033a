//! What is no fault of an import but ought to be looked at.

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::register::error::RegisterError;
use crate::register::import::ImportSummary;
use crate::register::import::apply::Difference;
use crate::register::import::cross::Afterwards;
use crate::register::import::fault::{Wording, say};

/// Values that a note names one by one.
const MAX_NAMED: usize = 20;

/// Rows whose surgeon, procedure or technique is no longer stated: they count for nothing, and come back to
/// life with it; whether that is meant only people can tell. And lists that are no longer checked.
///
/// # Errors
/// The source does not answer.
pub(super) async fn notes(
    connection: &mut AnyConnection,
    summary: &ImportSummary,
    afterwards: &Afterwards,
    differences: &[Difference],
) -> Result<Vec<Wording>, RegisterError> {
    let stated = |name: &str| {
        summary.tables.iter().any(|t| t.table == name && t.counts.ended + t.counts.changed > 0)
    };
    let mut notes = Vec::new();
    for (parent, child, column, known, zh, words) in [
        ("surgeons", "grants", "surgeon_id", &afterwards.surgeons, "个工号", ("授权", "grants")),
        ("catalogue", "grants", "code", &afterwards.codes, "个编码", ("授权", "grants")),
        ("techniques", "dossiers", "item", &afterwards.items, "个编号", ("技术档案", "dossiers")),
    ] {
        let Some(known) = known.as_ref().filter(|_| stated(parent)) else {
            continue;
        };
        let sql = format!(
            "select distinct \"{column}\" from {child} where to_version is null order by 1"
        );
        let mut lost: Vec<String> = Vec::new();
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *connection).await? {
            let value: &str = row.try_get(0)?;
            if !value.is_empty() && !known.contains(value) {
                lost.push(value.to_owned());
            }
        }
        if !lost.is_empty() {
            let (count, some) = (lost.len(), some_of(&lost));
            let (rows_zh, rows) = words;
            notes.push(say(
                format!("{rows_zh}表中有 {count} {zh}已不在 {parent} 中，这些{rows_zh}不再起作用：{some}"),
                format!("{rows} still name {count} values of {column} that {parent} no longer has; those {rows} count for nothing: {some}"),
            ));
        }
    }
    for losses in differences.iter().map(|difference| &difference.losses) {
        let lifted = &losses.lifted;
        if !lifted.is_empty() {
            let (count, some) = (lifted.len(), some_of(lifted));
            notes.push(say(
                format!("{count} 项国家或省级清单的技术不再列入，不再核查（要与现有清单合并请用 --merge）：{some}"),
                format!("{count} techniques of national or provincial lists are no longer stated and no longer checked (--merge keeps what a file does not name): {some}"),
            ));
        }
        if losses.more > 0 {
            let more = losses.more;
            notes.push(say(
                format!("变更太多，另有 {more} 行未逐一比对其影响"),
                format!("too many rows changed; what {more} more of them make impossible was not worked out"),
            ));
        }
    }
    Ok(notes)
}

fn some_of(values: &[String]) -> String {
    values.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ")
}
