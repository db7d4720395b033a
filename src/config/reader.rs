//! A TOML table read key by key: every fault is kept with its line, and what nobody asked for is unknown.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::fault::Fault;
use crate::config::written::SourceFile;

/// Where faults gather while a file is read.
pub(super) struct Faultfinder<'t> {
    file: &'t str,
    text: &'t str,
    faults: RefCell<Vec<Fault>>,
    opened: RefCell<Vec<SourceFile>>,
}

impl<'t> Faultfinder<'t> {
    pub(super) fn new(file: &'t str, text: &'t str) -> Self {
        let opened = RefCell::new(vec![SourceFile::of(file, text)]);
        Self { file, text, faults: RefCell::default(), opened }
    }

    /// Keeps a fault at a byte offset of the file.
    pub(super) fn at(&self, span: &Range<usize>, text: impl Into<String>) {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let fault = Fault { file: self.file.to_owned(), line: Some(line), text: text.into() };
        self.faults.borrow_mut().push(fault);
    }

    /// Every file that was read, the configuration first.
    pub(super) fn opened(&self) -> Vec<SourceFile> {
        self.opened.borrow().clone()
    }

    /// All faults, by line, each once.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| fault.line);
        faults.dedup();
        faults
    }
}

/// One table of the file.
pub(super) struct Section<'t> {
    name: &'t str,
    table: Option<&'t DeTable<'t>>,
    span: Range<usize>,
    finder: &'t Faultfinder<'t>,
    asked: RefCell<Vec<&'t str>>,
}

type Value<'t> = &'t Spanned<DeValue<'t>>;

impl<'t> Section<'t> {
    pub(super) fn root(table: &'t Spanned<DeTable<'t>>, finder: &'t Faultfinder<'t>) -> Self {
        let asked = RefCell::default();
        Self { name: "", table: Some(table.get_ref()), span: 0..0, finder, asked }
    }

    /// Whether the table is written at all.
    pub(super) fn is_written(&self) -> bool {
        self.table.is_some()
    }

    /// The table of `key`; an empty one when it is not there.
    pub(super) fn section(&self, key: &'t str) -> Self {
        let value = self.value(key);
        self.of(key, value)
    }

    /// The table of `key`, if it is written.
    pub(super) fn section_or_none(&self, key: &'t str) -> Option<Self> {
        let value = self.value(key)?;
        Some(self.of(key, Some(value)))
    }

