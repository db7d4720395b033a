//! What a register table is: its columns, its key, and what may stand in a cell. The tables themselves
//! are in `import/`, one file each.

use crate::register::import::fault::Wording;
use crate::register::import::policy::Policy;
use crate::register::record::{Fields, SEPARATOR};

/// What may stand in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One procedure code, folded as codes are compared.
    Code,
    /// Procedure codes, separated by `;`.
    Codes,
    /// Codes of a list, separated by `;`; a trailing `*` makes a stem.
    ListCodes,
    /// ICD-10 prefixes, separated by `;`.
    Diagnoses,
    /// A staff, patient, order or list number, exactly as written.
    Id,
    /// Free text of one line.
    Text,
    /// Texts, separated by `;`.
    Texts,
    /// `YYYY-MM-DD`.
    Date,
    /// ISO 8601, local if without offset; kept as UTC.
    Time,
    /// A day, which counts from its first moment, or a time; kept as UTC.
    DayOrTime,
    /// 1 to 4 (SG 11).
    Grade,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Any of these words, separated by `;`.
    Words(&'static [&'static str]),
}

impl Kind {
    /// Whether a cell holds several values.
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::Codes | Self::ListCodes | Self::Diagnoses | Self::Texts | Self::Words(_)
        )
    }
}

/// Whether a cell must be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Yes.
    Required,
    /// Empty = not set.
    Optional,
    /// Empty = this word.
    Default(&'static str),
}

/// One column of a register file (contract §3).
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in files and in the database.
    pub name: &'static str,
    /// What may stand in it.
    pub kind: Kind,
    /// Whether it must be filled.
    pub need: Need,
}

/// A column of that kind which must be filled.
pub const fn required(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, need: Need::Required }
}

/// A column of that kind which may be empty.
pub const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, need: Need::Optional }
}

/// A column of these words, of which an empty cell means the first.
pub const fn word(name: &'static str, words: &'static [&'static str]) -> Column {
    let first = match words.first() {
        Some(first) => *first,
        None => "",
    };
    Column { name, kind: Kind::Word(words), need: Need::Default(first) }
}

/// A column of the database that is worked out from the file's columns, for look-ups.
#[derive(Clone, Copy, Debug)]
pub struct Derived {
    /// Its name in the database.
    pub name: &'static str,
    /// How it is worked out.
    pub from: fn(&Fields<'_>) -> String,
}

/// A register table.
#[derive(Debug)]
pub struct Table {
    /// Its name in files, options and the database.
    pub name: &'static str,
    /// Its columns, in the order of contract §3.
    pub columns: &'static [Column],
    /// The columns that tell rows apart.
    pub key: &'static [&'static str],
    /// Look-up columns.
    pub derived: &'static [Derived],
    /// Names of columns that people try and that are refused with a reason of their own.
    pub refused: fn(&str) -> Option<Wording>,
    /// What must hold within one row; tells column and wording of each fault.
    pub check: fn(&Fields<'_>, &Policy, &mut dyn FnMut(&'static str, Wording)),
}

/// Tables are told apart by their names.
impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Table {}

impl Table {
    /// The key of a row, as one text.
    pub fn key_of(&self, fields: &Fields<'_>) -> String {
        let mut key = String::new();
        for (i, column) in self.key.iter().enumerate() {
            if i > 0 {
                key.push(SEPARATOR);
            }
            key.push_str(fields.get(column));
        }
        key
    }

    /// The place of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// No column is refused with a reason of its own.
pub fn nothing_refused(_: &str) -> Option<Wording> {
    None
}
