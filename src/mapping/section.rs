//! Walks a parsed TOML document table by table, so that every unknown key and wrong type is told, not only the first.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::mapping::fault::Faults;

/// A text of the file and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Word<'d> {
    pub(super) text: &'d str,
    pub(super) span: Range<usize>,
}

/// One table of the file.
pub(super) struct Section<'d> {
    name: String,
    span: Range<usize>,
    table: &'d DeTable<'d>,
    pub(super) faults: &'d Faults<'d>,
    known: RefCell<Vec<&'static str>>,
}

impl<'d> Section<'d> {
    pub(super) fn new(
        name: impl Into<String>,
        span: Range<usize>,
        table: &'d DeTable<'d>,
        faults: &'d Faults<'d>,
    ) -> Self {
        Self { name: name.into(), span, table, faults, known: RefCell::default() }
    }

    /// Where the table stands.
    pub(super) fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// A fault of the table as a whole.
    pub(super) fn fault(&self, what: &str) {
        self.faults.add(&self.span, format!("{}: {what}", self.name));
    }

    fn get(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.known.borrow_mut().push(key);
        self.table.get(key)
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, wanted: &str) {
        let found = value.get_ref().type_str();
        let what = format!("{}: `{key}` is of type {found}; write {wanted}", self.name);
        self.faults.add(&value.span(), what);
    }

    /// Whether the key is written.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// A text, if the key is written.
    pub(super) fn text(&self, key: &'static str) -> Option<Word<'d>> {
        let value = self.get(key)?;
        let word = word(value);
        if word.is_none() {
            self.wrong(key, value, "a text in quotes");
        }
        word
    }

    /// Tells when the key is not written.
    pub(super) fn must_have(&self, key: &'static str, example: &str) {
        if !self.has(key) {
            self.fault(&format!("`{key}` is missing; write for example {key} = {example}"));
        }
    }

    /// A text that must be there.
    pub(super) fn required(&self, key: &'static str, example: &str) -> Option<Word<'d>> {
        self.must_have(key, example);
        self.text(key)
    }

    /// A list of texts; a single text is a list of one; absent is the empty list.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Word<'d>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        if let Some(one) = word(value) {
            return vec![one];
        }
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, "a text or a list of texts");
            return Vec::new();
        };
        let mut words = Vec::with_capacity(list.len());
        for value in list {
            match word(value) {
                Some(word) => words.push(word),
                None => self.wrong(key, value, "only texts in the list"),
            }
        }
        words
    }

    /// `true` or `false`; absent is false.
    pub(super) fn flag(&self, key: &'static str) -> bool {
        let Some(value) = self.get(key) else { return false };
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, value, "true or false");
        }
        flag.unwrap_or(false)
    }

    /// The table `[key]`.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'d>> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong(key, value, &format!("a table, [{key}]"));
            return None;
        };
        Some(Section::new(format!("[{key}]"), value.span(), table, self.faults))
    }

    /// The tables `[[key]]`.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'d>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.wrong(key, value, &format!("a table in double brackets, [[{key}]]"));
            return Vec::new();
        };
        let mut sections = Vec::with_capacity(list.len());
        for value in list {
            match value.get_ref().as_table() {
                Some(table) => {
                    let name = format!("[[{key}]]");
                    sections.push(Section::new(name, value.span(), table, self.faults));
                }
                None => self.wrong(key, value, &format!("[[{key}]] tables only")),
            }
        }
        sections
    }

    /// The tables `[key.NAME]` with their names.
    pub(super) fn named_sections(&self, key: &'static str) -> Vec<(Word<'d>, Section<'d>)> {
        let Some(outer) = self.section(key) else { return Vec::new() };
        let mut named = Vec::with_capacity(outer.table.len());
        for (name, value) in outer.table {
            let word = Word { text: name.get_ref(), span: name.span() };
            match value.get_ref().as_table() {
                Some(table) => {
                    let title = format!("[{key}.{}]", word.text);
                    named.push((word, Section::new(title, value.span(), table, self.faults)));
                }
                None => self.wrong(word.text, value, &format!("a table, [{key}.{}]", word.text)),
            }
        }
        named
    }

    /// The texts `[key] NAME = "…"` with their names.
    pub(super) fn named_texts(&self, key: &'static str) -> Vec<(Word<'d>, Word<'d>)> {
        let Some(outer) = self.section(key) else { return Vec::new() };
        let mut named = Vec::with_capacity(outer.table.len());
        for (name, value) in outer.table {
            let name = Word { text: name.get_ref(), span: name.span() };
            match word(value) {
                Some(word) => named.push((name, word)),
                None => self.wrong(name.text, value, "a text in quotes"),
            }
        }
        named
    }

    /// Tells every key that nobody asked for.
    pub(super) fn finish(self) {
        let known = self.known.into_inner();
        for (key, _) in self.table {
            let written: &str = key.get_ref();
            if !known.contains(&written) {
                let mut possible = known.clone();
                possible.sort_unstable();
                possible.dedup();
                let what = format!(
                    "{}: `{written}` is not a key here; possible are {}",
                    self.name,
                    possible.join(", ")
                );
                self.faults.add(&key.span(), what);
            }
        }
    }
}

fn word<'d>(value: &'d Spanned<DeValue<'d>>) -> Option<Word<'d>> {
    let text = value.get_ref().as_str()?;
    Some(Word { text, span: value.span() })
}
