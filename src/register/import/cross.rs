//! What must hold between rows and between tables, once the files are in.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::register::import::fault::{Wording, say};
use crate::register::import::reading::Statement;
use crate::register::record::Fields;
use crate::register::table::Table;

/// What the register holds now, as far as the files do not replace it.
#[derive(Debug, Default)]
pub struct Standing {
    /// Staff numbers.
    pub surgeons: HashSet<String>,
    /// Catalogue records by code.
    pub catalogue: BTreeMap<Box<str>, String>,
    /// Items of techniques.
    pub items: HashSet<String>,
}

/// The ids and codes that will be known once the files are in.
#[derive(Debug, Default)]
pub struct Afterwards {
    /// Staff numbers; absent = cannot be said, since the file that states them is unreadable.
    pub surgeons: Option<HashSet<String>>,
    /// Codes and aliases; absent likewise.
    pub codes: Option<HashSet<String>>,
    /// Items of techniques; absent likewise.
    pub items: Option<HashSet<String>>,
}

/// Checks the statements against each other and `standing`, and adds their faults.
pub fn check(statements: &mut [Statement], standing: &Standing) -> Afterwards {
    if let Some(catalogue) = of(statements, "catalogue") {
        one_item_per_code(catalogue, standing);
    }
    let afterwards = Afterwards {
        surgeons: keys_afterwards(statements, "surgeons", "surgeon_id", &standing.surgeons),
        codes: codes_afterwards(statements, standing),
        items: keys_afterwards(statements, "techniques", "item", &standing.items),
    };
    for statement in statements.iter_mut() {
        for (child, column, known, wording) in REFERENCES {
            if statement.table.name == *child {
                refer(statement, column, known(&afterwards), *wording);
            }
        }
    }
    afterwards
}

/// Table, column, the values it may have, and what is said of any other.
type Reference =
    (&'static str, &'static str, fn(&Afterwards) -> Option<&HashSet<String>>, fn() -> Wording);

/// What refers to what.
const REFERENCES: &[Reference] = &[
    ("grants", "surgeon_id", |after| after.surgeons.as_ref(), no_surgeon),
    ("roster", "surgeon_id", |after| after.surgeons.as_ref(), no_surgeon),
    (
        "grants",
        "code",
        |after| after.codes.as_ref(),
        || {
            say(
                "目录中没有此编码或别名：请更正，或先在 catalogue 中列入",
                "the catalogue has no such code or alias: correct it, or enter it in catalogue first",
            )
        },
    ),
    (
        "dossiers",
        "item",
        |after| after.items.as_ref(),
        || {
            say(
                "技术清单中没有此编号：请更正，或先在 techniques 中列入",
                "no technique has this item: correct it, or enter it in techniques first",
            )
        },
    ),
];

fn no_surgeon() -> Wording {
    say(
        "人员表中没有此工号：请更正，或先在 surgeons 中登记",
        "no surgeon has this id: correct it, or enter the surgeon in surgeons first",
    )
}

fn of<'s>(statements: &'s mut [Statement], table: &str) -> Option<&'s mut Statement> {
    statements.iter_mut().find(|statement| statement.table.name == table)
}

/// The values of the column that leads a table's key.
fn keys_afterwards(
    statements: &mut [Statement],
    table: &str,
    column: &str,
    standing: &HashSet<String>,
) -> Option<HashSet<String>> {
    let mut known = standing.clone();
    if let Some(statement) = of(statements, table) {
        if !statement.readable {
            return None;
        }
        let table = statement.table;
        let stated = statement.rows.values();
        known.extend(stated.map(|line| Fields::split(table, &line.record).get(column).to_owned()));
        known.extend(statement.named_by_faulty.iter().cloned());
    }
    Some(known)
}

fn codes_afterwards(statements: &mut [Statement], standing: &Standing) -> Option<HashSet<String>> {
    let mut codes = HashSet::new();
    let mut add = |table: &'static Table, record: &str| {
        let fields = Fields::split(table, record);
        codes.insert(fields.get("code").to_owned());
        codes.extend(fields.list("aliases").map(str::to_owned));
    };
    let table = &crate::register::import::catalogue::CATALOGUE;
    let stated = of(statements, "catalogue");
    for (code, record) in &standing.catalogue {
        if stated.as_ref().is_none_or(|statement| !statement.rows.contains_key(code)) {
            add(table, record);
        }
    }
    if let Some(statement) = stated {
        if !statement.readable {
            return None;
        }
        for line in statement.rows.values() {
            add(table, &line.record);
        }
        codes.extend(statement.named_by_faulty.iter().cloned());
    }
    Some(codes)
}

/// Every value of `column` must be `known`.
fn refer(
    statement: &mut Statement,
    column: &'static str,
    known: Option<&HashSet<String>>,
    wording: fn() -> Wording,
) {
    let table = statement.table;
    let Some(known) = known else { return };
    let mut lost: Vec<u64> = statement
        .rows
        .values()
        .filter(|line| {
            let value = Fields::split(table, &line.record).get(column);
            !value.is_empty() && !known.contains(value)
        })
        .map(|line| line.number)
        .collect();
    lost.sort_unstable();
    for number in lost {
        statement.fault(Some(number), Some(column), wording());
    }
}

struct Named<'r> {
    text: &'r str,
    owner: &'r str,
    line: Option<u64>,
    alias: bool,
}

/// One code, one item: an alias must not be another item's code or alias (SZ 8: the same content under
/// another name is the same technique).
fn one_item_per_code(catalogue: &mut Statement, standing: &Standing) {
    let table = catalogue.table;
    let stated = catalogue.rows.values().map(|line| (Some(line.number), &*line.record));
    let kept = standing.catalogue.iter();
    let kept = kept.filter(|(code, _)| !catalogue.rows.contains_key(*code));
    let kept = kept.map(|(_, record)| (None, record.as_str()));
    let mut named: Vec<Named<'_>> = Vec::new();
    for (line, record) in stated.chain(kept) {
        let fields = Fields::split(table, record);
        let owner = fields.get("code");
        named.push(Named { text: owner, owner, line, alias: false });
        named.extend(fields.list("aliases").map(|text| Named { text, owner, line, alias: true }));
    }
    // Codes first, then as written: the fault then falls on the alias, and on the later of two.
    named.sort_by_key(|name| (name.alias, name.line));
    let mut owners: HashMap<&str, (&str, Option<u64>)> = HashMap::with_capacity(named.len());
    let mut faults = Vec::new();
    for name in &named {
        let (owner, line) = *owners.entry(name.text).or_insert((name.owner, name.line));
        if owner == name.owner {
            continue;
        }
        // A kept row of the register cannot be corrected in this file; the row that meets it can.
        let at = name.line.or(line);
        faults.push((at, name.text.to_owned(), owner.to_owned(), name.owner.to_owned()));
    }
    faults.sort_unstable();
    for (line, text, one, other) in faults {
        let wording = say(
            format!(
                "{text} 同时指向 {one} 和 {other}：一个编码只能属于一个项目，请删除一处（SZ 8）"
            ),
            format!(
                "{text} would name both {one} and {other}: one code belongs to one procedure; remove one of the two (SZ 8)"
            ),
        );
        catalogue.fault(line, Some("aliases"), wording);
    }
}
