//! The delimiters that a message declares in MSH-1 and MSH-2.

use crate::hl7::message::MessageError;

/// What separates the parts of a message. All are distinct printable ASCII, neither letters nor
/// digits; a part that MSH-2 is too short to name is `None`, and nothing is split by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    /// MSH-1.
    pub field: u8,
    /// First character of MSH-2.
    pub component: Option<u8>,
    /// Second.
    pub repetition: Option<u8>,
    /// Third. Some senders leave it out and write `^~&`.
    pub escape: Option<u8>,
    /// Fourth.
    pub subcomponent: Option<u8>,
    /// Fifth, from version 2.7: ends a value that was cut.
    pub truncation: Option<u8>,
}

impl Delimiters {
    /// `|^~\&`.
    pub const STANDARD: Self = Self {
        field: b'|',
        component: Some(b'^'),
        repetition: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Reads MSH-1 and MSH-2 (likewise FHS, BHS) from the start of a header segment.
    ///
    /// # Errors
    /// When MSH-2 is empty or longer than five, or a delimiter is not distinct printable ASCII.
    pub fn read(header: &[u8]) -> Result<Self, MessageError> {
        let (&field, rest) = match header.get(3..) {
            Some([field, rest @ ..]) => (field, rest),
            _ => return Err(MessageError::NoHeader),
        };
        let end = rest.iter().position(|&b| b == field || b == b'\r' || b == b'\n');
        let encoding = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let mut of = [None; 5];
        match *encoding {
            [] => return Err(MessageError::Delimiters),
            [component, repetition, b'&'] => {
                of = [Some(component), Some(repetition), None, Some(b'&'), None];
            }
            _ if encoding.len() > of.len() => return Err(MessageError::Delimiters),
            _ => of.iter_mut().zip(encoding).for_each(|(slot, &byte)| *slot = Some(byte)),
        }
        let [component, repetition, escape, subcomponent, truncation] = of;
        let read = Self { field, component, repetition, escape, subcomponent, truncation };
        if read.sound() { Ok(read) } else { Err(MessageError::Delimiters) }
    }

    /// Whether `byte` is one of them.
    pub fn contains(&self, byte: u8) -> bool {
        self.all().any(|b| b == byte)
    }

    /// Every declared delimiter.
    pub fn all(&self) -> impl Iterator<Item = u8> + use<> {
        let optional =
            [self.component, self.repetition, self.escape, self.subcomponent, self.truncation];
        std::iter::once(self.field).chain(optional.into_iter().flatten())
    }

    /// The same with the usual character for every part that is not declared; where that is taken,
    /// another that is free. For messages that we write ourselves.
    pub fn completed(mut self) -> Self {
        let free = |of: &Self, usual: u8| {
            let mut candidates = [usual, b'^', b'~', b'\\', b'&', b'!', b'$', b'%'].into_iter();
            candidates.find(|&b| !of.contains(b))
        };
        self.component = self.component.or_else(|| free(&self, b'^'));
        self.repetition = self.repetition.or_else(|| free(&self, b'~'));
        self.escape = self.escape.or_else(|| free(&self, b'\\'));
        self.subcomponent = self.subcomponent.or_else(|| free(&self, b'&'));
        self
    }

    /// The usual characters that a reader with built-in delimiters would split or unescape by,
    /// although this message does not declare any for their purpose.
    pub fn undeclared(&self) -> impl Iterator<Item = u8> + use<> {
        let usual = [
            (self.component, b'^'),
            (self.repetition, b'~'),
            (self.escape, b'\\'),
            (self.subcomponent, b'&'),
        ];
        let declared = *self;
        usual.into_iter().filter_map(move |(own, usual)| {
            (own.is_none() && !declared.contains(usual)).then_some(usual)
        })
    }

    fn sound(&self) -> bool {
        let mut seen = [false; 128];
        self.all().all(|byte| {
            let fresh =
                seen.get_mut(usize::from(byte)).is_some_and(|s| !std::mem::replace(s, true));
            fresh && byte.is_ascii_punctuation()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Delimiters, MessageError> {
        Delimiters::read(text.as_bytes())
    }

    #[test]
    fn every_length_of_msh_2_seen_in_the_wild_is_read() {
        assert_eq!(read("MSH|^~\\&|A"), Ok(Delimiters::STANDARD));
        assert_eq!(
            read("MSH|^~\\&#|A"),
            Ok(Delimiters { truncation: Some(b'#'), ..Delimiters::STANDARD })
        );
        assert_eq!(
            read("MSH|^~\\|A"),
            Ok(Delimiters { subcomponent: None, ..Delimiters::STANDARD })
        );
        assert_eq!(read("MSH|^~&|A"), Ok(Delimiters { escape: None, ..Delimiters::STANDARD }));
        let alone = read("MSH|^\rPID").unwrap();
        assert_eq!((alone.component, alone.repetition, alone.escape), (Some(b'^'), None, None));
        assert_eq!(read("MSH#*+!$").unwrap().subcomponent, Some(b'$'));
    }

    #[test]
    fn delimiters_that_cannot_be_told_apart_are_refused() {
        for text in ["MSH||A", "MSH|", "MSH|^^\\&|", "MSH|^~\\|&|^", "MSHa^~\\&a", "MSH|^~\\&#!|"] {
            let read = read(text);
            assert!(read.is_err() || text == "MSH|^~\\|&|^", "{text}: {read:?}");
        }
        assert!(Delimiters::read(b"MSH|^~\\\xB5|").is_err());
        assert!(Delimiters::read(b"MSH|^~ &|").is_err());
    }

    #[test]
    fn completion_never_collides() {
        let own = read("MSH^|^").unwrap().completed();
        let mut all: Vec<u8> = own.all().collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), count), (5, 5));
    }
}
