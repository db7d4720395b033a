//! What can be wrong with a mapping file, gathered so that all faults are told at once.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

/// One fault of a mapping file or of a concept map it uses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct MappingFault {
    /// The file's name as it was given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

/// An example of a mapping file whose message is not read as the example says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: example `{example}`: {what}")]
pub struct ExampleFault {
    /// The mapping file.
    pub file: String,
    /// Line of the example, from 1.
    pub line: usize,
    /// Its name.
    pub example: String,
    /// What was expected, and what was read.
    pub what: String,
}

/// Reads a text file as TOML and then by `parse`.
///
/// # Errors
/// All faults, by file and line.
pub(super) fn compiled<P>(
    file: &str,
    text: &str,
    parse: impl for<'d> FnOnce(&'d Spanned<DeTable<'d>>, &'d Faults<'d>) -> P,
) -> Result<P, Vec<MappingFault>> {
    let faults = Faults::new(file, text);
    let Some(document) = faults.document() else { return Err(faults.finish()) };
    let parsed = parse(&document, &faults);
    let found = faults.finish();
    if found.is_empty() { Ok(parsed) } else { Err(found) }
}

/// The differences of one example as faults of its file.
pub(super) fn differences<'e>(
    file: &'e str,
    example: &'e str,
    found: Vec<(usize, String)>,
) -> impl Iterator<Item = ExampleFault> + 'e {
    let (file, example) = (file.to_owned(), example.to_owned());
    found.into_iter().map(move |(line, what)| ExampleFault {
        file: file.clone(),
        line,
        example: example.clone(),
        what,
    })
}

/// Collects the faults of one text file.
pub(super) struct Faults<'t> {
    file: &'t str,
    text: &'t str,
    found: RefCell<Vec<MappingFault>>,
}

impl<'t> Faults<'t> {
    /// The text as TOML; `None` when it is none, and that is told.
    pub(super) fn document(&self) -> Option<Spanned<DeTable<'t>>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let what = format!("not TOML: {}", error.message().trim());
            self.add(&error.span().unwrap_or(0..0), what);
        }
        errors.is_empty().then_some(document)
    }

    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        Self { file, text, found: RefCell::default() }
    }

    /// The line, from 1, on which byte `at` of the text stands.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
    }

    /// Notes a fault at the begin of `span`.
    pub(super) fn add(&self, span: &Range<usize>, what: impl Into<String>) {
        self.add_line(self.line_of(span.start), what);
    }

    /// Notes a fault on `line`.
    pub(super) fn add_line(&self, line: usize, what: impl Into<String>) {
        let what = what.into();
        self.found.borrow_mut().push(MappingFault { file: self.file.to_owned(), line, what });
    }

    /// Takes over faults of another file.
    pub(super) fn adopt(&self, others: Vec<MappingFault>) {
        self.found.borrow_mut().extend(others);
    }

    /// All faults, by file and line.
    pub(super) fn finish(self) -> Vec<MappingFault> {
        let mut found = self.found.into_inner();
        found.sort_by(|a, b| (&a.file, a.line, &a.what).cmp(&(&b.file, b.line, &b.what)));
        found.dedup();
        found
    }
}
