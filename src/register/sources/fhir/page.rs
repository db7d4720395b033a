//! One page of a search, or one resource: bytes → resources, strictly.

use jiff::Timestamp;
use serde_json::Value;

use crate::fhir::document::{Document, Limits, Unsound};
use crate::register::import::fault::say;
use crate::register::sources::fhir::facts::{Facts, Kind, Resource};
use crate::register::sources::fhir::fault::{Fault, Finder};
use crate::register::sources::fhir::person::person;
use crate::register::sources::fhir::reading::{Reading, is_id};
use crate::register::sources::fhir::role::role;
use crate::register::sources::fhir::value::Object;

/// Longest page, in bytes: a role of a hundred grants is some 100 KiB, a page some hundred of them.
pub const PAGE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Deepest nesting of a page. Resources are some ten deep.
const DEPTH: usize = 64;

/// Why a page cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// Two readers could see different things in it.
    #[error("{}", .0.english())]
    Unsound(Unsound),
    /// It is no Bundle of type searchset.
    #[error("it is no Bundle of a search")]
    NoSearchset,
    /// The server found something wrong with the search.
    #[error("the server's own OperationOutcome in it says that the search failed")]
    Failed,
    /// An entry is not what was searched for.
    #[error(
        "entry {0} holds no resource of the type that was searched for, or one without a sound id"
    )]
    Entry(usize),
    /// There are several links to the next page, or one that is no text.
    #[error("its link to the next page is not one text")]
    Link,
    /// The number of all is none.
    #[error("its total is no number")]
    Total,
}

/// A page.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// When the server searched, as it says in the page.
    pub(super) time: Option<Timestamp>,
    /// How many match in all, where the server says so.
    pub(super) total: Option<u64>,
    /// The next page.
    pub(super) next: Option<String>,
    /// What is on it.
    pub(super) resources: Vec<Resource>,
    /// What is wrong with them.
    pub(super) faults: Vec<Fault>,
}

fn read(bytes: &[u8]) -> Result<Value, PageError> {
    let limits = Limits { bytes: PAGE_BYTES_MAX, depth: DEPTH };
    Document::read(bytes, limits).map(Document::into_root).map_err(PageError::Unsound)
}

fn is(value: &Value, key: &str, word: &str) -> bool {
    value.get(key).and_then(Value::as_str) == Some(word)
}

/// Reads a page of a search for `kind`.
///
/// # Errors
/// It is no such page; what is wrong with a resource is in the page's faults.
pub(super) fn page(bytes: &[u8], kind: Kind, reading: &Reading) -> Result<Page, PageError> {
    let root = read(bytes)?;
    if !is(&root, "resourceType", "Bundle") || !is(&root, "type", "searchset") {
        return Err(PageError::NoSearchset);
    }
    let updated = root.get("meta").and_then(|meta| meta.get("lastUpdated"));
    let mut page = Page {
        time: updated.and_then(Value::as_str).and_then(|text| text.parse().ok()),
        total: match root.get("total") {
            None => None,
            Some(total) => Some(total.as_u64().ok_or(PageError::Total)?),
        },
        next: next(&root)?,
        ..Page::default()
    };
    let entries = match root.get("entry") {
        None => &[][..],
        Some(entries) => entries.as_array().ok_or(PageError::NoSearchset)?,
    };
    for (nth, entry) in entries.iter().enumerate() {
        let mode = entry.get("search").and_then(|search| search.get("mode")?.as_str());
        let own = entry.get("resource").and_then(Value::as_object).ok_or(PageError::Entry(nth))?;
        let of_kind = own.get("resourceType").and_then(Value::as_str) == Some(kind.as_str());
        match mode {
            Some("include") if !of_kind => {}
            Some("outcome") => outcome(own)?,
            _ => {
                let id = own.get("id").and_then(Value::as_str).filter(|id| is_id(id));
                let id = id.filter(|_| of_kind).ok_or(PageError::Entry(nth))?;
                page.take(kind, id, own, reading);
            }
        }
    }
    Ok(page)
}

/// Reads a single resource that was asked for.
///
/// # Errors
/// It is another.
pub(super) fn single(
    bytes: &[u8],
    (kind, id): (Kind, &str),
    reading: &Reading,
) -> Result<Page, PageError> {
    let root = read(bytes)?;
    let own = root.as_object().ok_or(PageError::Entry(0))?;
    if !is(&root, "resourceType", kind.as_str()) || !is(&root, "id", id) {
        return Err(PageError::Entry(0));
    }
    let mut page = Page::default();
    page.take(kind, id, own, reading);
    Ok(page)
}

impl Page {
    fn take(&mut self, kind: Kind, id: &str, own: &Object, reading: &Reading) {
        let mut finder = Finder::new(kind.as_str(), id);
        let facts = match kind {
            Kind::Practitioner => Facts::Person(person(own, reading, &mut finder)),
            Kind::Role => Facts::Role(role(own, reading, &mut finder)),
        };
        self.faults.extend(finder.into_faults());
        self.resources.push(Resource::of(id, &facts));
    }
}

fn next(root: &Value) -> Result<Option<String>, PageError> {
    let Some(links) = root.get("link") else { return Ok(None) };
    let links = links.as_array().ok_or(PageError::Link)?;
    let mut next = links.iter().filter(|link| is(link, "relation", "next"));
    let first = next.next().map(|link| link.get("url").and_then(Value::as_str));
    match (first, next.next()) {
        (None, _) => Ok(None),
        (Some(Some(url)), None) => Ok(Some(url.to_owned())),
        _ => Err(PageError::Link),
    }
}

/// What a server says beside the matches: a hint, or that it did not search as it was asked to.
fn outcome(own: &Object) -> Result<(), PageError> {
    let issues = own.get("issue").and_then(Value::as_array).into_iter().flatten();
    let mut grave =
        issues.filter(|issue| is(issue, "severity", "error") || is(issue, "severity", "fatal"));
    if grave.next().is_some() { Err(PageError::Failed) } else { Ok(()) }
}

/// Said of roles whose practitioner is nobody.
pub(super) fn orphan(id: &str) -> Vec<Fault> {
    let mut finder = Finder::new(Kind::Role.as_str(), id);
    finder.fault(
        "practitioner",
        say(
            "所引用的 Practitioner 不存在，或没有本院工号：请更正引用，或登记工号",
            "refers to a Practitioner that does not exist or has no staff number: correct the reference, or give the number",
        ),
    );
    finder.into_faults()
}
