//! Statements → rows: what is added, changed, ended; written as one new version of the register.

use std::collections::{BTreeSet, HashSet};
use std::pin::pin;

use futures_util::StreamExt;

use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::domain::surgeon::fold_name;
use crate::register::error::RegisterError;
use crate::register::import::consequence::Losses;
use crate::register::import::reading::Statement;
use crate::register::record::{Fields, SEPARATOR};
use crate::register::sources::sql::{joined, separator};
use crate::register::table::Table;

/// Rows of one INSERT. SQLite finds each `$n` by walking through all before it, so many rows at once
/// cost the square: a million grants took 88 s by 200 rows, and a fraction of that by 12.
const ROWS_PER_INSERT: usize = 12;

/// With more changed surgeons than this, gates are told that everything changed.
const MAX_TOUCHED: usize = 5_000;

/// Rows of a table that a preview shows; beyond, only their number is told.
pub const SHOWN_MAX: usize = 200;

/// A row that differs, for people. It may be of a patient, so it does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct RowChange {
    /// Of which table.
    pub table: &'static Table,
    /// Its record before, if it was there.
    pub before: Option<Box<str>>,
    /// Its record after, if it stays.
    pub after: Option<Box<str>>,
}

impl std::fmt::Debug for RowChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RowChange({})", self.table.name)
    }
}

/// What a statement does to its table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New rows.
    pub added: u64,
    /// Rows whose cells differ from before.
    pub changed: u64,
    /// Rows that are not stated any more.
    pub ended: u64,
    /// Rows as before.
    pub unchanged: u64,
}

impl Counts {
    /// Whether nothing happens.
    pub fn nothing(&self) -> bool {
        self.added + self.changed + self.ended == 0
    }
}

