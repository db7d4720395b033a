//! XLSX sheets as rows of cells, read cell by cell: a stray cell far out costs nothing.

use std::io::Cursor;

use calamine::{CellErrorType, DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use jiff::civil::{Date, DateTime, Time};

use crate::register::import::cell::Cell;
use crate::register::import::fault::{Wording, say};
use crate::register::import::sheet::{MAX_COLUMNS, Rows};

/// Reads the sheet named like the table, else the first.
pub fn read(bytes: &[u8], table: &str, rows: &mut dyn Rows) {
    let mut book = match Xlsx::new(Cursor::new(bytes)) {
        Ok(book) => book,
        Err(error) => return rows.fault(None, unreadable(&error)),
    };
    let names = book.sheet_names();
    let named = names.iter().find(|name| name.trim().eq_ignore_ascii_case(table));
    let Some(name) = named.or(names.first()).cloned() else {
        return rows.fault(None, say("没有工作表", "holds no sheet"));
    };
    if let Err(error) = read_sheet(&mut book, &name, rows) {
        rows.fault(None, unreadable(&error));
    }
}

fn unreadable(error: &XlsxError) -> Wording {
    say(
        format!("无法作为 Excel 工作簿读取（{error}），请用 Excel 打开并另存"),
        format!("cannot be read as a workbook ({error}); open it in Excel and save it again"),
    )
}

fn read_sheet(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    rows: &mut dyn Rows,
) -> Result<(), XlsxError> {
    let mut reader = book.worksheet_cells_reader(name)?;
    let (mut line, mut width) = (0_u64, 0);
    let mut cells: Vec<DataRef<'_>> = Vec::new();
    while let Some(cell) = reader.next_cell()? {
        let (row, column) = cell.get_position();
        let row = u64::from(row) + 1;
        if row != line {
            if !pass_on(line, &mut cells, &mut width, rows) {
                return Ok(());
            }
            cells.clear();
            line = row;
        }
        let column = column as usize;
        let value = cell.get_value().clone();
        if matches!(value, DataRef::Empty) {
            continue;
        }
        if column >= MAX_COLUMNS {
            rows.fault(
                Some(line),
                say(
                    format!("第 {MAX_COLUMNS} 列以外有内容，请删除"),
                    format!("something stands beyond column {MAX_COLUMNS}; delete it"),
                ),
            );
            continue;
        }
        if cells.len() <= column {
            cells.resize(column + 1, DataRef::Empty);
        }
        if let Some(place) = cells.get_mut(column) {
            *place = value;
        }
    }
    pass_on(line, &mut cells, &mut width, rows);
    Ok(())
}

/// Gives a row on, as wide as the header: a sheet does not hold cells that were never filled.
fn pass_on<'c>(
    line: u64,
    cells: &mut Vec<DataRef<'c>>,
    width: &mut usize,
    rows: &mut dyn Rows,
) -> bool {
    if cells.iter().all(|cell| plain(cell).is_blank()) {
        return true;
    }
    if *width == 0 {
        *width = cells.len();
    }
    if cells.len() < *width {
        cells.resize(*width, DataRef::Empty);
    }
    let cells: Vec<Cell<'_>> = cells.iter().map(plain).collect();
    rows.row(line, &cells)
}

fn plain<'a>(cell: &'a DataRef<'_>) -> Cell<'a> {
    match cell {
        DataRef::Empty => Cell::Text(""),
        DataRef::String(text) => Cell::Text(text),
        DataRef::SharedString(text) => Cell::Text(text),
        DataRef::DateTimeIso(text) => text.parse().map_or(Cell::Text(text), Cell::Moment),
        #[expect(clippy::cast_precision_loss, reason = "a spreadsheet number is a double anyway")]
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::DateTime(moment) => {
            civil(moment).map_or(Cell::Unusable("时长", "a duration"), Cell::Moment)
        }
        DataRef::DurationIso(_) => Cell::Unusable("时长", "a duration"),
        DataRef::Bool(_) => Cell::Unusable("逻辑值", "a truth value"),
        DataRef::Error(error) => broken(error),
    }
}

fn broken(_: &CellErrorType) -> Cell<'static> {
    Cell::Unusable("公式错误", "a formula error")
}

fn civil(moment: &ExcelDateTime) -> Option<DateTime> {
    if !moment.is_datetime() {
        return None;
    }
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let small = |n: u8| i8::try_from(n).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let nanos = i32::from(milli) * 1_000_000;
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, nanos).ok()?;
    Some(date.to_datetime(time))
}
