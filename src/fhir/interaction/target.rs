//! The segments of a write → what it is aimed at.

use std::fmt;

use crate::fhir::interaction::{Allowed, Evasion, Head, Interaction, refused};
use crate::fhir::{CONTAINER_TYPES, JUDGED_TYPES};

/// A write that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// POST to a type, conditional or not (a POST to `Type/id` too: some servers create).
    Create(Target),
    /// PUT, conditional or not.
    Update(Target),
    /// PATCH, conditional or not.
    Patch(Target),
    /// POST to the base: the Bundle's type says what it is.
    Bundle,
    /// An operation whose body holds orders: `$process-message`, `$submit-data`, `$book`, `$hold`.
    Operation(String),
}

/// What a write or DELETE is aimed at. Its `Debug` leaves the search out: searches name patients.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// As FHIR writes it, whatever case the path had.
    pub resource_type: String,
    /// The logical id, where the path has one.
    pub id: Option<String>,
    /// The search of a conditional interaction, without `?`, as written. That of a conditional create stands in
    /// `If-None-Exist` (of a Bundle's entry: `ifNoneExist`, and here).
    pub condition: Option<String>,
}

impl Target {
    /// `Type/id`, where it has an id.
    pub fn identity(&self) -> Option<String> {
        self.id.as_ref().map(|id| format!("{}/{id}", self.resource_type))
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("resource_type", &self.resource_type)
            .field("id", &self.id)
            .field("conditional", &self.condition.is_some())
            .finish()
    }
}

/// Operations whose bodies hold orders or appointments; the last two book appointments (IHE Scheduling).
const JUDGED_OPERATIONS: [&str; 4] = ["$process-message", "$submit-data", "$book", "$hold"];

/// The type whose resources hold bytes of any kind.
const BINARY: &str = "Binary";

/// What a write to these segments below the base is.
pub(super) fn write(segments: &[String], head: &Head<'_>, allowed: &Allowed) -> Interaction {
    let mut names = segments.iter().enumerate();
    if let Some(name) = names.find_map(|(at, segment)| refused(at, segment, allowed)) {
        return Interaction::NotAllowed(name);
    }
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    if let Some(at) = segments.iter().position(|segment| segment.starts_with('$')) {
        return operation(&segments, at, head.method);
    }
    match (head.method, segments.as_slice()) {
        ("POST", []) => Interaction::Write(Write::Bundle),
        // Conditional deletion across types: a withdrawal at most.
        ("DELETE", []) => Interaction::Stream,
        (_, []) => Interaction::Doubtful(Evasion::Method),
        ("POST", ["_search"] | [_, "_search"] | [_, _, _, "_search"]) => Interaction::Stream,
        (method, [first, rest @ ..]) => typed(method, first, rest, head.query),
    }
}

fn operation(segments: &[&str], at: usize, method: &str) -> Interaction {
    let last = at + 1 == segments.len();
    let name = segments.get(at).copied().unwrap_or_default();
    let plain = name.bytes().skip(1).all(|byte| unreserved(byte) && byte != b'.');
    let judged = JUDGED_OPERATIONS.iter().find(|own| own.eq_ignore_ascii_case(name));
    match (method, judged) {
        ("DELETE", _) => Interaction::Stream,
        _ if !last || !plain => Interaction::Doubtful(Evasion::Path),
        ("POST", Some(name)) => Interaction::Write(Write::Operation((*name).to_owned())),
        ("POST", None) => Interaction::Stream,
        _ => Interaction::Doubtful(Evasion::Method),
    }
}

/// A write to `first/rest…`, where `first` should be a type.
fn typed(method: &str, first: &str, rest: &[&str], query: Option<&str>) -> Interaction {
    let doubtful = Interaction::Doubtful(Evasion::Path);
    let word = |segment: &str| segment.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !word(first) || rest.iter().any(|segment| canonical(segment).is_some()) {
        return doubtful;
    }
    let Some(resource_type) = canonical(first) else {
        return match method {
            "DELETE" | "PATCH" => Interaction::Stream,
            _ if first.eq_ignore_ascii_case(BINARY) => Interaction::Stream,
            _ => Interaction::Unjudged { resource_type: first.to_owned() },
        };
    };
    let id = match rest {
        [] => None,
        [id] if logical_id(id) => Some((*id).to_owned()),
        // What was is taken away, not what is.
        [_, "_history"] | [_, "_history", _] if method == "DELETE" => return Interaction::Stream,
        _ => return doubtful,
    };
    let search = if id.is_none() && method != "POST" { query } else { None };
    let condition = search.map(str::to_owned);
    let target = Target { resource_type: resource_type.to_owned(), id, condition };
    match method {
        "POST" => Interaction::Write(Write::Create(target)),
        "PUT" => Interaction::Write(Write::Update(target)),
        "PATCH" => Interaction::Write(Write::Patch(target)),
        _ if JUDGED_TYPES.contains(&resource_type) => Interaction::Delete(target),
        _ => Interaction::Stream,
    }
}

/// Whether a segment names a type or an operation whose writes are judged.
pub(super) fn is_judged(segment: &str) -> bool {
    let operation = JUDGED_OPERATIONS.iter().any(|own| own.eq_ignore_ascii_case(segment));
    operation || canonical(segment).is_some()
}

/// The judged or container type that a segment names to a server that folds case.
fn canonical(segment: &str) -> Option<&'static str> {
    let mut types = JUDGED_TYPES.iter().chain(&CONTAINER_TYPES);
    types.find(|own| own.eq_ignore_ascii_case(segment)).copied()
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// FHIR's ids, and the underscores and lengths that some servers use beyond them.
fn logical_id(id: &str) -> bool {
    id.bytes().all(unreserved) && !id.starts_with(['_', '.']) && !id.ends_with('.')
}
