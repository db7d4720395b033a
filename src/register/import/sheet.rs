//! The bytes of a register file → rows of cells with their line numbers. CSV here, XLSX in `workbook.rs`.

use std::borrow::Cow;

use encoding_rs::GB18030;

use crate::register::import::cell::Cell;
use crate::register::import::fault::{Wording, say};
use crate::register::import::workbook;

/// Largest register file, in bytes. A million grants take about 100 MB; a larger file is a mistake.
pub const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// Most columns of a sheet. The widest table has 14; what lies far to the right is a stray cell.
pub const MAX_COLUMNS: usize = 256;

/// Receives a file's rows.
pub trait Rows {
    /// One row that is not blank; the first one is the header. Returns whether to go on.
    fn row(&mut self, line: u64, cells: &[Cell<'_>]) -> bool;
    /// A fault of the file or of one line as such.
    fn fault(&mut self, line: Option<u64>, wording: Wording);
}

/// Reads a file's rows into `rows`. `table` picks the sheet of a workbook.
pub fn read(bytes: &[u8], table: &str, rows: &mut dyn Rows) {
    if bytes.starts_with(b"PK\x03\x04") {
        workbook::read(bytes, table, rows);
    } else if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        rows.fault(
            None,
            say(
                "是旧版 Excel 文件（.xls），请另存为 .xlsx 或 CSV",
                "is an old Excel file (.xls); save it as .xlsx or CSV",
            ),
        );
    } else if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        rows.fault(
            None,
            say("是 UTF-16 文本，请另存为“CSV UTF-8”", "is UTF-16 text; save it as “CSV UTF-8”"),
        );
    } else if let Some(text) = decode(bytes, rows) {
        read_csv(&text, rows);
    }
}

/// UTF-8 with or without mark, else GB18030; nothing is replaced or guessed within a line.
fn decode<'b>(bytes: &'b [u8], rows: &mut dyn Rows) -> Option<Cow<'b, str>> {
    let marked = bytes.strip_prefix(b"\xef\xbb\xbf");
    if let Ok(text) = std::str::from_utf8(marked.unwrap_or(bytes)) {
        return Some(Cow::Borrowed(text));
    }
    let lines = || bytes.split(|b| *b == b'\n').zip(1_u64..);
    if marked.is_some() || mostly_utf8(bytes) {
        for (_, number) in lines().filter(|(line, _)| std::str::from_utf8(line).is_err()) {
            rows.fault(
                Some(number),
                say(
                    "此行不是有效的 UTF-8，请重新键入乱码处并另存为“CSV UTF-8”",
                    "the line is not UTF-8; enter the broken text anew and save as “CSV UTF-8”",
                ),
            );
        }
        return None;
    }
    let decoded = GB18030.decode_without_bom_handling_and_without_replacement(bytes);
    if decoded.is_none() {
        for (line, number) in lines() {
            // Neither byte of a GB18030 character after its first can be a line feed, so lines stand alone.
            if GB18030.decode_without_bom_handling_and_without_replacement(line).is_none() {
                rows.fault(
                    Some(number),
                    say(
                        "此行既不是 UTF-8 也不是 GB18030，请重新键入并另存为“CSV UTF-8”",
                        "the line is neither UTF-8 nor GB18030; enter it anew and save as “CSV UTF-8”",
                    ),
                );
            }
        }
    }
    decoded
}

/// Whether the file is meant to be UTF-8 and only broken in places. A single Chinese word in GB18030
/// may look like UTF-8 by accident, most lines of a file cannot.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut sound, mut broken) = (0_u64, 0_u64);
    for line in bytes.split(|b| *b == b'\n').filter(|line| !line.is_ascii()) {
        if std::str::from_utf8(line).is_ok() {
            sound += 1;
        } else {
            broken += 1;
        }
    }
    sound > broken
}

fn read_csv(text: &str, rows: &mut dyn Rows) {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => {
                let line = reader.position().line();
                rows.fault(
                    Some(line),
                    say("此行不是 CSV，请检查引号", "the line is no CSV; check its quotes"),
                );
                return;
            }
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<Cell<'_>> = record.iter().map(Cell::Text).collect();
        if cells.iter().all(Cell::is_blank) {
            continue;
        }
        if !rows.row(line, &cells) {
            return;
        }
    }
}
