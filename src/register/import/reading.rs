//! One register file → canonical records with their lines, and every fault of it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};

use crate::register::import::cell::{Cell, canonical, canonical_empty};
use crate::register::import::fault::{Fault, Wording, say};
use crate::register::import::policy::Policy;
use crate::register::import::sheet::{self, Rows};
use crate::register::record::{Fields, SEPARATOR};
use crate::register::table::{Need, Table};

/// Most faults of one file that are kept word for word; beyond, only their number.
pub const MAX_FAULTS: usize = 100_000;

/// A record of a file.
#[derive(Debug)]
pub struct Line {
    /// Where it stands, from 1.
    pub number: u64,
    /// Its canonical text.
    pub record: Box<str>,
}

/// What one file says.
#[derive(Debug)]
pub struct Statement {
    /// Of which table.
    pub table: &'static Table,
    /// The file as given.
    pub file: String,
    /// Its sound rows by key.
    pub rows: BTreeMap<Box<str>, Line>,
    /// First key columns of rows that have faults, so that rows of other files that refer to them are
    /// not faulted a second time.
    pub named_by_faulty: HashSet<String>,
    /// Whether the header could be used; otherwise nothing can be said about what the file holds.
    pub readable: bool,
    /// Rows whose key another row has already.
    pub repeats: Vec<Repeat>,
    /// All faults.
    pub faults: Vec<Fault>,
    dropped_faults: usize,
}

/// A row whose key another row has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Where it stands.
    pub line: u64,
    /// Where the other one does.
    pub first: u64,
    /// Whether both say the same.
    pub same: bool,
}

impl Statement {
    fn blank(table: &'static Table, file: &str) -> Self {
        Self {
            table,
            file: file.to_owned(),
            rows: BTreeMap::new(),
            named_by_faulty: HashSet::new(),
            readable: false,
            repeats: Vec::new(),
            faults: Vec::new(),
            dropped_faults: 0,
        }
    }

    /// Reads rows that are in no file, each under a number of its own. A row that is stated twice is no fault here: see
    /// `repeats`.
    pub fn of_rows<'r>(
        table: &'static Table,
        columns: &[&str],
        rows: impl Iterator<Item = (u64, &'r [String])>,
        policy: &Policy,
    ) -> Self {
        let statement = Self::blank(table, table.name);
        let mut reader = Reader { statement, policy, places: None, width: 0 };
        let cells: Vec<Cell<'_>> = columns.iter().copied().map(Cell::Text).collect();
        reader.row(0, &cells);
        for (number, row) in rows {
            let cells: Vec<Cell<'_>> = row.iter().map(|cell| Cell::Text(cell)).collect();
            reader.row(number, &cells);
        }
        reader.statement
    }

    /// Reads `bytes` of `file` as `table`.
    pub fn read(table: &'static Table, file: &str, bytes: &[u8], policy: &Policy) -> Self {
        let statement = Self::blank(table, file);
        let mut reader = Reader { statement, policy, places: None, width: 0 };
        sheet::read(bytes, table.name, &mut reader);
        let Reader { mut statement, places, .. } = reader;
        statement.fault_repeats();
        if places.is_none() && statement.faults.is_empty() {
            statement.fault(
                None,
                None,
                say("是空文件，第一行应为列名", "is empty; its first row must name the columns"),
            );
        }
        if statement.dropped_faults > 0 {
            let more = statement.dropped_faults;
            statement.faults.push(Fault {
                file: file.to_owned(),
                line: None,
                column: None,
                wording: say(format!("另有 {more} 处错误"), format!("and {more} more faults")),
            });
        }
        statement
    }

    /// In a file, a row that stands twice is a mistake, also where both say the same.
    fn fault_repeats(&mut self) {
        let (table, repeats) = (self.table, std::mem::take(&mut self.repeats));
        for Repeat { line, first, .. } in repeats {
            let names = table.key.join(", ");
            self.fault(
                Some(line),
                table.key.first().copied(),
                say(
                    format!("与第 {first} 行重复（{names} 相同），请只保留一行"),
                    format!("repeats line {first} (same {names}); keep one of them"),
                ),
            );
        }
    }

    /// Adds a fault.
    pub fn fault(&mut self, line: Option<u64>, column: Option<&str>, wording: Wording) {
        if self.faults.len() >= MAX_FAULTS {
            self.dropped_faults += 1;
            return;
        }
        let column = column.map(str::to_owned);
        self.faults.push(Fault { file: self.file.clone(), line, column, wording });
    }
}

struct Reader<'p> {
    statement: Statement,
    policy: &'p Policy,
    /// For each column of the table, where it stands in the file.
    places: Option<Vec<Option<usize>>>,
    width: usize,
}

impl Rows for Reader<'_> {
    fn row(&mut self, line: u64, cells: &[Cell<'_>]) -> bool {
        match self.places.take() {
            None => self.header(line, cells),
            Some(places) => {
                self.record(line, cells, &places);
                self.places = Some(places);
                true
            }
        }
    }

    fn fault(&mut self, line: Option<u64>, wording: Wording) {
        self.statement.fault(line, None, wording);
    }
}

