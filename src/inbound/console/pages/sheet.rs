//! Tables to take away, as CSV or XLSX: what spreadsheet programs open without asking, and never take for a formula.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;
use rust_xlsxwriter::{Format, Workbook, XlsxError};

/// A form of table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SheetForm {
    Csv,
    Xlsx,
}

impl SheetForm {
    /// The form of a word of a form; CSV where it says nothing else.
    pub(super) fn named(word: &str) -> Self {
        if word == "xlsx" { Self::Xlsx } else { Self::Csv }
    }

    fn end(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// What stands in one place of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Never calculated, and never taken for a number: those of patients and orders keep their noughts.
    Text(String),
    /// A count.
    Number(u64),
}

/// Why a table is not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum SheetError {
    /// It has more rows than a workbook holds.
    #[error("more rows than a workbook holds")]
    TooLong,
    /// The program is at fault.
    #[error("the table cannot be written")]
    Internal,
}

/// A spreadsheet program would calculate it: what comes from messages is never calculated.
fn harmless(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky { format!("'{cell}") } else { cell.to_owned() }
}

/// UTF-8 with a mark at its beginning: without it, spreadsheet programs guess.
fn csv(head: &[&str], rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => harmless(text),
        Cell::Number(number) => number.to_string(),
    };
    // Writing to memory cannot fail; a row may be shorter than the head.
    let _ = writer.write_record(head);
    for row in rows {
        let gap = head.len().saturating_sub(row.len());
        let filled = row.iter().map(text).chain(std::iter::repeat_n(String::new(), gap));
        let _ = writer.write_record(filled);
    }
    writer.into_inner().unwrap_or_default()
}

fn xlsx(head: &[&str], rows: &[Vec<Cell>]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let bold = Format::new().set_bold();
    for (column, cell) in (0_u16..).zip(head) {
        sheet.write_string_with_format(0, column, *cell, &bold)?;
    }
    for (line, row) in (1_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(row) {
            match cell {
                // A string cell is never a formula.
                Cell::Text(text) => sheet.write_string(line, column, text)?,
                #[expect(clippy::cast_precision_loss, reason = "a workbook knows no other numbers")]
                Cell::Number(number) => sheet.write_number(line, column, *number as f64)?,
            };
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.autofit();
    book.save_to_buffer()
}

/// The bytes of a table. Rows are made and written on a thread of their own: a large table takes a while, and routes
/// come first.
///
/// # Errors
/// A workbook does not hold so many rows.
pub(super) async fn written(
    form: SheetForm,
    head: &'static [&'static str],
    rows: impl FnOnce() -> Vec<Vec<Cell>> + Send + 'static,
) -> Result<Vec<u8>, SheetError> {
    let write = move || match form {
        SheetForm::Csv => Ok(csv(head, &rows())),
        SheetForm::Xlsx => xlsx(head, &rows()),
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(XlsxError::RowColumnLimitError)) => Err(SheetError::TooLong),
        Ok(Err(_)) | Err(_) => Err(SheetError::Internal),
    }
}

/// A written table as a download; `name` in ASCII, without its end.
pub(super) fn download(form: SheetForm, name: &str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(form.kind()));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let disposition = format!("attachment; filename=\"{name}.{}\"", form.end());
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

#[cfg(test)]
mod tests {
    use calamine::{Reader, Xlsx};

    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn a_table_is_read_back_as_it_was_and_nothing_in_it_is_calculated() {
        let rows = vec![
            vec![text("=1+1"), text("007"), Cell::Number(3)],
            vec![text("赵,样例"), text(""), Cell::Number(0)],
            vec![text("（其余未列出）")],
        ];
        let written = String::from_utf8(csv(&["甲", "乙", "丙"], &rows)).unwrap();
        let expected = "\u{feff}甲,乙,丙\n'=1+1,007,3\n\"赵,样例\",,0\n（其余未列出）,,\n";
        assert_eq!(written, expected);
        let bytes = xlsx(&["甲", "乙", "丙"], &rows).unwrap();
        let mut book = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        let sheet = book.worksheet_range_at(0).unwrap().unwrap();
        let cell = |line, column| sheet.get_value((line, column)).unwrap();
        assert_eq!(cell(1, 0).to_string(), "=1+1");
        assert_eq!(cell(1, 1).to_string(), "007");
        assert_eq!(cell(1, 2), &calamine::Data::Float(3.0));
        assert_eq!(cell(2, 0).to_string(), "赵,样例");
    }

    #[tokio::test]
    async fn a_workbook_that_cannot_hold_the_rows_is_not_written_and_csv_is() {
        let rows = || vec![vec![Cell::Number(1)]; 1_048_577];
        let refused = written(SheetForm::Xlsx, &["n"], rows).await;
        assert!(matches!(refused, Err(SheetError::TooLong)), "{refused:?}");
        let given = written(SheetForm::Csv, &["n"], rows).await.unwrap();
        assert_eq!(given.iter().filter(|byte| **byte == b'\n').count(), 1_048_578);
    }
}
