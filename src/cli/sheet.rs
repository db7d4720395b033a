//! Rows under named columns, as CSV or JSON: for exports that are no register tables.

use serde_json::Value;

/// A table to be exported; cells that are not set are empty text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sheet {
    columns: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Sheet {
    pub(super) fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// A row; its cells in the order of the columns, texts or numbers.
    pub(super) fn row(&mut self, cells: Vec<Value>) {
        self.rows.push(cells);
    }

    /// As CSV: UTF-8, a line feed after each row; `bom` for spreadsheet programs that guess.
    pub(super) fn csv(&self, bom: bool) -> Vec<u8> {
        let out = if bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        let mut writer = csv::Writer::from_writer(out);
        // Writing to memory cannot fail.
        let _ = writer.write_record(&self.columns);
        for row in &self.rows {
            let _ = writer.write_record(row.iter().map(|cell| match cell {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                other => other.to_string(),
            }));
        }
        writer.into_inner().unwrap_or_default()
    }

    /// As a JSON array of objects; cells that are not set are left out.
    pub(super) fn json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let cells = self.columns.iter().zip(row);
            let set = cells.filter(|(_, cell)| !cell.is_null() && cell.as_str() != Some(""));
            let object = set.map(|(name, cell)| ((*name).to_owned(), cell.clone()));
            Value::Object(object.collect())
        });
        let mut text =
            serde_json::to_string_pretty(&Value::Array(rows.collect())).unwrap_or_default();
        text.push('\n');
        text
    }
}
