//! A register row in its one canonical text form, in which rows are compared, stored and read back.

use crate::register::table::Table;

/// Stands between the cells of a record. Import refuses control characters, so no cell can hold it.
pub const SEPARATOR: char = '\u{1f}';

/// The cells of one record, by column name.
#[derive(Debug)]
pub struct Fields<'r> {
    table: &'static Table,
    cells: Vec<&'r str>,
}

impl<'r> Fields<'r> {
    /// Splits `record`, whose cells stand in the order of `table.columns`.
    pub fn split(table: &'static Table, record: &'r str) -> Self {
        let mut cells = Vec::with_capacity(table.columns.len());
        cells.extend(record.split(SEPARATOR));
        Self { table, cells }
    }

    /// The cell of a column; empty = not set.
    pub fn get(&self, column: &str) -> &'r str {
        let cell = self.table.position(column).and_then(|i| self.cells.get(i));
        cell.copied().unwrap_or_default()
    }

    /// All cells, in the order of the table's columns.
    pub fn cells(&self) -> &[&'r str] {
        &self.cells
    }

    /// Which table.
    pub fn table(&self) -> &'static Table {
        self.table
    }

    /// The parts of a list cell.
    pub fn list(&self, column: &str) -> impl Iterator<Item = &'r str> {
        self.get(column).split(';').filter(|part| !part.is_empty())
    }
}
