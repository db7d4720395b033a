//! How much a pull may take away at once: a server that was restored empty, or answers by a wrong filter, must not take
//! every grant of the hospital.

use std::collections::HashSet;

use jiff::civil::Date;

use crate::register::record::Fields;
use crate::register::sources::fhir::apply::Change;
use crate::register::sources::fhir::merge::ACTIVE;
use crate::register::table::Table;

/// So many rows of a table may stop permitting at once, however few there are: the grants of one or two surgeons, who
/// leave or are suspended.
pub const LOSS_FREE: u64 = 20;

/// Too much would be lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The server holds nothing of a kind, and held something.
    #[error(
        "the FHIR server holds no {kind} any more, {known} are known; if that is meant, run \
         `orgate register pull --accept-losses`"
    )]
    Empty {
        /// Which resources.
        kind: &'static str,
        /// How many are known.
        known: u64,
    },
    /// More rows would stop permitting than may.
    #[error(
        "{lost} of {total} {table} from the FHIR server would end or be suspended at once, more than \
         loss_max_percent = {percent} allows; if that is meant, run `orgate register pull --accept-losses`"
    )]
    Rows {
        /// Which table.
        table: &'static str,
        /// How many rows.
        lost: u64,
        /// Of how many.
        total: u64,
        /// The limit.
        percent: u64,
    },
    /// More resources are missing than may be.
    #[error(
        "{missing} of {known} {kind} are no longer on the FHIR server, more than loss_max_percent = {percent} \
         allows; if that is meant, run `orgate register pull --accept-losses`"
    )]
    Missing {
        /// Which resources.
        kind: &'static str,
        /// How many.
        missing: u64,
        /// Of how many.
        known: u64,
        /// The limit.
        percent: u64,
    },
}

/// Whether so many of so many are more than may be lost at once.
pub(super) fn too_many(lost: u64, total: u64, percent: u64) -> bool {
    lost > LOSS_FREE && lost.saturating_mul(100) > total.saturating_mul(percent)
}

/// Whether a row permits anything on that day: a grant, or a surgeon's work.
fn permits(table: &'static Table, record: &str, today: Date) -> bool {
    let fields = Fields::split(table, record);
    let ends = match table.name {
        "surgeons" => fields.get("licence_to"),
        _ => fields.get("valid_to"),
    };
    let begins = fields.get("valid_from");
    let over = ends.parse::<Date>().is_ok_and(|end| end < today);
    let to_come = begins.parse::<Date>().is_ok_and(|begin| begin > today);
    fields.get("status") == ACTIVE && !over && !to_come
}

/// What a row is about, whatever its dates: one that is dated anew takes nothing away.
fn about(table: &'static Table, record: &str) -> String {
    let fields = Fields::split(table, record);
    let names = table.key.iter().filter(|name| **name != "valid_from");
    names.map(|name| fields.get(name)).collect::<Vec<_>>().join("\u{1f}")
}

/// Looks at what changes: only rows that the server stated count, of which there are `total`.
pub(super) fn check(
    table: &'static Table,
    changes: &[Change],
    (total, percent): (u64, u64),
    today: Date,
) -> Result<(), Loss> {
    let permitting = |record: &Option<String>| {
        record.as_ref().filter(|record| permits(table, record, today)).cloned()
    };
    let after = changes.iter().filter_map(|own| permitting(&own.after));
    let after: HashSet<String> = after.map(|record| about(table, &record)).collect();
    let before = changes.iter().filter(|own| own.pulled);
    let before = before.filter_map(|own| permitting(&own.before));
    let lost = before.filter(|record| !after.contains(&about(table, record))).count();
    let lost = u64::try_from(lost).unwrap_or(u64::MAX);
    if too_many(lost, total, percent) {
        return Err(Loss::Rows { table: table.name, lost, total, percent });
    }
    Ok(())
}