impl Reader<'_> {
    /// Finds the columns; `false` when rows below could not be read with this header.
    fn header(&mut self, line: u64, cells: &[Cell<'_>]) -> bool {
        let table = self.statement.table;
        let mut places = vec![None; table.columns.len()];
        let before = self.statement.faults.len();
        for (at, cell) in cells.iter().enumerate() {
            let name = match cell {
                Cell::Text(text) => text.trim(),
                _ => "?",
            };
            if name.is_empty() && self.blank_to_the_end(cells, at) {
                break;
            }
            self.width = at + 1;
            match table.position(name).and_then(|i| places.get_mut(i)) {
                Some(place @ None) => *place = Some(at),
                Some(_) => self.statement.fault(
                    Some(line),
                    Some(name),
                    say("此列出现两次，请只保留一列", "the column stands twice; keep one"),
                ),
                None => {
                    let wording = (table.refused)(name).unwrap_or_else(|| unknown(table));
                    self.statement.fault(Some(line), Some(name), wording);
                }
            }
        }
        for (column, place) in table.columns.iter().zip(&places) {
            if column.need == Need::Required && place.is_none() {
                self.statement.fault(
                    Some(line),
                    Some(column.name),
                    say("缺少此必填列，请加上", "the required column is missing; add it"),
                );
            }
        }
        let usable = places.iter().any(Option::is_some);
        self.statement.readable = self.statement.faults.len() == before;
        self.places = Some(places);
        // Rows are still looked at under a header with an unknown column, so that all faults show at once.
        usable
    }

    fn blank_to_the_end(&self, cells: &[Cell<'_>], from: usize) -> bool {
        cells.iter().skip(from).all(Cell::is_blank)
    }

    fn record(&mut self, line: u64, cells: &[Cell<'_>], places: &[Option<usize>]) {
        let table = self.statement.table;
        let before = self.statement.faults.len() + self.statement.dropped_faults;
        // A row that is too short was cut off; what is missing may be the word that revokes a grant.
        let short = cells.len() < self.width;
        if short || cells.iter().skip(self.width).any(|cell| !cell.is_blank()) {
            let (has, width) = (cells.len(), self.width);
            self.statement.fault(
                Some(line),
                None,
                say(
                    format!("有 {has} 格，而列名只有 {width} 个：请检查逗号和引号"),
                    format!("has {has} cells under {width} column names; check commas and quotes"),
                ),
            );
        }
        let mut text = String::with_capacity(96);
        for (i, (column, place)) in table.columns.iter().zip(places).enumerate() {
            if i > 0 {
                text.push(SEPARATOR);
            }
            let start = text.len();
            let cell = place.and_then(|at| cells.get(at));
            // A required column that the header lacks is faulted there, once.
            let outcome = match (cell, place) {
                (Some(cell), _) => canonical(column, cell, &self.policy.zone, &mut text),
                (None, None) if column.need == Need::Required => Ok(()),
                (None, _) => canonical_empty(column, &mut text),
            };
            if let Err(wording) = outcome {
                // Not empty, so that nothing is said to be missing; and nothing that the checks could read.
                text.truncate(start);
                text.push('?');
                self.statement.fault(Some(line), Some(column.name), wording);
            }
        }
        self.keep(line, text, before);
    }

    fn keep(&mut self, line: u64, text: String, faults_before: usize) {
        let table = self.statement.table;
        let fields = Fields::split(table, &text);
        let mut found = Vec::new();
        (table.check)(&fields, self.policy, &mut |column, wording| found.push((column, wording)));
        for (column, wording) in found {
            self.statement.fault(Some(line), Some(column), wording);
        }
        if self.statement.faults.len() + self.statement.dropped_faults > faults_before {
            let first = fields.cells().first().copied().unwrap_or_default();
            self.statement.named_by_faulty.insert(first.to_owned());
            let aliases = table.position("aliases").map(|_| fields.list("aliases"));
            let aliases: Vec<String> = aliases.into_iter().flatten().map(str::to_owned).collect();
            self.statement.named_by_faulty.extend(aliases);
            return;
        }
        let key = table.key_of(&fields).into_boxed_str();
        match self.statement.rows.entry(key) {
            Entry::Vacant(place) => {
                place.insert(Line { number: line, record: text.into_boxed_str() });
            }
            Entry::Occupied(place) => {
                let Line { number: first, record } = place.get();
                let (first, same) = (*first, **record == *text);
                self.statement.repeats.push(Repeat { line, first, same });
            }
        }
    }
}

fn unknown(table: &Table) -> Wording {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name).collect();
    let names = names.join(", ");
    say(
        format!("没有这一列，请删除或改名；{} 的列为：{names}", table.name),
        format!("there is no such column; remove or rename it. {} has: {names}", table.name),
    )
}
