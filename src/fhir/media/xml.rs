//! The root element of an XML body, looked for only to know an order from what is none of the gate's business.

use crate::fhir::{CONTAINER_TYPES, JUDGED_TYPES};

/// What the beginning of an XML body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XmlRoot {
    /// An order, an appointment, a procedure, or what can hold them: it cannot be judged as XML.
    Order,
    /// Something else.
    Other,
    /// No root element that could be read with certainty: not XML, not UTF-8, a document type, cut off.
    Unclear,
}

/// The root element of an XML body, by its local name and without case.
pub fn xml_root(body: &[u8]) -> XmlRoot {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let Some(mut rest) = std::str::from_utf8(valid(body)).ok() else { return XmlRoot::Unclear };
    loop {
        rest = rest.trim_start();
        let skipped = match rest {
            _ if rest.starts_with("<?") => rest.split_once("?>"),
            _ if rest.starts_with("<!--") => rest.split_once("-->"),
            _ => break,
        };
        let Some((skipped, behind)) = skipped else { return XmlRoot::Unclear };
        if skipped.starts_with("<?xml") && !says_utf8(skipped) {
            return XmlRoot::Unclear;
        }
        rest = behind;
    }
    let Some(name) = rest.strip_prefix('<') else { return XmlRoot::Unclear };
    let end = name.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'));
    let Some((name, _)) = end.and_then(|end| name.split_at_checked(end)) else {
        return XmlRoot::Unclear;
    };
    let local = name.rsplit_once(':').map_or(name, |(_, local)| local);
    let mut orders = JUDGED_TYPES.iter().chain(&CONTAINER_TYPES);
    if orders.any(|own| own.eq_ignore_ascii_case(local)) {
        XmlRoot::Order
    } else if !local.is_empty() && local.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        XmlRoot::Other
    } else {
        XmlRoot::Unclear
    }
}

/// The part of `body` that is UTF-8: it may be the beginning of a longer one.
fn valid(body: &[u8]) -> &[u8] {
    match std::str::from_utf8(body) {
        Ok(_) => body,
        Err(error) => body.get(..error.valid_up_to()).unwrap_or_default(),
    }
}

/// Whether an XML declaration names no encoding, or UTF-8.
fn says_utf8(declaration: &str) -> bool {
    let Some((_, encoding)) = declaration.split_once("encoding") else { return true };
    let value = encoding.trim_matches(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\''));
    ["utf-8", "utf8", "us-ascii"]
        .iter()
        .any(|own| value.get(..own.len()).is_some_and(|start| start.eq_ignore_ascii_case(own)))
}
