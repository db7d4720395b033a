//! The fields of MSH by name.

use crate::hl7::message::{Segment, Span};

/// The version of HL7 that MSH-12 states, as far as it changes the form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The part after `2.`: 3 for 2.3 and 2.3.1.
    pub minor: u8,
}

impl Version {
    /// What a message without a readable version is treated as; the commonest in practice.
    pub const ASSUMED: Self = Self { minor: 4 };

    /// Reads `2.3.1`, `2.5`, `2.7 `; [`Self::ASSUMED`] for everything else.
    pub fn read(text: &[u8]) -> Self {
        let rest = text.trim_ascii().strip_prefix(b"2.").unwrap_or_default();
        let digits = rest.split(|&b| b == b'.').next().unwrap_or_default();
        let minor = std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok());
        minor.map_or(Self::ASSUMED, |minor| Self { minor })
    }
}

/// MSH. Everything is given exactly as written.
#[derive(Clone, Copy, Debug)]
pub struct Header<'m>(Segment<'m>);

impl<'m> Header<'m> {
    pub(super) fn new(segment: Segment<'m>) -> Self {
        Self(segment)
    }

    /// MSH as a segment.
    pub fn segment(&self) -> Segment<'m> {
        self.0
    }

    /// MSH-2 as written.
    pub fn encoding_characters(&self) -> &'m [u8] {
        self.0.field(2).bytes()
    }

    /// MSH-3.
    pub fn sending_application(&self) -> Span<'m> {
        self.0.field(3)
    }

    /// MSH-4.
    pub fn sending_facility(&self) -> Span<'m> {
        self.0.field(4)
    }

    /// MSH-5.
    pub fn receiving_application(&self) -> Span<'m> {
        self.0.field(5)
    }

    /// MSH-6.
    pub fn receiving_facility(&self) -> Span<'m> {
        self.0.field(6)
    }

    /// MSH-7.
    pub fn time(&self) -> Span<'m> {
        self.0.field(7)
    }

    /// MSH-9 as a whole.
    pub fn message_type(&self) -> Span<'m> {
        self.0.field(9)
    }

    /// MSH-9.1, for example `ORM`.
    pub fn code(&self) -> &'m [u8] {
        self.message_type().component(1).bytes()
    }

    /// MSH-9.2, for example `O01`.
    pub fn event(&self) -> &'m [u8] {
        self.message_type().component(2).bytes()
    }

    /// MSH-9.3, for example `ORM_O01`.
    pub fn structure(&self) -> &'m [u8] {
        self.message_type().component(3).bytes()
    }

    /// MSH-10, every byte of it, blanks and delimiters included.
    pub fn control_id(&self) -> &'m [u8] {
        self.0.field(10).bytes()
    }

    /// MSH-11.
    pub fn processing_id(&self) -> Span<'m> {
        self.0.field(11)
    }

    /// MSH-12.
    pub fn version_id(&self) -> Span<'m> {
        self.0.field(12)
    }

    /// What MSH-12 means.
    pub fn version(&self) -> Version {
        Version::read(self.version_id().component(1).bytes())
    }

    /// MSH-15.
    pub fn accept_ack(&self) -> &'m [u8] {
        self.0.field(15).bytes()
    }

    /// MSH-16.
    pub fn application_ack(&self) -> &'m [u8] {
        self.0.field(16).bytes()
    }

    /// MSH-17.
    pub fn country(&self) -> Span<'m> {
        self.0.field(17)
    }

    /// MSH-18.
    pub fn character_set(&self) -> Span<'m> {
        self.0.field(18)
    }
}
