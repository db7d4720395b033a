//! What a row becomes when the server states another one, whatever was done to it here meanwhile.

use crate::register::record::SEPARATOR;
use crate::register::table::Table;

/// A row in three states, each as its record; none: no such row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Three<'r> {
    /// As the server stated it last.
    pub(super) base: Option<&'r str>,
    /// As it stands in the register.
    pub(super) here: Option<&'r str>,
    /// As the server states it now.
    pub(super) there: Option<&'r str>,
}

/// What it becomes. Called only where the server states another row than before.
///
/// Cell by cell, what the server changed counts, and what it did not change stays as it is here: a suspension at the
/// console lasts until the server says another word about that very status.
pub(super) fn merged(table: &Table, three: Three<'_>) -> Option<String> {
    let there = three.there?;
    let Some(here) = three.here else { return Some(there.to_owned()) };
    let status = table.position("status");
    let mut base = three.base.map(|base| base.split(SEPARATOR));
    let cells = here.split(SEPARATOR).zip(there.split(SEPARATOR)).enumerate();
    let cells = cells.map(|(at, (here, there))| match &mut base {
        Some(base) => {
            if base.next() == Some(there) {
                here
            } else {
                there
            }
        }
        // A row of a file that the server states for the first time: what was suspended here stays so.
        None if status == Some(at) && here != ACTIVE => here,
        None => there,
    });
    Some(cells.collect::<Vec<_>>().join(&SEPARATOR.to_string()))
}

/// The status of grants and surgeons that permits.
pub(super) const ACTIVE: &str = "active";
