//! By what words resources are read: which identifier is the staff number, whose roles count, which qualification is
//! the licence.

use jiff::tz::TimeZone;

/// A system and a code or value, written `system|value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The system.
    pub system: String,
    /// The code or value.
    pub value: String,
}

impl Token {
    /// Reads `system|value`; both must be there.
    pub fn parse(text: &str) -> Option<Self> {
        let (system, value) = text.split_once('|')?;
        let (system, value) = (system.trim().to_owned(), value.trim().to_owned());
        (!system.is_empty() && !value.is_empty()).then_some(Self { system, value })
    }
}

/// An organization whose roles count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Organization {
    /// By its logical id.
    Id(String),
    /// By an identifier in the reference.
    Identifier(Token),
}

impl Organization {
    /// Reads `Organization/id` or `system|value`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().strip_prefix("Organization/") {
            Some(id) if is_id(id) => Some(Self::Id(id.to_owned())),
            Some(_) => None,
            None => Token::parse(text).map(Self::Identifier),
        }
    }
}

/// A logical id (FHIR `id`).
pub fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// The words.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The FHIR base, for absolute references.
    pub base: String,
    /// The system of staff numbers.
    pub staff_system: String,
    /// The code of the qualification that is the licence; none: the only one that ends.
    pub licence: Option<Token>,
    /// Whose roles count; empty: all.
    pub organizations: Vec<Organization>,
    /// In which days begin and end.
    pub zone: TimeZone,
}

impl Reading {
    /// What the facts that are kept were read by: others must be read anew.
    pub fn print(&self) -> String {
        let Self { base, staff_system, licence, organizations, zone } = self;
        let zone = zone.iana_name().unwrap_or_default();
        let print = format!("{VERSION} {base} {staff_system} {licence:?} {organizations:?} {zone}");
        hex::encode(ring::digest::digest(&ring::digest::SHA256, print.as_bytes()))
    }
}

/// Of what resources are read into; another one has everything read anew.
const VERSION: u32 = 1;

/// The logical id in a reference to a resource of this server.
pub(super) fn referred(reference: &str, kind: &str, base: &str) -> Option<String> {
    let relative = reference.strip_prefix(base.trim_end_matches('/'));
    let relative = relative.map_or(reference, |rest| rest.trim_start_matches('/'));
    let rest = relative.strip_prefix(kind)?.strip_prefix('/')?;
    let (id, version) = rest.split_once("/_history/").unwrap_or((rest, "1"));
    (is_id(id) && is_id(version)).then(|| id.to_owned())
}
