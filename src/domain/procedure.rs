//! Procedures, their codes and their grades, as the institution's catalogue (手术分级管理目录) holds them.

use std::fmt;

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization;

/// The grade of a procedure, 一级 to 四级. Source: SG 11 (exactly four grades).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// 一级手术
    One = 1,
    /// 二级手术
    Two = 2,
    /// 三级手术
    Three = 3,
    /// 四级手术
    Four = 4,
}

impl Grade {
    /// The grade of a number 1 to 4; anything else is no grade (SG 11).
    pub fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            3 => Some(Self::Three),
            4 => Some(Self::Four),
            _ => None,
        }
    }

    /// 1 to 4.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Whether each procedure of this grade must be granted by name: 三、四级手术应当逐项授予 (SG 16¶2).
    pub fn needs_item_grant(self) -> bool {
        self >= Self::Three
    }

    /// 一级 … 四级.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::One => "一级",
            Self::Two => "二级",
            Self::Three => "三级",
            Self::Four => "四级",
        }
    }
}

/// A procedure code in the one form in which codes are compared: NFKC folded, trimmed, letters
/// upper-case except that the `X` of an extension is `x` (rules.md §7).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcedureCode(Box<str>);

impl ProcedureCode {
    /// Folds `text` into a code; `None` when nothing is left.
    pub fn new(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'x'));
        if plain {
            return (!text.is_empty()).then(|| Self(text.into()));
        }
        let folded: String = if text.is_ascii() {
            text.to_ascii_uppercase()
        } else {
            text.nfkc().flat_map(char::to_uppercase).collect()
        };
        let trimmed = folded.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if trimmed.is_empty() {
            return None;
        }
        // The extension of a Chinese code is written `51.2300x001`; the lower-case x is its official form.
        let mut out = String::with_capacity(trimmed.len());
        let mut digits_before = false;
        for c in trimmed.chars() {
            out.push(if c == 'X' && digits_before { 'x' } else { c });
            digits_before |= c.is_ascii_digit();
        }
        Some(Self(out.into()))
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProcedureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a catalogue item may be performed here at all (SG 28, MT 22 25).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ProcedureStatus {
    /// In use.
    #[default]
    Active,
    /// 暂停
    Suspended,
    /// 停止
    Stopped,
}

/// First use in the institution: has it passed its 论证 (SG 18)?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Admission {
    /// In use before; no admission needed.
    #[default]
    Established,
    /// Admission not passed yet.
    Pending,
    /// Admission passed.
    Approved,
}

/// Ethics approval of a catalogue item (MT 13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Ethics {
    /// None needed.
    #[default]
    NotRequired,
    /// Needed, not given.
    Pending,
    /// Needed and given.
    Approved,
}

/// One item of the institution's catalogue (SG 6). Columns: contract §3 `catalogue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Procedure {
    /// The item's own code.
    pub code: ProcedureCode,
    /// The item's name, for people only; names never decide.
    pub name: String,
    /// The institution's grade.
    pub grade: Grade,
    /// The code system, as the institution names it.
    pub code_system: Option<String>,
    /// Further codes of the same technique.
    pub aliases: Vec<ProcedureCode>,
    /// The grade of the reference list (SZ 9).
    pub reference_grade: Option<Grade>,
    /// The 论证 document that allows a grade below the reference.
    pub grade_document: Option<String>,
    /// 诊疗科目.
    pub specialty: Option<String>,
    /// May it be performed now.
    pub status: ProcedureStatus,
    /// Why it is suspended or stopped.
    pub status_reason: Option<String>,
    /// First use in the institution.
    pub admission: Admission,
    /// Ethics approval.
    pub ethics: Ethics,
    /// First day in force; absent = always.
    pub valid_from: Option<Date>,
    /// Last day in force, which counts in full (rules.md §7).
    pub valid_to: Option<Date>,
}

impl Procedure {
    /// Whether the item is in force on `day` (both bounds count).
    pub fn in_force(&self, day: Date) -> bool {
        day_within(day, self.valid_from, self.valid_to)
    }
}

/// Whether `day` lies in `from..=to`; an absent bound is open. The named last day counts in full (rules.md §7).
pub fn day_within(day: Date, from: Option<Date>, to: Option<Date>) -> bool {
    from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> Option<String> {
        ProcedureCode::new(text).map(|c| c.as_str().to_owned())
    }

    #[test]
    fn codes_are_folded_the_one_way_they_are_compared() {
        assert_eq!(code(" 51.2300 ").as_deref(), Some("51.2300"));
        assert_eq!(code("５１．２３００").as_deref(), Some("51.2300"));
        assert_eq!(code("06.3900X001").as_deref(), Some("06.3900x001"));
        assert_eq!(code("06.3900x001").as_deref(), Some("06.3900x001"));
        assert_eq!(code("x12a").as_deref(), Some("X12A"));
        assert_eq!(code("gb-17x").as_deref(), Some("GB-17x"));
        assert_eq!(code(" \u{3000}\t"), None);
        assert_eq!(code(""), None);
    }
}
