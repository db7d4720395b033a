//! The rows that practitioners come to, checked as those of register files are.

use std::collections::{BTreeMap, HashMap};

use sqlx::AnyConnection;

use crate::register::error::RegisterError;
use crate::register::import::catalogue::CATALOGUE;
use crate::register::import::cross::{self, Standing};
use crate::register::import::fault::{Wording, say};
use crate::register::import::grants::GRANTS;
use crate::register::import::policy::Policy;
use crate::register::import::reading::Statement;
use crate::register::import::surgeons::SURGEONS;
use crate::register::record::Fields;
use crate::register::sources::fhir::fault::Fault;
use crate::register::sources::fhir::keep::{self, Stated};
use crate::register::sources::fhir::unit::{self, Row};
use crate::register::sources::fhir::units::Units;
use crate::register::sources::sql;
use crate::register::table::Table;

/// Rows, each with whose they are.
type Owned = Vec<(String, Row)>;

/// Practitioners whose rows are looked at together: all at once would need the memory of all.
const TOGETHER: usize = 500;

/// The rows, or every fault of them.
pub(super) async fn stated(
    connection: &mut AnyConnection,
    units: &Units,
    policy: &Policy,
) -> Result<(Vec<Stated>, Vec<Fault>), RegisterError> {
    let practitioners: Vec<&str> = units.practitioners().collect();
    if practitioners.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut standing = Standing::default();
    for record in sql::current(connection, &CATALOGUE).await? {
        let key = CATALOGUE.key_of(&Fields::split(&CATALOGUE, &record)).into_boxed_str();
        standing.catalogue.insert(key, record);
    }
    let (mut all, mut faults, mut bearers) = (Vec::new(), Vec::new(), HashMap::new());
    for some in practitioners.chunks(TOGETHER) {
        let (mut surgeons, mut grants) = (Owned::new(), Owned::new());
        for id in some {
            let rows = units.unit(id)?.rows(id);
            faults.extend(rows.faults);
            surgeons.extend(rows.surgeons.into_iter().map(|row| ((*id).to_owned(), row)));
            grants.extend(rows.grants.into_iter().map(|row| ((*id).to_owned(), row)));
        }
        for (id, row) in &surgeons {
            faults.extend(borne(connection, units, &mut bearers, (id, row)).await?);
        }
        checked((surgeons, grants), &standing, policy, (&mut all, &mut faults));
    }
    Ok((all, faults))
}

/// Checks rows as those of files are.
fn checked(
    (surgeons, grants): (Owned, Owned),
    standing: &Standing,
    policy: &Policy,
    (all, faults): (&mut Vec<Stated>, &mut Vec<Fault>),
) {
    let mut statements = [(&SURGEONS, unit::SURGEON, &surgeons), (&GRANTS, unit::GRANT, &grants)]
        .map(|(table, columns, rows)| {
            let cells = rows.iter().map(|(_, row)| row.cells.as_slice());
            Statement::of_rows(table, columns, (1_u64..).zip(cells), policy)
        });
    cross::check(&mut statements, standing);
    for (statement, rows) in statements.into_iter().zip([surgeons, grants]) {
        faults.extend(of(&statement, &rows));
        all.extend(kept(statement, &rows));
    }
}

fn nth(rows: &Owned, line: u64) -> Option<&(String, Row)> {
    rows.get(usize::try_from(line).ok()?.checked_sub(1)?)
}

/// What is wrong, said of the resources.
fn of(statement: &Statement, rows: &Owned) -> Vec<Fault> {
    let mut faults: Vec<Fault> = statement
        .faults
        .iter()
        .map(|fault| {
            let row = fault.line.and_then(|line| nth(rows, line)).map(|(_, row)| row);
            let column = fault.column.as_deref().unwrap_or_default();
            let place = [row.map_or("", |row| row.place.as_str()), column];
            Fault {
                resource: row.map_or(statement.file.clone(), |row| row.resource.clone()),
                place: place
                    .into_iter()
                    .filter(|part| !part.is_empty())
                    .collect::<Vec<_>>()
                    .join(" "),
                wording: fault.wording.clone(),
            }
        })
        .collect();
    // Two roles may state the same grant in the same words. Of staff numbers, see `borne`.
    let grants = statement.table == &GRANTS;
    for repeat in statement.repeats.iter().filter(|repeat| grants && !repeat.same) {
        let both = nth(rows, repeat.line).zip(nth(rows, repeat.first));
        faults.extend(both.map(|((_, own), (_, first))| Fault {
            resource: own.resource.clone(),
            place: own.place.clone(),
            wording: doubled(statement.table, &first.resource),
        }));
    }
    faults
}

fn doubled(table: &Table, first: &str) -> Wording {
    let key = table.key.join(", ");
    say(
        format!("与 {first} 重复（{key} 相同）而内容不同，请只保留一个"),
        format!("states the same as {first} (same {key}), but otherwise; keep one of them"),
    )
}

/// Whether somebody else bears a staff number, among those whom the pull is about or besides.
async fn borne(
    connection: &mut AnyConnection,
    units: &Units,
    bearers: &mut HashMap<String, String>,
    (id, row): (&str, &Row),
) -> Result<Vec<Fault>, RegisterError> {
    let Some(staff) = row.cells.first() else { return Ok(Vec::new()) };
    let kept = keep::bearers(connection, staff).await?;
    let mut others: Vec<String> = kept.into_iter().filter(|other| !units.contains(other)).collect();
    others.extend(bearers.insert(staff.clone(), id.to_owned()));
    let fault = |other: String| Fault {
        resource: row.resource.clone(),
        place: "identifier".to_owned(),
        wording: doubled(&SURGEONS, &format!("Practitioner/{other}")),
    };
    Ok(others.into_iter().map(fault).collect())
}

/// The rows as they are kept. Of rows that say the same, the first resource's.
fn kept(statement: Statement, rows: &Owned) -> Vec<Stated> {
    let table = statement.table.name;
    let by_key: BTreeMap<_, _> = statement.rows;
    let one = |(key, line): (Box<str>, crate::register::import::reading::Line)| {
        let (practitioner, _) = nth(rows, line.number)?;
        Some(Stated {
            table,
            key: key.into_string(),
            practitioner: practitioner.clone(),
            record: line.record.into_string(),
        })
    };
    by_key.into_iter().filter_map(one).collect()
}
