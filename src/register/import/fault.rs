//! What is wrong with a register file: where, what, and what to write instead.

use std::fmt;

/// A sentence in Chinese and English.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// For the people who keep the register.
    pub zh: String,
    /// The same.
    pub en: String,
}

/// Puts the two languages together.
pub fn say(zh: impl Into<String>, en: impl Into<String>) -> Wording {
    Wording { zh: zh.into(), en: en.into() }
}

impl fmt::Display for Wording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.zh, self.en)
    }
}

/// One fault of a register file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file as given on the command line.
    pub file: String,
    /// Line of the text file or row of the sheet, from 1; absent = the whole file.
    pub line: Option<u64>,
    /// Column name; absent = the whole row.
    pub column: Option<String>,
    /// What is wrong and what to write.
    pub wording: Wording,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if let Some(column) = &self.column {
            write!(f, "{column}: ")?;
        }
        self.wording.fmt(f)
    }
}
