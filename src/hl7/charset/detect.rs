//! Which character set a message is written in, and whether that is certain.
//!
//! Order: the setting, MSH-18, MSH-17 where it holds the name of one, valid UTF-8, GB 18030.
//! Chinese text may stand before MSH-18, so that finding MSH-18 already needs the character set:
//! a declaration counts only where the reading that it leads to finds it.

use crate::hl7::charset::{Charset, CharsetSetting, Named, Trail, mask};
use crate::hl7::delimiters::Delimiters;
use crate::hl7::message::MessageError;

/// How the character set became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The route says so.
    Configured,
    /// The message says so (MSH-18, MSH-17).
    Declared,
    /// Neither, or what was declared does not decode: inferred from the bytes.
    Guessed,
}

impl Known {
    /// `configured`, `declared` or `guessed`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Declared => "declared",
            Self::Guessed => "guessed",
        }
    }
}

/// The character set of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The one the message is read in.
    pub charset: Charset,
    /// How it became known.
    pub known: Known,
    /// Configured or declared and all of the message decodes, or all is ASCII, or nothing was
    /// declared and all is UTF-8. Where it is not certain the bytewise reading must agree.
    pub certain: bool,
    /// The one to answer in: what the sender declared even where its bytes do not hold to it.
    pub reply: Charset,
}

/// Decides. `header_end` is where the MSH segment ends.
pub(crate) fn detect(
    payload: &[u8],
    header_end: usize,
    delimiters: &Delimiters,
    setting: &CharsetSetting,
) -> Result<Encoding, MessageError> {
    let ascii = payload.is_ascii();
    let (stated, known, sole) = match setting {
        CharsetSetting::Fixed(charset) => (Some(*charset), Known::Configured, true),
        CharsetSetting::Auto => {
            let header = payload.get(..header_end).unwrap_or(payload);
            let declared = declared(header, delimiters, ascii)?;
            (declared.charset, Known::Declared, declared.sole)
        }
    };
    let guess = || if Charset::Utf8.decodes(payload) { Charset::Utf8 } else { Charset::Gb18030 };
    Ok(match stated {
        Some(charset) if ascii || charset.decodes(payload) => {
            Encoding { charset, known, certain: sole, reply: charset }
        }
        // The double-byte reading shows where it swallows a delimiter; bytewise is its counterpart.
        Some(charset) if charset.trail() != Trail::Never => {
            Encoding { charset, known, certain: false, reply: charset }
        }
        Some(reply) => Encoding { charset: guess(), known: Known::Guessed, certain: false, reply },
        None => {
            let charset = if ascii { Charset::Utf8 } else { guess() };
            let certain = charset == Charset::Utf8;
            Encoding { charset, known: Known::Guessed, certain, reply: charset }
        }
    })
}

struct Declared {
    charset: Option<Charset>,
    /// No other reading declares another one.
    sole: bool,
}

fn declared(header: &[u8], delimiters: &Delimiters, ascii: bool) -> Result<Declared, MessageError> {
    let bytewise = stated(header, header, delimiters);
    if bytewise == Named::Unreadable {
        return Err(MessageError::Charset);
    }
    if ascii || header.is_ascii() {
        let charset = match bytewise {
            Named::Charset(charset) => Some(charset),
            Named::Unreadable | Named::Unknown => None,
        };
        return Ok(Declared { charset, sole: true });
    }
    let mut counted = [None; 3];
    let by = [Charset::Gb18030, Charset::Big5];
    for (slot, charset) in counted.iter_mut().zip(by) {
        let masked = mask(header, charset.trail(), delimiters);
        *slot = Some(charset).filter(|&c| stated(header, &masked, delimiters) == Named::Charset(c));
    }
    if let (Named::Charset(charset), [_, _, slot]) = (bytewise, &mut counted) {
        *slot = Some(charset).filter(|c| c.trail() == Trail::Never);
    }
    let mut counted = counted.into_iter().flatten();
    let charset = counted.next();
    Ok(Declared { charset, sole: counted.next().is_none() })
}

/// What MSH-18, else MSH-17, of this reading says. Any repetition that names a set which switches
/// (ISO 2022) or is not made of bytes (UTF-16) makes the message unreadable.
fn stated(header: &[u8], masked: &[u8], delimiters: &Delimiters) -> Named {
    let mut fields = Split { masked, by: delimiters.field, at: Some(0) };
    // The name stands at 0 and MSH-1 is the separator: the nth piece holds MSH-(n+1).
    let Some(country) = fields.nth(16) else { return Named::Unknown };
    let sets = fields.next().unwrap_or(masked.len()..masked.len());
    for field in [sets, country] {
        let mut first = Named::Unknown;
        let part = masked.get(field.clone()).unwrap_or_default();
        let by = delimiters.repetition.unwrap_or(delimiters.field);
        for (nth, at) in (Split { masked: part, by, at: Some(0) }).enumerate() {
            let at = field.start + at.start..field.start + at.end;
            match Charset::named(header.get(at).unwrap_or_default()) {
                Named::Unreadable => return Named::Unreadable,
                named if nth == 0 => first = named,
                Named::Charset(_) | Named::Unknown => {}
            }
        }
        if first != Named::Unknown {
            return first;
        }
    }
    Named::Unknown
}

/// Ranges of `masked` between the bytes `by`.
struct Split<'m> {
    masked: &'m [u8],
    by: u8,
    at: Option<usize>,
}

impl Iterator for Split<'_> {
    type Item = std::ops::Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at?;
        let found = memchr::memchr(self.by, self.masked.get(start..)?);
        self.at = found.map(|f| start + f + 1);
        Some(start..found.map_or(self.masked.len(), |f| start + f))
    }
}
