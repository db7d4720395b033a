//! A piece of a message: a field, a repetition, a component, a sub-component.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::hl7::escape;
use crate::hl7::message::Message;

/// A range of the message that knows how to split and decode itself.
#[derive(Clone, Copy)]
pub struct Span<'m> {
    message: &'m Message<'m>,
    start: usize,
    end: usize,
}

impl<'m> Span<'m> {
    pub(super) fn new(message: &'m Message<'m>, range: Range<usize>) -> Self {
        Self { message, start: range.start, end: range.end }
    }

    /// The bytes as they came.
    pub fn bytes(&self) -> &'m [u8] {
        self.message.bytes(self.range())
    }

    /// Where they stand in the payload.
    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// Nothing, or the HL7 null `""`.
    pub fn is_empty(&self) -> bool {
        self.start == self.end || self.is_null()
    }

    /// The HL7 null `""`: the sender wants the value deleted.
    pub fn is_null(&self) -> bool {
        self.bytes() == b"\"\""
    }

    /// The repetitions of a field; one even when it is empty.
    pub fn repetitions(&self) -> impl Iterator<Item = Self> + use<'m> {
        self.split(self.message.delimiters().repetition)
    }

    /// Repetition `number`, from 1; empty when there is none.
    pub fn repetition(&self, number: usize) -> Self {
        let found = number.checked_sub(1).and_then(|n| self.repetitions().nth(n));
        found.unwrap_or_else(|| self.nothing())
    }

    /// How many repetitions, at least 1.
    pub fn repetition_count(&self) -> usize {
        self.count(self.message.delimiters().repetition)
    }

    /// The components of the first repetition; one even when it is empty.
    pub fn components(&self) -> impl Iterator<Item = Self> + use<'m> {
        self.repetition(1).split(self.message.delimiters().component)
    }

    /// Component `number` of the first repetition, from 1; empty when there is none.
    pub fn component(&self, number: usize) -> Self {
        let found = number.checked_sub(1).and_then(|n| self.components().nth(n));
        found.unwrap_or_else(|| self.nothing())
    }

    /// How many components the first repetition has, at least 1.
    pub fn component_count(&self) -> usize {
        self.repetition(1).count(self.message.delimiters().component)
    }

    /// Sub-component `number` of the first component, from 1; empty when there is none.
    pub fn subcomponent(&self, number: usize) -> Self {
        let mut parts = self.component(1).split(self.message.delimiters().subcomponent);
        let found = number.checked_sub(1).and_then(|n| parts.nth(n));
        found.unwrap_or_else(|| self.nothing())
    }

    /// Whether a sub-component separator stands anywhere in it.
    pub fn has_subcomponents(&self) -> bool {
        self.count(self.message.delimiters().subcomponent) > 1
    }

    /// The text: escapes resolved, decoded in the character set of the message. What does not
    /// decode becomes U+FFFD. For comparison and display; what is forwarded is the bytes.
    pub fn text(&self) -> Cow<'m, str> {
        let escaped = self.message.delimiters().escape;
        let masked = self.message.masked(self.range());
        if escaped.is_none_or(|byte| memchr::memchr(byte, masked).is_none()) {
            return self.message.charset().decode(self.bytes());
        }
        let bytes = escape::unescape(self.bytes(), masked, &self.message.delimiters());
        Cow::Owned(self.message.charset().decode(&bytes).into_owned())
    }

    pub(super) fn split(self, by: Option<u8>) -> impl Iterator<Item = Self> + use<'m> {
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let span = rest?;
            let masked = span.message.masked(span.range());
            match by.and_then(|by| find(by, masked)) {
                Some(at) => {
                    rest = Some(Self { start: span.start + at + 1, ..span });
                    Some(Self { end: span.start + at, ..span })
                }
                None => rest.take(),
            }
        })
    }

    fn count(&self, by: Option<u8>) -> usize {
        let masked = self.message.masked(self.range());
        by.map_or(1, |by| memchr::memchr_iter(by, masked).count() + 1)
    }

    fn nothing(&self) -> Self {
        Self { start: self.end, ..*self }
    }
}

/// Fields are short: looking at the first bytes one by one is quicker than starting a vector search.
const NEAR: usize = 16;

/// The first `byte` in `bytes`.
pub(super) fn find(byte: u8, bytes: &[u8]) -> Option<usize> {
    let (near, far) = bytes.split_at_checked(NEAR).unwrap_or((bytes, &[]));
    let found = near.iter().position(|b| *b == byte);
    found.or_else(|| memchr::memchr(byte, far).map(|at| NEAR + at))
}

/// Shows the place only.
impl fmt::Debug for Span<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Span").field(&self.range()).finish()
    }
}
