//! Tables to take away, as CSV or XLSX: what spreadsheet programs open without asking, and never take for a formula.

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
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

/// A spreadsheet program would calculate it: what comes from messages is never calculated.
fn harmless(cell: &str) -> String {
    let risky = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if risky { format!("'{cell}") } else { cell.to_owned() }
}

/// UTF-8 with a mark at its beginning: without it, spreadsheet programs guess.
fn csv(head: &[&str], rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    // Writing to memory cannot fail.
    let _ = writer.write_record(head);
    for row in rows {
        let _ = writer.write_record(row.iter().map(|cell| harmless(cell)));
    }
    writer.into_inner().unwrap_or_default()
}

/// Every cell as text: numbers of patients and orders keep their noughts.
fn xlsx(head: &[&str], rows: &[Vec<String>]) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let bold = Format::new().set_bold();
    for (column, cell) in (0_u16..).zip(head) {
        sheet.write_string_with_format(0, column, *cell, &bold)?;
    }
    for (line, row) in (1_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(row) {
            sheet.write_string(line, column, cell)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    book.save_to_buffer()
}

/// The table as a download; `name` in ASCII, without its end. Written on a thread of its own: a large one takes a
/// while, and routes come first.
pub(super) async fn download(
    form: SheetForm,
    name: &str,
    head: &'static [&'static str],
    rows: Vec<Vec<String>>,
) -> Response {
    let write = move || match form {
        SheetForm::Csv => Ok(csv(head, &rows)),
        SheetForm::Xlsx => xlsx(head, &rows),
    };
    let written = tokio::task::spawn_blocking(write).await;
    let mut response = Response::new(Body::empty());
    let Ok(Ok(bytes)) = written else {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        return response;
    };
    *response.body_mut() = Body::from(bytes);
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
    use super::*;
    use calamine::{Reader, Xlsx};

    #[test]
    fn a_table_is_read_back_as_it_was_and_nothing_in_it_is_calculated() {
        let rows =
            vec![vec!["=1+1".to_owned(), "007".to_owned()], vec!["赵,样例".into(), "".into()]];
        let text = String::from_utf8(csv(&["甲", "乙"], &rows)).unwrap();
        assert_eq!(text, "\u{feff}甲,乙\n'=1+1,007\n\"赵,样例\",\n");
        let bytes = xlsx(&["甲", "乙"], &rows).unwrap();
        let mut book = Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
        let sheet = book.worksheet_range_at(0).unwrap().unwrap();
        let cell = |line, column| sheet.get_value((line, column)).unwrap().to_string();
        assert_eq!((cell(1, 0), cell(1, 1)), ("=1+1".to_owned(), "007".to_owned()));
        assert_eq!(cell(2, 0), "赵,样例");
    }
}
