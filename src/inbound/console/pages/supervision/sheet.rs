//! The figures as files: CSV, and a workbook for spreadsheet programs.

use std::collections::BTreeMap;

use rust_xlsxwriter::{Workbook, XlsxError};

use crate::cases::figures::{COLUMNS, Cell, Figures};
use crate::domain::procedure::Grade;

/// The texts that tell a cell apart.
fn texts(cell: &Cell) -> [String; 5] {
    [
        cell.month.strftime("%Y-%m").to_string(),
        cell.stage.as_str().to_owned(),
        cell.department.clone().unwrap_or_default(),
        cell.surgeon.as_ref().map(|surgeon| surgeon.as_str().to_owned()).unwrap_or_default(),
        cell.grade.map(|grade| Grade::number(grade).to_string()).unwrap_or_default(),
    ]
}

/// Texts of messages must not become formulas of whoever opens the file.
fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

/// CSV, UTF-8 with a byte order mark, since spreadsheet programs guess.
pub(super) fn csv(cells: &BTreeMap<Cell, Figures>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    // Writing to memory cannot fail.
    let _ = writer.write_record(COLUMNS);
    for (cell, figures) in cells {
        let numbers = figures.numbers().map(|number| number.to_string());
        let _ = writer.write_record(texts(cell).map(harmless).iter().chain(&numbers));
    }
    writer.into_inner().unwrap_or_default()
}

/// The same as a workbook.
///
/// # Errors
/// There are more rows than a sheet holds.
pub(super) fn xlsx(cells: &BTreeMap<Cell, Figures>) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.set_name("supervision")?;
    for (column, name) in (0_u16..).zip(COLUMNS) {
        sheet.write_string(0, column, name)?;
    }
    for (row, (cell, figures)) in (1_u32..).zip(cells) {
        // A string cell is never a formula.
        for (column, text) in (0_u16..).zip(texts(cell)) {
            sheet.write_string(row, column, text)?;
        }
        for (column, number) in (5_u16..).zip(figures.numbers()) {
            // Counts of cases are far below 2^53.
            #[expect(clippy::cast_precision_loss, reason = "a workbook knows no other numbers")]
            sheet.write_number(row, column, number as f64)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.autofit();
    book.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::order::Stage;

    #[test]
    fn a_department_that_looks_like_a_formula_is_text() {
        let cell = Cell {
            month: date(2026, 3, 1),
            stage: Stage::Order,
            department: Some("=HYPERLINK(\"x\")".to_owned()),
            surgeon: None,
            grade: None,
        };
        let cells = BTreeMap::from([(cell, Figures { checked: 3, ..Figures::default() })]);
        let text = String::from_utf8(csv(&cells)).unwrap();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], format!("\u{feff}{}", COLUMNS.join(",")));
        assert!(rows[1].starts_with("2026-03,order,\"'=HYPERLINK(\"\"x\"\")\",,,3,0"), "{text}");
        assert!(xlsx(&cells).unwrap().starts_with(b"PK"));
    }
}
