//! Method, path and headers → which interaction it is, and the ways in which it could be meant to slip by.

/// What an HTTP request asks of a FHIR server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// None of the gate's business: reads, searches, operations that are not judged, types that hold no orders
    /// in a form that is not looked at. Streamed.
    Stream,
    /// A write to a type that is not judged: streamed once its body is known not to be an order in disguise.
    Unjudged {
        /// The type of the path; the body's must be the same.
        resource_type: String,
    },
    /// A write that is judged.
    Write(Write),
    /// DELETE of an order, appointment or procedure: a withdrawal.
    Delete(Target),
    /// Refused with 400: two servers could see different things in it.
    Doubtful(Evasion),
    /// Refused with 403 unless the route allows it: GraphQL, bulk import and the like.
    NotAllowed(String),
    /// Outside the FHIR base: 404.
    OutsideBase,
}

/// A write that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// POST to a type, conditional or not.
    Create(Target),
    /// PUT, conditional or not.
    Update(Target),
    /// PATCH, conditional or not.
    Patch(Target),
    /// POST to the base: the Bundle's type says what it is.
    Bundle,
    /// An operation whose body holds orders: `$process-message`, `$submit-data`.
    Operation(String),
}

/// What a write or DELETE is aimed at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As FHIR writes it, whatever case the path had.
    pub resource_type: String,
    /// The logical id, where the path has one.
    pub id: Option<String>,
    /// The search of a conditional interaction, without `?`, as written.
    pub condition: Option<String>,
}

/// Ways in which a request could be read differently by another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evasion {
    /// Empty or dot segments, encoded slashes, path parameters, percent signs that encode percent signs.
    Path,
    /// `_method`, `X-HTTP-Method-Override` and their like on a write.
    MethodOverride,
    /// `X-Original-URL`, `X-Rewrite-URL`.
    UrlOverride,
    /// A body on GET or HEAD.
    BodyOnRead,
    /// A method that FHIR does not have.
    Method,
}

impl Evasion {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        "fhir-path"
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        ""
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        ""
    }
}

/// The head of a request, as far as it says what is asked.
#[derive(Clone, Copy)]
pub struct Head<'h> {
    /// The method as written.
    pub method: &'h str,
    /// The path as written, percent signs and all.
    pub path: &'h str,
    /// What stands behind `?`.
    pub query: Option<&'h str>,
    /// Whether a body is there, or said to be.
    pub has_body: bool,
    /// Whether a header of this (lower-case) name is there.
    pub has_header: &'h dyn Fn(&str) -> bool,
}

/// What a route lets pass.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Operations that are refused by default and allowed here (`$graphql`, `$import`).
    pub operations: Vec<String>,
    /// Whether paths outside the base are forwarded.
    pub outside_base: bool,
}

/// Tells which interaction `head` is, on a server whose base path is `base` (`/fhir`; empty: the root).
pub fn classify(base: &str, head: &Head<'_>, allowed: &Allowed) -> Interaction {
    let _ = (base, head, allowed);
    Interaction::Stream
}
