//! The register → files that `import` reads back.

use jiff::tz::TimeZone;

use crate::register::error::RegisterError;
use crate::register::record::Fields;
use crate::register::sources::sql::{self, SqlSource};
use crate::register::table::{Column, Kind, Table};

/// Current rows of a table, cells in the order of its columns.
#[derive(Debug)]
pub struct Sheet {
    /// Which table.
    pub table: &'static Table,
    /// The register version they were read at.
    pub version: i64,
    records: Vec<String>,
    zone: TimeZone,
}

/// Reads the current rows of a table. Times are written in `zone`, with their offset.
///
/// # Errors
/// The source does not answer.
pub async fn export(
    source: &SqlSource,
    table: &'static Table,
    zone: &TimeZone,
) -> Result<Sheet, RegisterError> {
    let mut transaction = source.read().await?;
    let version = sql::newest_version(&mut transaction).await?;
    let records = sql::current(&mut transaction, table).await?;
    transaction.rollback().await?;
    Ok(Sheet { table, version, records, zone: zone.clone() })
}

impl Sheet {
    /// The cells of one column.
    pub fn column(&self, name: &str) -> Vec<String> {
        let of = |record: &String| {
            let found = self.cells(record).find(|(column, _)| column.name == name);
            found.map(|(_, cell)| cell)
        };
        self.records.iter().filter_map(of).collect()
    }

    /// As CSV: UTF-8, a line feed after each row; `bom` for spreadsheet programs that guess.
    pub fn csv(&self, bom: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if bom {
            out.extend_from_slice("\u{feff}".as_bytes());
        }
        let mut writer = csv::Writer::from_writer(out);
        // Writing to memory cannot fail.
        let _ = writer.write_record(self.table.columns.iter().map(|column| column.name));
        for record in &self.records {
            let _ = writer.write_record(self.cells(record).map(|(_, cell)| cell));
        }
        writer.into_inner().unwrap_or_default()
    }

    /// As a JSON array of objects; cells that are not set are left out, lists are arrays.
    pub fn json(&self) -> String {
        let rows: Vec<serde_json::Value> =
            self.records.iter().map(|record| self.object(record)).collect();
        let mut text = serde_json::to_string_pretty(&rows).unwrap_or_default();
        text.push('\n');
        text
    }

    fn object(&self, record: &str) -> serde_json::Value {
        let cells = self.cells(record).filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(column, cell)| {
            let value = match column.kind {
                kind if kind.is_list() => cell.split(';').collect::<Vec<_>>().into(),
                Kind::Grade => cell.parse::<u8>().map_or(cell.as_str().into(), Into::into),
                _ => serde_json::Value::from(cell),
            };
            (column.name.to_owned(), value)
        });
        serde_json::Value::Object(cells.collect())
    }

    fn cells(&self, record: &str) -> impl Iterator<Item = (&'static Column, String)> {
        let fields = Fields::split(self.table, record);
        let cells: Vec<_> = self
            .table
            .columns
            .iter()
            .zip(fields.cells())
            .map(|(column, cell)| (column, self.shown(column, cell)))
            .collect();
        cells.into_iter()
    }

    fn shown(&self, column: &Column, cell: &str) -> String {
        if matches!(column.kind, Kind::Time | Kind::DayOrTime)
            && let Ok(instant) = cell.parse::<jiff::Timestamp>()
        {
            let local = instant.to_zoned_datetime(self.zone.clone());
            if column.kind == Kind::DayOrTime && local.time() == jiff::civil::Time::midnight() {
                return local.date().to_string();
            }
            return local.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string();
        }
        cell.to_owned()
    }
}
