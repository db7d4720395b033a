//! One cell → its canonical text, or what to write instead.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;

use crate::domain::procedure::ProcedureCode;
use crate::register::import::fault::{Wording, say};
use crate::register::record::Fields;
use crate::register::table::{Column, Kind, Need};

/// Longest cell, in bytes. The longest real cells are alias lists of a few hundred bytes.
pub const MAX_CELL_BYTES: usize = 8_000;

/// A cell as the file holds it. An empty cell is an empty text.
#[derive(Clone, Debug)]
pub enum Cell<'a> {
    /// Text.
    Text(&'a str),
    /// A number of a spreadsheet: its digits as written are lost.
    Number(f64),
    /// A date or time of a spreadsheet.
    Moment(DateTime),
    /// What a register column never holds; names it in Chinese and English.
    Unusable(&'static str, &'static str),
}

impl Cell<'_> {
    /// Whether there is nothing in it.
    pub fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }
}

/// Appends the canonical text of `cell` to `out`.
///
/// # Errors
/// What is wrong and what to write; `out` may then hold a part.
pub fn canonical(
    column: &Column,
    cell: &Cell<'_>,
    zone: &TimeZone,
    out: &mut String,
) -> Result<(), Wording> {
    match cell {
        Cell::Text(text) => canonical_text(column, text.trim(), zone, out),
        Cell::Number(number) => canonical_number(column, *number, out),
        Cell::Moment(moment) => canonical_moment(column, *moment, zone, out),
        Cell::Unusable(zh, en) => Err(say(
            format!("单元格是{zh}，请改为文本"),
            format!("the cell holds {en}; write text"),
        )),
    }
}

/// What an absent column or an empty cell means.
///
/// # Errors
/// The column must be filled.
pub fn canonical_empty(column: &Column, out: &mut String) -> Result<(), Wording> {
    match column.need {
        Need::Required => Err(say("必填，不能为空", "is required and must not be empty")),
        Need::Optional => Ok(()),
        Need::Default(word) => {
            out.push_str(word);
            Ok(())
        }
    }
}

fn canonical_text(
    column: &Column,
    text: &str,
    zone: &TimeZone,
    out: &mut String,
) -> Result<(), Wording> {
    if text.is_empty() {
        return canonical_empty(column, out);
    }
    sound(column.kind, text)?;
    match column.kind {
        Kind::Code => out.push_str(code(text)?.as_str()),
        Kind::Codes => joined(text, |part| Ok(code(part)?.as_str().to_owned()), out)?,
        Kind::ListCodes => joined(text, list_code, out)?,
        Kind::Diagnoses => joined(text, diagnosis, out)?,
        Kind::Id | Kind::Text => out.push_str(text),
        Kind::Texts => out.push_str(&parts(text).collect::<Vec<_>>().join(";")),
        Kind::Date => date(text, out)?,
        Kind::Time => time(text, zone, out)?,
        Kind::DayOrTime => day_or_time(text, zone, out)?,
        Kind::Grade => grade(text, out)?,
        Kind::Word(words) => word(text, words, out)?,
        Kind::Words(words) => any_words(text, words, out)?,
    }
    Ok(())
}