/// The difference between a statement and the register.
#[derive(Debug)]
pub struct Difference {
    /// How much.
    pub counts: Counts,
    /// Of which table.
    table: &'static Table,
    /// Keys of current rows that end.
    ends: BTreeSet<Box<str>>,
    /// Records that begin, in order of their keys.
    begins: Vec<Box<str>>,
    /// What gates must forget.
    touched: BTreeSet<(&'static str, String)>,
    /// What may no longer be allowed as before.
    pub losses: Losses,
    /// The first rows that differ.
    pub shown: Vec<RowChange>,
}

/// Compares a statement with the current rows of its table. Rows that it does not name end, but those whose keys
/// are kept.
///
/// # Errors
/// The source does not answer.
pub async fn compare(
    connection: &mut AnyConnection,
    statement: Statement,
    keeps: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Difference, RegisterError> {
    let table = statement.table;
    let mut rows = statement.rows;
    let mut difference = Difference::none(table);
    let mut same: HashSet<Box<str>> = HashSet::new();
    let sql = format!("select {} from {} where to_version is null", joined(table), table.name);
    let mut stream = pin!(sqlx::query(AssertSqlSafe(sql)).bind(separator()).fetch(connection));
    while let Some(row) = stream.next().await {
        let row = row?;
        let record: &str = row.try_get(0)?;
        let fields = Fields::split(table, record);
        let key = table.key_of(&fields).into_boxed_str();
        match rows.get(&key) {
            Some(line) if *line.record == *record => {
                same.insert(key);
            }
            Some(line) => {
                difference.counts.changed += 1;
                difference.touch(&fields);
                difference.losses.look(table, Some(record), Some(&line.record));
                difference.show(Some(record), Some(&line.record));
                difference.ends.insert(key);
            }
            None if keeps(&key) => {}
            None => {
                difference.counts.ended += 1;
                difference.touch(&fields);
                difference.losses.look(table, Some(record), None);
                difference.show(Some(record), None);
                difference.ends.insert(key);
            }
        }
    }
    difference.counts.unchanged = same.len() as u64;
    rows.retain(|key, _| !same.contains(key));
    difference.counts.added = rows.len() as u64 - difference.counts.changed;
    difference.begins.reserve(rows.len());
    for (key, line) in rows {
        if !difference.ends.contains(&key) {
            difference.losses.look(table, None, Some(&line.record));
            difference.show(None, Some(&line.record));
        }
        difference.touch(&Fields::split(table, &line.record));
        difference.begins.push(line.record);
    }
    Ok(difference)
}

impl Difference {
    /// Rows that change or, without a record before, begin: for changes of single rows. The keys must stay.
    pub fn of_rows(table: &'static Table, rows: &[(Option<String>, String)]) -> Self {
        let rows = rows.iter().map(|(before, after)| (before.as_deref(), Some(after.as_str())));
        Self::of_changes(table, rows)
    }

    /// Rows that begin (without a record before), end (without one after) or change. The keys must stay.
    pub fn of_changes<'r>(
        table: &'static Table,
        rows: impl Iterator<Item = (Option<&'r str>, Option<&'r str>)>,
    ) -> Self {
        let mut difference = Self::none(table);
        for (before, after) in rows {
            match (before, after) {
                (Some(_), Some(_)) => difference.counts.changed += 1,
                (Some(_), None) => difference.counts.ended += 1,
                (None, Some(_)) => difference.counts.added += 1,
                (None, None) => continue,
            }
            if let Some(before) = before {
                let fields = Fields::split(table, before);
                difference.ends.insert(table.key_of(&fields).into_boxed_str());
                difference.touch(&fields);
            }
            if let Some(after) = after {
                difference.touch(&Fields::split(table, after));
                difference.begins.push(after.into());
            }
            difference.losses.look(table, before, after);
            difference.show(before, after);
        }
        difference
    }

    fn none(table: &'static Table) -> Self {
        Self {
            counts: Counts::default(),
            table,
            ends: BTreeSet::new(),
            begins: Vec::new(),
            touched: BTreeSet::new(),
            losses: Losses::default(),
            shown: Vec::new(),
        }
    }

    fn show(&mut self, before: Option<&str>, after: Option<&str>) {
        if self.shown.len() < SHOWN_MAX {
            let (before, after) = (before.map(Into::into), after.map(Into::into));
            self.shown.push(RowChange { table: self.table, before, after });
        }
    }

    fn touch(&mut self, fields: &Fields<'_>) {
        if self.touched.len() > MAX_TOUCHED {
            return;
        }
        match self.table.name {
            "grants" => {
                self.touched.insert(("surgeon", fields.get("surgeon_id").to_owned()));
            }
            "surgeons" => {
                self.touched.insert(("surgeon", fields.get("surgeon_id").to_owned()));
                self.touched.insert(("name", fold_name(fields.get("name"))));
            }
            name => {
                self.touched.insert((name, String::new()));
            }
        }
    }
}

/// Writes the differences as `version`.
///
/// # Errors
/// The source does not answer; nothing is committed here in any case.
pub async fn write(
    connection: &mut AnyConnection,
    differences: &[Difference],
    version: i64,
) -> Result<(), RegisterError> {
    for difference in differences {
        end(connection, difference, version).await?;
        begin(connection, difference, version).await?;
    }
    let touched: BTreeSet<_> = differences.iter().flat_map(|d| d.touched.iter()).collect();
    let everything = [("everything", String::new())];
    let touched: Vec<_> = if touched.len() > MAX_TOUCHED {
        // The other tables are named on their own, since they are reloaded, not forgotten.
        let tables = touched.into_iter().filter(|(what, _)| !matches!(*what, "surgeon" | "name"));
        tables.chain(everything.iter()).collect()
    } else {
        touched.into_iter().collect()
    };
    for (what, key) in touched {
        sqlx::query("insert into changes (version, what, key) values ($1, $2, $3)")
            .bind(version)
            .bind(*what)
            .bind(key.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn end(
    connection: &mut AnyConnection,
    difference: &Difference,
    version: i64,
) -> Result<(), RegisterError> {
    let table = difference.table;
    let mut sql = format!("update {} set to_version = $1 where to_version is null", table.name);
    for (i, column) in table.key.iter().enumerate() {
        sql.push_str(&format!(" and \"{column}\" = ${}", i + 2));
    }
    for key in &difference.ends {
        let mut query = sqlx::query(AssertSqlSafe(sql.as_str())).bind(version);
        for part in key.split(SEPARATOR) {
            query = query.bind(part);
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn begin(
    connection: &mut AnyConnection,
    difference: &Difference,
    version: i64,
) -> Result<(), RegisterError> {
    let table = difference.table;
    let full = insert(table, ROWS_PER_INSERT);
    for chunk in difference.begins.chunks(ROWS_PER_INSERT) {
        let rest = (chunk.len() < ROWS_PER_INSERT).then(|| insert(table, chunk.len()));
        let sql = rest.as_deref().unwrap_or(&full);
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for record in chunk {
            let fields = Fields::split(table, record);
            query = query.bind(version);
            for cell in fields.cells() {
                query = query.bind(*cell);
            }
            for derived in table.derived {
                query = query.bind((derived.from)(&fields));
            }
        }
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

fn insert(table: &Table, rows: usize) -> String {
    let columns = table.columns.iter().map(|column| column.name);
    let columns: Vec<&str> = columns.chain(table.derived.iter().map(|d| d.name)).collect();
    let names: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    let width = columns.len() + 1;
    let mut sql =
        format!("insert into {} (from_version, {}) values ", table.name, names.join(", "));
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for i in 1..=width {
            sql.push_str(&format!("{}${}", if i == 1 { "" } else { ", " }, row * width + i));
        }
        sql.push(')');
    }
    sql
}
