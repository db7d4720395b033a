//! Headers and parameters that make some servers take a request for another one, and methods.

use percent_encoding::percent_decode_str;

use crate::fhir::interaction::{Evasion, Head};

const URLS: [&str; 3] = ["x-original-url", "x-rewrite-url", "x-http-path-override"];
const METHODS: [&str; 4] =
    ["x-http-method-override", "x-http-method", "x-method-override", "x-method"];
const PARAMETERS: [&str; 6] = [
    "_method",
    "_httpmethod",
    "$httpmethod",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

/// Whether a method of FHIR changes anything.
pub(super) fn writes(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}

/// What in the head could make a server take the request for another one.
pub(super) fn evasion(head: &Head<'_>) -> Option<Evasion> {
    let has_one_of = |names: &[&str]| names.iter().any(|name| (head.has_header)(name));
    if has_one_of(&URLS) {
        return Some(Evasion::UrlOverride);
    }
    if !matches!(head.method, "GET" | "HEAD" | "OPTIONS") && !writes(head.method) {
        return Some(Evasion::Method);
    }
    if has_one_of(&METHODS) || head.query.is_some_and(|query| overridden(query, head.method)) {
        return Some(Evasion::MethodOverride);
    }
    (head.has_body && matches!(head.method, "GET" | "HEAD")).then_some(Evasion::BodyOnRead)
}

/// Whether a parameter of the query names a method; on a read: one that changes something.
fn overridden(query: &str, method: &str) -> bool {
    query.split(['&', ';']).any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let name = percent_decode_str(name).decode_utf8_lossy();
        let name = name.split('[').next().unwrap_or_default();
        let name = name.trim_matches([' ', '+', '\t', '\0']);
        if !PARAMETERS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return false;
        }
        let value = percent_decode_str(value).decode_utf8_lossy();
        let harmless = ["", "GET", "HEAD", "OPTIONS"];
        writes(method) || !harmless.iter().any(|own| own.eq_ignore_ascii_case(&value))
    })
}