/// Refuses what nobody means to write: control characters, endless texts, and in codes and staff
/// numbers characters that cannot be seen and would never match.
fn sound(kind: Kind, text: &str) -> Result<(), Wording> {
    if text.len() > MAX_CELL_BYTES {
        return Err(say(
            format!("超过 {MAX_CELL_BYTES} 字节，请缩短；也可能是引号没有成对"),
            format!("is longer than {MAX_CELL_BYTES} bytes; shorten it, or close an open quote"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(say(
            "含有换行或控制字符，请删除；也可能是引号没有成对",
            "holds a line break or control character; remove it, or close an open quote",
        ));
    }
    let unseen = |c| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let compared = Kind::Code == kind || Kind::Id == kind || kind.is_list();
    if compared && text.chars().any(unseen) {
        return Err(say(
            "含有不可见字符，请重新键入",
            "holds an invisible character; type it anew",
        ));
    }
    Ok(())
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    // Chinese keyboards give the full-width semicolon.
    text.split([';', '；']).map(str::trim).filter(|part| !part.is_empty())
}

fn joined(
    text: &str,
    one: impl Fn(&str) -> Result<String, Wording>,
    out: &mut String,
) -> Result<(), Wording> {
    let parts: Vec<String> = parts(text).map(one).collect::<Result<_, _>>()?;
    out.push_str(&parts.join(";"));
    Ok(())
}

/// Shortest stem: a whole chapter of the classification. Less would be every operation there is.
const MIN_STEM: usize = 2;

fn list_code(text: &str) -> Result<String, Wording> {
    // Chinese keyboards give the full-width star, which would else be read as a letter of the code.
    let folded: String = text.nfkc().collect();
    let Some(stem) = folded.trim().strip_suffix('*') else {
        return Ok(code(&folded)?.as_str().to_owned());
    };
    let stem = code(stem)?;
    if stem.as_str().bytes().filter(|byte| *byte != b'.').count() < MIN_STEM {
        return Err(say(
            format!("词干 {text} 太短，会包括几乎所有手术：请至少写 {MIN_STEM} 位"),
            format!(
                "the stem {text} would mean almost every operation; write at least {MIN_STEM} digits"
            ),
        ));
    }
    Ok(format!("{stem}*"))
}

/// An ICD-10 code or its beginning: a letter, a digit, and what follows.
fn diagnosis(text: &str) -> Result<String, Wording> {
    let folded = text.nfkc().collect::<String>().to_uppercase();
    // The marks of the dagger-and-asterisk notation are not part of the code.
    let prefix = folded.trim().trim_end_matches(['*', '†', '+']);
    let mut rest = prefix.bytes();
    let begins = rest.next().is_some_and(|byte| byte.is_ascii_uppercase())
        && rest.next().is_some_and(|byte| byte.is_ascii_digit());
    if begins && rest.all(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
        return Ok(prefix.to_owned());
    }
    Err(say(
        format!("{text} 不是 ICD-10 编码的开头，请写成如 E11 或 G30.0；几个之间用分号，不写范围"),
        format!(
            "{text} is not the beginning of an ICD-10 code; write for example E11 or G30.0, several with semicolons, no ranges"
        ),
    ))
}

fn any_words(text: &str, words: &[&str], out: &mut String) -> Result<(), Wording> {
    let mut named = Vec::new();
    for part in parts(text) {
        let mut one = String::new();
        word(part, words, &mut one)?;
        named.push(one);
    }
    // In the order of the vocabulary, so that the same set is always the same text.
    let found = words.iter().filter(|word| named.iter().any(|one| one == **word));
    out.push_str(&found.copied().collect::<Vec<_>>().join(";"));
    Ok(())
}

fn code(text: &str) -> Result<ProcedureCode, Wording> {
    let code = ProcedureCode::new(text)
        .ok_or_else(|| say("不是编码，请写手术编码", "is no code; write a procedure code"))?;
    if code.as_str().contains(['*', ';']) {
        return Err(say(
            "必须是完整的编码，不能用 * 通配；一格一个编码",
            "must be one whole code; a stem with * grants nothing",
        ));
    }
    Ok(code)
}

fn date(text: &str, out: &mut String) -> Result<(), Wording> {
    let shape = text.len() == 10 && text.bytes().filter(|b| *b == b'-').count() == 2;
    if shape && let Ok(date) = text.parse::<Date>() {
        return sane_date(date, out);
    }
    let meant: Vec<i16> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty())
        .filter_map(|part| part.parse().ok())
        .collect();
    let meant = match meant.as_slice() {
        [y, m, d] if *y >= 1000 => i8::try_from(*m)
            .ok()
            .zip(i8::try_from(*d).ok())
            .and_then(|(m, d)| Date::new(*y, m, d).ok())
            .map_or_else(|| "2026-03-02".to_owned(), |date| date.to_string()),
        _ => "2026-03-02".to_owned(),
    };
    Err(say(
        format!("不是 YYYY-MM-DD 形式的日期，请写成如 {meant}"),
        format!("is no date of the form YYYY-MM-DD; write for example {meant}"),
    ))
}

fn sane_date(date: Date, out: &mut String) -> Result<(), Wording> {
    if date.year() < 1900 {
        return Err(say("年份早于 1900，请检查", "the year is before 1900; check it"));
    }
    out.push_str(&date.to_string());
    Ok(())
}

fn time(text: &str, zone: &TimeZone, out: &mut String) -> Result<(), Wording> {
    let fault = || {
        say(
            "不是 ISO 8601 时间，请写成如 2026-03-02T08:00（本地时间）或 2026-03-02T08:00+08:00",
            "is no ISO 8601 time; write for example 2026-03-02T08:00 (local) or 2026-03-02T08:00+08:00",
        )
    };
    // A bare date says nothing about the hour, and jiff would read it as midnight.
    if !text.contains(':') {
        return Err(fault());
    }
    let instant = match text.parse::<Timestamp>() {
        Ok(instant) => instant,
        Err(_) => {
            let local = text.parse::<DateTime>().map_err(|_| fault())?;
            zone.to_timestamp(local).map_err(|_| fault())?
        }
    };
    out.push_str(&instant.to_string());
    Ok(())
}

fn day_or_time(text: &str, zone: &TimeZone, out: &mut String) -> Result<(), Wording> {
    if text.contains(':') {
        return time(text, zone, out);
    }
    let mut day = String::new();
    date(text, &mut day)?;
    time(&format!("{day}T00:00"), zone, out)
}

fn grade(text: &str, out: &mut String) -> Result<(), Wording> {
    let folded: String = text.nfkc().collect();
    if matches!(folded.as_str(), "1" | "2" | "3" | "4") {
        out.push_str(&folded);
        return Ok(());
    }
    Err(no_grade())
}

fn no_grade() -> Wording {
    say(
        "手术级别只有一至四级，请写 1、2、3 或 4（SG 11）",
        "there are exactly four grades: write 1, 2, 3 or 4 (SG 11)",
    )
}

fn word(text: &str, words: &[&str], out: &mut String) -> Result<(), Wording> {
    if let Some(word) = words.iter().find(|word| word.eq_ignore_ascii_case(text)) {
        out.push_str(word);
        return Ok(());
    }
    let allowed = words.join(", ");
    Err(say(
        format!("不是允许的取值，请写其中之一：{allowed}"),
        format!("is not among the words of this column; write one of: {allowed}"),
    ))
}

fn canonical_number(column: &Column, number: f64, out: &mut String) -> Result<(), Wording> {
    let whole = number.fract() == 0.0 && number.abs() < 1e15;
    match column.kind {
        Kind::Code | Kind::Codes | Kind::ListCodes | Kind::Diagnoses | Kind::Id => Err(say(
            format!(
                "单元格是数字，原文已丢失（51.2300 会变成 51.23，00123 会变成 123；现为 {number}）：请把整列设为“文本”格式后重新填写"
            ),
            format!(
                "the cell is a number and has lost its text (51.2300 becomes 51.23, 00123 becomes 123; it is now {number}): format the column as text and enter it again"
            ),
        )),
        Kind::Grade if [1.0, 2.0, 3.0, 4.0].contains(&number) => {
            out.push_str(&number.to_string());
            Ok(())
        }
        Kind::Grade => Err(no_grade()),
        Kind::Text | Kind::Texts if whole => {
            out.push_str(&number.to_string());
            Ok(())
        }
        Kind::Text | Kind::Texts => Err(say(
            "单元格是小数，原文可能已丢失：请设为“文本”格式后重新填写",
            "the cell is a fraction and may have lost its text: format it as text and enter it again",
        )),
        Kind::Date | Kind::Time | Kind::DayOrTime => Err(say(
            "单元格是数字：请设为“日期”格式，或写成文本 2026-03-02",
            "the cell is a number: format it as a date, or write the text 2026-03-02",
        )),
        Kind::Word(words) | Kind::Words(words) => word(&number.to_string(), words, out),
    }
}

fn canonical_moment(
    column: &Column,
    moment: DateTime,
    zone: &TimeZone,
    out: &mut String,
) -> Result<(), Wording> {
    match column.kind {
        Kind::Date if moment == moment.date().to_datetime(jiff::civil::Time::midnight()) => {
            sane_date(moment.date(), out)
        }
        Kind::Date => Err(say("含有时刻，请只写日期", "holds a time of day; write the date alone")),
        Kind::Time | Kind::DayOrTime => time(&moment.to_string(), zone, out),
        _ => Err(say(
            "单元格是日期格式：请把整列设为“文本”格式后重新填写",
            "the cell is formatted as a date: format the column as text and enter it again",
        )),
    }
}

/// Whether a text names the national performance-assessment list (国家绩效考核, 国考), which must not be a
/// source of grades or lists (SG 36).
pub fn performance_assessment(text: &str) -> bool {
    let folded: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
    folded.contains("绩效考核") || folded.contains("国考")
}

/// `valid_from` must not be after `valid_to`.
pub fn order_of_days(row: &Fields<'_>, fault: &mut dyn FnMut(&'static str, Wording)) {
    let day = |column| row.get(column).parse::<Date>().ok();
    if let (Some(from), Some(to)) = (day("valid_from"), day("valid_to"))
        && from > to
    {
        fault(
            "valid_to",
            say("早于 valid_from，请更正其中之一", "is before valid_from; correct one of the two"),
        );
    }
}
