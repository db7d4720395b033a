//! Character sets that messages are written in: their names, decoding, encoding.
//!
//! `mask` hides the bytes inside characters from a search for delimiters; `detect` decides which
//! character set a message is written in, and how surely.

mod detect;
mod mask;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

pub(crate) use detect::detect;
pub use detect::{Encoding, Known};
pub(crate) use mask::{Trail, mask};

/// A character set. All of them hold ASCII in single bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Charset {
    /// 7-bit ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// GB 18030, and with it GBK and GB 2312, which it contains.
    Gb18030,
    /// BIG-5 with the Hong Kong additions.
    Big5,
    /// ISO 8859, part 1–11 or 13–16.
    Iso8859(u8),
}

/// What a name in MSH-18 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A character set we read.
    Charset(Charset),
    /// One whose bytes cannot be split at ASCII delimiters: UTF-7, UTF-16, UTF-32, EBCDIC, ISO 2022.
    Unreadable,
    /// Not a name we know; counts as not declared.
    Unknown,
}

impl Charset {
    /// The name as it stands in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Utf8 => "utf-8",
            Self::Gb18030 => "gb18030",
            Self::Big5 => "big5",
            Self::Iso8859(part) => iso_8859(part).1,
        }
    }

    /// What `name` means, whatever its case, blanks and punctuation (`GB 18030-2000`, `gbk`).
    pub fn named(name: &[u8]) -> Named {
        let mut folded = [0_u8; 24];
        let mut length = 0;
        for byte in name.iter().filter(|b| b.is_ascii_alphanumeric()) {
            match folded.get_mut(length) {
                Some(slot) => *slot = byte.to_ascii_uppercase(),
                None => return Named::Unknown,
            }
            length += 1;
        }
        if name.iter().any(|b| !b.is_ascii()) {
            return Named::Unknown;
        }
        let folded = folded.get(..length).unwrap_or_default();
        let folded = folded.strip_prefix(b"UNICODE").filter(|f| !f.is_empty()).unwrap_or(folded);
        Self::by_folded(folded)
    }

    fn by_folded(folded: &[u8]) -> Named {
        let charset = match folded {
            b"ASCII" | b"USASCII" | b"ISOIR6" | b"ISO646" | b"ISO646US" => Self::Ascii,
            b"UTF8" | b"UTF8MB4" => Self::Utf8,
            b"GBK" | b"GB2312" | b"GB231280" | b"GB23121980" | b"CP936" | b"MS936"
            | b"WINDOWS936" | b"936" | b"EUCCN" | b"GB18030" | b"GB180302000" | b"GB180302005"
            | b"GB180302022" => Self::Gb18030,
            b"BIG5" | b"BIG5HKSCS" | b"CP950" | b"MS950" => Self::Big5,
            _ if folded.starts_with(b"UTF") || folded.starts_with(b"UCS") => {
                return Named::Unreadable;
            }
            _ if folded.starts_with(b"ISO2022") || folded.starts_with(b"EBCDIC") => {
                return Named::Unreadable;
            }
            b"ISOIR14" | b"ISOIR87" | b"ISOIR159" => return Named::Unreadable,
            _ => {
                let part = folded.strip_prefix(b"ISO").unwrap_or(folded).strip_prefix(b"8859");
                match part.and_then(|p| std::str::from_utf8(p).ok()?.parse().ok()) {
                    Some(part @ (1..=11 | 13..=16)) => Self::Iso8859(part),
                    _ => return Named::Unknown,
                }
            }
        };
        Named::Charset(charset)
    }

    /// How its characters hide bytes that look like delimiters.
    pub(crate) fn trail(self) -> Trail {
        match self {
            Self::Gb18030 => Trail::Gb18030,
            Self::Big5 => Trail::Big5,
            Self::Ascii | Self::Utf8 | Self::Iso8859(_) => Trail::Never,
        }
    }

    /// Whether every byte of `bytes` belongs to a character of it.
    pub(crate) fn decodes(self, bytes: &[u8]) -> bool {
        match self {
            Self::Ascii => bytes.is_ascii(),
            Self::Utf8 => std::str::from_utf8(bytes).is_ok(),
            Self::Gb18030 => mask::valid_gb18030(bytes),
            Self::Big5 | Self::Iso8859(_) => {
                let codec = self.codec();
                codec.decode_without_bom_handling_and_without_replacement(bytes).is_some()
            }
        }
    }

    /// The text of `bytes`; what is not a character of it becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> Cow<'_, str> {
        if bytes.is_ascii()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Cow::Borrowed(text);
        }
        self.codec().decode_without_bom_handling(bytes).0
    }

    /// The bytes of `text`, or `None` when it has a character that this set lacks.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        if text.is_ascii() {
            return Some(text.as_bytes().to_vec());
        }
        let encoded = |codec: &'static encoding_rs::Encoding| {
            let (bytes, _, lacking) = codec.encode(text);
            (!lacking).then(|| bytes.into_owned())
        };
        match self {
            Self::Ascii => None,
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            // Two-byte forms where they suffice: a reader that only knows GBK can read them.
            Self::Gb18030 => encoded(encoding_rs::GBK).or_else(|| encoded(encoding_rs::GB18030)),
            Self::Big5 | Self::Iso8859(_) => encoded(self.codec()),
        }
    }

    fn codec(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Ascii | Self::Utf8 => encoding_rs::UTF_8,
            Self::Gb18030 => encoding_rs::GB18030,
            Self::Big5 => encoding_rs::BIG5,
            Self::Iso8859(part) => iso_8859(part).0,
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Codec and name of a part of ISO 8859. Parts 1, 9 and 11 are read as the Windows code pages that
/// contain them, as browsers do.
fn iso_8859(part: u8) -> (&'static encoding_rs::Encoding, &'static str) {
    match part {
        2 => (encoding_rs::ISO_8859_2, "8859/2"),
        3 => (encoding_rs::ISO_8859_3, "8859/3"),
        4 => (encoding_rs::ISO_8859_4, "8859/4"),
        5 => (encoding_rs::ISO_8859_5, "8859/5"),
        6 => (encoding_rs::ISO_8859_6, "8859/6"),
        7 => (encoding_rs::ISO_8859_7, "8859/7"),
        8 => (encoding_rs::ISO_8859_8, "8859/8"),
        9 => (encoding_rs::WINDOWS_1254, "8859/9"),
        10 => (encoding_rs::ISO_8859_10, "8859/10"),
        11 => (encoding_rs::WINDOWS_874, "8859/11"),
        13 => (encoding_rs::ISO_8859_13, "8859/13"),
        14 => (encoding_rs::ISO_8859_14, "8859/14"),
        15 => (encoding_rs::ISO_8859_15, "8859/15"),
        16 => (encoding_rs::ISO_8859_16, "8859/16"),
        _ => (encoding_rs::WINDOWS_1252, "8859/1"),
    }
}

/// The setting `charset` of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CharsetSetting {
    /// What the message declares, else UTF-8 if it is that, else GB 18030.
    #[default]
    Auto,
    /// This one, whatever the message declares.
    Fixed(Charset),
}

/// A character set name in the configuration that means nothing we read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a character set we read: write auto, utf-8, gb18030, big5, ascii or 8859/1")]
pub struct UnknownCharset(String);

impl FromStr for CharsetSetting {
    type Err = UnknownCharset;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        if name.trim().eq_ignore_ascii_case("auto") {
            return Ok(Self::Auto);
        }
        match Charset::named(name.as_bytes()) {
            Named::Charset(charset) => Ok(Self::Fixed(charset)),
            Named::Unreadable | Named::Unknown => Err(UnknownCharset(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
