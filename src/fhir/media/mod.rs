//! Content types and content codings: in which forms a body can be judged.

mod coding;
#[cfg(test)]
mod tests;
mod xml;

pub use coding::{CodingFault, decode};
pub use xml::{XmlRoot, xml_root};

/// What a Content-Type header says of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// FHIR JSON, plain JSON, or nothing said: read as JSON.
    Json,
    /// `application/json-patch+json`
    JsonPatch,
    /// XML, FHIR's or any.
    Xml,
    /// Anything else, or a charset that is not UTF-8.
    Other,
}

/// Reads a Content-Type (several values, be they in one line or joined from several: [`Form::Other`]).
pub fn form(content_type: Option<&str>) -> Form {
    let Some(text) = content_type.map(trim).filter(|text| !text.is_empty()) else {
        return Form::Json;
    };
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let form = of_kind(&trim(kind).to_ascii_lowercase());
    if utf8(parameters) { form } else { Form::Other }
}

fn of_kind(kind: &str) -> Form {
    match kind {
        "application/fhir+json" | "application/json" | "application/json+fhir" | "text/json" => {
            Form::Json
        }
        "application/json-patch+json" => Form::JsonPatch,
        "application/xml" | "text/xml" | "application/xml+fhir" => Form::Xml,
        _ if kind.ends_with("+xml") && !kind.contains(',') => Form::Xml,
        _ => Form::Other,
    }
}

/// Whether the parameters are well formed and name no charset, or UTF-8 once.
fn utf8(parameters: &str) -> bool {
    let mut charsets = 0;
    for parameter in split_quoted(parameters) {
        let parameter = trim(parameter);
        if parameter.is_empty() {
            continue;
        }
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let Some(value) = unquoted(trim(value)) else { return false };
        let name = trim(name);
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
            return false;
        }
        if name.eq_ignore_ascii_case("charset") {
            charsets += 1;
            let known = ["utf-8", "utf8"].iter().any(|own| own.eq_ignore_ascii_case(value));
            if !known || charsets > 1 {
                return false;
            }
        }
    }
    true
}

/// The parameters between semicolons that are in no quotes.
fn split_quoted(parameters: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    parameters.split(move |character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    })
}

/// A value without its quotes; `None` when it holds what another reader could split or unescape.
fn unquoted(value: &str) -> Option<&str> {
    let inner = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    let plain = inner.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte));
    plain.then_some(inner)
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}
