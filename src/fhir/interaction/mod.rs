//! Method, path and headers → which interaction it is, and the ways in which it could be meant to slip by.

mod override_of;
mod path;
mod target;
#[cfg(test)]
mod tests;

use crate::fhir::interaction::path::Path;

pub use target::{Target, Write};

/// What an HTTP request asks of a FHIR server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// None of the gate's business: reads, searches, operations that are not judged, types that hold no orders
    /// in a form that is not looked at (`Binary`), patches and deletions of types that are not judged. Streamed.
    Stream,
    /// A write to a type that is not judged: streamed once its body is known not to be an order in disguise.
    Unjudged {
        /// The first segment of the path, as it is written but for percent signs; the body's type must be the
        /// same but for case.
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

/// Ways in which a request could be read differently by another server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evasion {
    /// Empty or dot segments, encoded slashes, path parameters, percent signs that encode percent signs, and
    /// paths that FHIR does not have but that name a judged type.
    Path,
    /// `_method`, `X-HTTP-Method-Override` and their like.
    MethodOverride,
    /// `X-Original-URL`, `X-Rewrite-URL`.
    UrlOverride,
    /// A body on GET or HEAD.
    BodyOnRead,
    /// A method that FHIR does not have, or not there.
    Method,
}

impl Evasion {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Path => "fhir-path",
            Self::MethodOverride => "fhir-method-override",
            Self::UrlOverride => "fhir-url-override",
            Self::BodyOnRead => "fhir-body-on-read",
            Self::Method => "fhir-method",
        }
    }

    /// What is wrong and what to do, in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Path => "请求路径有歧义，请按FHIR标准书写，例如/ServiceRequest/编号",
            Self::MethodOverride => "不接受用请求头或参数改变HTTP方法，请直接使用所需的方法",
            Self::UrlOverride => "不接受改写路径的请求头，请直接请求所需的路径",
            Self::BodyOnRead => "GET和HEAD请求不应带正文，请去掉正文",
            Self::Method => "FHIR在此处没有这种HTTP方法，请使用大写的GET、POST、PUT、PATCH或DELETE",
        }
    }

    /// The same in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::Path => {
                "the path can be read in two ways; write it as FHIR does, like /ServiceRequest/id"
            }
            Self::MethodOverride => {
                "the method must not be overridden by a header or parameter; use the method itself"
            }
            Self::UrlOverride => {
                "the path must not be overridden by a header; request the path itself"
            }
            Self::BodyOnRead => "GET and HEAD carry no body; send the request without",
            Self::Method => {
                "FHIR does not have this method here; use GET, POST, PUT, PATCH or DELETE in capitals"
            }
        }
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

/// Operations that take writes in forms the gate does not read.
const REFUSED_OPERATIONS: [&str; 11] = [
    "$graphql",
    "$import",
    "$bulk-import",
    "$bulk-submit",
    "$bulk-update",
    "$batch",
    "$apply",
    "$convert",
    "$transform",
    "$load",
    "$sql",
];

/// Tells which interaction `head` is, on a server whose base path is `base` (`/fhir`; empty: the root).
pub fn classify(base: &str, head: &Head<'_>, allowed: &Allowed) -> Interaction {
    let base = base.trim_end_matches('/');
    if let Some(evasion) = override_of::evasion(head) {
        return Interaction::Doubtful(evasion);
    }
    let path = Path::new(base, head.path);
    let writes = override_of::writes(head.method);
    let Some(below) = path.below else {
        return match (allowed.outside_base, path.resolved_below()) {
            (false, _) => Interaction::OutsideBase,
            (true, None) => Interaction::Stream,
            (true, Some(_)) if writes => Interaction::Doubtful(Evasion::Path),
            (true, Some(resolved)) => read(&resolved, allowed),
        };
    };
    if writes {
        return match path::segments(below) {
            Some(segments) => target::write(&segments, head, allowed),
            None => Interaction::Doubtful(Evasion::Path),
        };
    }
    match path.resolved_below() {
        Some(resolved) => read(&resolved, allowed),
        None if allowed.outside_base => Interaction::Stream,
        None => Interaction::OutsideBase,
    }
}

/// Whether an absolute URL leads, on whatever server, to nothing that is judged or refused here.
pub(in crate::fhir) fn is_harmless(url: &str, allowed: &Allowed) -> bool {
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    let Some((_, path)) = path.filter(|(_, path)| !path.contains(['?', '#'])) else { return false };
    path::resolve(path).is_some_and(|segments| {
        let known =
            |segment: &String| target::is_judged(segment) || refused(0, segment, allowed).is_some();
        !segments.iter().any(known)
    })
}

/// A read of what the path resolves to at the most generous server.
fn read(resolved: &[String], allowed: &Allowed) -> Interaction {
    let mut names = resolved.iter().enumerate();
    let refused = names.find_map(|(at, segment)| refused(at, segment, allowed));
    refused.map_or(Interaction::Stream, Interaction::NotAllowed)
}

/// The name of the operation, where a segment names one that is refused here.
fn refused(at: usize, segment: &str, allowed: &Allowed) -> Option<String> {
    // Some servers have their GraphQL endpoint without the dollar sign.
    let plain = at == 0 && segment.eq_ignore_ascii_case("graphql");
    let segment = if plain { "$graphql" } else { segment };
    let name = REFUSED_OPERATIONS.iter().find(|name| name.eq_ignore_ascii_case(segment))?;
    let same = |own: &String| {
        own.trim_start_matches('$').eq_ignore_ascii_case(name.trim_start_matches('$'))
    };
    (!allowed.operations.iter().any(same)).then(|| (*name).to_owned())
}