    /// The array of tables of `key`.
    pub(super) fn sections(&self, key: &'t str) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.finder.at(&value.span(), format!("`{key}` is one table, write `[[{key}]]`"));
            return Vec::new();
        };
        array.iter().map(|table| self.of(key, Some(table))).collect()
    }

    fn of(&self, name: &'t str, value: Option<Value<'t>>) -> Self {
        let table = value.and_then(|value| {
            let table = value.get_ref().as_table();
            if table.is_none() {
                self.finder.at(&value.span(), format!("`{name}` is a table, write `[{name}]`"));
            }
            table
        });
        let span = value.map_or(0..0, Spanned::span);
        Self { name, table, span, finder: self.finder, asked: RefCell::default() }
    }

    fn value(&self, key: &'t str) -> Option<Value<'t>> {
        self.asked.borrow_mut().push(key);
        #[cfg(test)]
        crate::config::reference::asked(self.name, key);
        self.table?.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// Says that something about `key`, or the table if it is not written, is wrong.
    pub(super) fn fault(&self, key: &'t str, text: impl Into<String>) {
        let span = self.value(key).map_or(self.span.clone(), Spanned::span);
        self.finder.at(&span, text);
    }

    /// Keeps that a file was read for this configuration.
    pub(super) fn opened(&self, path: &str, content: &str) {
        self.finder.opened.borrow_mut().push(SourceFile::of(path, content));
    }

    /// A text, or the default.
    pub(super) fn text(&self, key: &'t str, default: &str) -> String {
        self.text_or_none(key).unwrap_or_else(|| default.to_owned())
    }

    /// A text, if written.
    pub(super) fn text_or_none(&self, key: &'t str) -> Option<String> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.wrong(key, value, "a text in quotes");
        }
        text.map(str::to_owned)
    }

    /// A text that must be written.
    pub(super) fn text_needed(&self, key: &'t str) -> String {
        let text = self.text_or_none(key).filter(|text| !text.trim().is_empty());
        text.unwrap_or_else(|| {
            if self.value(key).is_none_or(|v| v.get_ref().is_str()) {
                self.fault(key, format!("`{}` needs `{key} = \"…\"`", self.name));
            }
            String::new()
        })
    }

    /// A whole number within `bounds`, or the default.
    pub(super) fn number(&self, key: &'t str, default: u64, bounds: Range<u64>) -> u64 {
        let Some(value) = self.value(key) else { return default };
        let number = value.get_ref().as_integer().and_then(|n| {
            let digits = n.as_str().replace('_', "");
            u64::from_str_radix(&digits, n.radix()).ok()
        });
        match number {
            Some(number) if bounds.contains(&number) => number,
            _ => {
                let range = format!("a whole number from {} to {}", bounds.start, bounds.end - 1);
                self.wrong(key, value, &range);
                default
            }
        }
    }

    /// Yes or no, or the default.
    pub(super) fn flag(&self, key: &'t str, default: bool) -> bool {
        let Some(value) = self.value(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.wrong(key, value, "true or false");
            default
        })
    }

    /// A list of texts, empty when not written.
    pub(super) fn texts(&self, key: &'t str) -> Vec<String> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let list = value.get_ref().as_array().map(|array| {
            array.iter().map(|v| v.get_ref().as_str().map(str::to_owned)).collect::<Option<_>>()
        });
        list.flatten().unwrap_or_else(|| {
            self.wrong(key, value, "a list of texts, [\"…\", \"…\"]");
            Vec::new()
        })
    }

    /// One of the words of `choices`, or the default.
    pub(super) fn choice<T: Copy>(&self, key: &'t str, default: T, choices: &[(&str, T)]) -> T {
        let Some(value) = self.value(key) else { return default };
        let word = value.get_ref().as_str();
        let found = choices.iter().find(|(name, _)| Some(*name) == word);
        found.map(|(_, choice)| *choice).unwrap_or_else(|| {
            let names: Vec<String> =
                choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.wrong(key, value, &names.join(" or "));
            default
        })
    }

    /// Every key with its value's list of texts, for tables whose keys are free.
    pub(super) fn free_keys(&self) -> Vec<(&'t str, Vec<String>)> {
        let Some(table) = self.table else { return Vec::new() };
        table
            .keys()
            .map(|key| (key.get_ref().as_ref(), self.texts(key.get_ref().as_ref())))
            .collect()
    }

    fn wrong(&self, key: &str, value: Value<'t>, wanted: &str) {
        self.finder.at(&value.span(), format!("`{key}` must be {wanted}"));
    }

    /// Every key that was not asked for is unknown; the nearest known one is named.
    pub(super) fn finish(self) {
        let Some(table) = self.table else { return };
        let asked = self.asked.borrow();
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !asked.contains(&name) {
                let near = asked.iter().min_by_key(|known| distance(known, name));
                let hint = near.filter(|known| distance(known, name) <= 3);
                let hint = hint.map(|known| format!(", did you mean `{known}`?"));
                let place = if self.name.is_empty() { "the file" } else { self.name };
                let hint = hint.unwrap_or_else(|| ", remove it".to_owned());
                self.finder.at(&key.span(), format!("unknown key `{name}` in `{place}`{hint}"));
            }
        }
    }
}

/// Edit distance, for hints only.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], k: usize| row.get(k).copied().unwrap_or(usize::MAX - 1);
            let swap = at(&row, j) + usize::from(x != *y);
            next.push(swap.min(at(&row, j + 1) + 1).min(at(&next, j) + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}
