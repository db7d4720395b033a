//! What the index keeps of an entry, and the terms it is found by.

use jiff::Timestamp;
use jiff::civil::Date;
use ring::digest::{SHA256, digest};

use crate::domain::order::Redacted;

/// What an entry is found by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// The patient's number.
    Patient(Redacted),
    /// The order's number.
    Order(Redacted),
    /// A surgeon's staff number.
    Surgeon(String),
    /// A procedure's code.
    Procedure(String),
    /// The operating day.
    Day(Date),
    /// A rule that applied, or a gap.
    Rule(String),
    /// What was decided.
    Decision(String),
    /// By which route it came.
    Route(String),
    /// The department as written.
    Department(String),
    /// `order`, `notice`, `record`.
    Stage(String),
    /// The kind of entry; of decisions and deliveries, which are most, it is not a term.
    Kind(String),
    /// The entry it tells of.
    Of(String),
    /// Whose doing it was.
    Account(String),
}

impl Term {
    fn parts(&self) -> (&'static str, std::borrow::Cow<'_, str>) {
        match self {
            Self::Patient(text) => ("patient", text.reveal().trim().into()),
            Self::Order(text) => ("order", text.reveal().trim().into()),
            Self::Surgeon(text) => ("surgeon", text.as_str().into()),
            Self::Procedure(text) => ("procedure", text.as_str().into()),
            Self::Day(day) => ("day", day.to_string().into()),
            Self::Rule(text) => ("rule", text.as_str().into()),
            Self::Decision(text) => ("decision", text.as_str().into()),
            Self::Route(text) => ("route", text.as_str().into()),
            Self::Department(text) => ("department", text.as_str().into()),
            Self::Stage(text) => ("stage", text.as_str().into()),
            Self::Kind(text) => ("kind", text.as_str().into()),
            Self::Of(text) => ("of", text.as_str().into()),
            Self::Account(text) => ("account", text.as_str().into()),
        }
    }

    /// As the tables know it: the first 64 bits of its hash.
    pub(in crate::search) fn number(&self) -> i64 {
        let (kind, text) = self.parts();
        let hash = digest(&SHA256, format!("{kind}\u{1f}{text}").as_bytes());
        let first: [u8; 8] = match hash.as_ref().first_chunk() {
            Some(first) => *first,
            None => [0; 8],
        };
        i64::from_le_bytes(first)
    }

    /// As a row keeps it, for comparison: `kind:text`.
    pub(in crate::search) fn written(&self) -> String {
        let (kind, text) = self.parts();
        format!("{kind}:{text}")
    }
}

/// An entry to be taken.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its place in the chain.
    pub seq: u64,
    /// Its id.
    pub entry: String,
    /// When it happened.
    pub at: Timestamp,
    /// Its kind.
    pub kind: &'static str,
    /// The file that holds it.
    pub file: String,
    /// Where in the file.
    pub offset: u64,
    /// What it is found by.
    pub terms: Vec<Term>,
    /// What lists show of it, as JSON.
    pub summary: String,
}

/// An entry that was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Its place in the chain.
    pub seq: u64,
    /// Its id.
    pub entry: String,
    /// When it happened.
    pub at: Timestamp,
    /// Its kind.
    pub kind: String,
    /// The file that holds it.
    pub file: String,
    /// Where in the file.
    pub offset: u64,
    /// What lists show of it, as JSON.
    pub summary: String,
    pub(in crate::search) terms: String,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Found").field("seq", &self.seq).field("entry", &self.entry).finish()
    }
}

impl Found {
    /// Whether it bears a term.
    pub fn bears(&self, term: &Term) -> bool {
        let wanted = term.written();
        self.terms.split('\n').any(|own| own == wanted)
    }

    /// Whether it is of one of these departments.
    pub fn of_departments(&self, departments: &[String]) -> bool {
        departments.iter().any(|department| self.bears(&Term::Department(department.clone())))
    }
}
