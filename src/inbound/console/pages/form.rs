//! Forms and query strings: names and values, decoded; bounded by the length of the body.

use encoding_rs::GB18030;
use percent_encoding::percent_decode_str;

/// What a form or a query string holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=1&b=%E6%97%A5`. What is not UTF-8 is GBK, as older screens link to us; what is neither is read with
    /// marks in place of the wrong bytes.
    pub(super) fn read(text: &str) -> Self {
        let decode = |part: &str| {
            let spaced = part.replace('+', " ");
            let bytes: Vec<u8> = percent_decode_str(&spaced).collect();
            if let Ok(text) = str::from_utf8(&bytes) {
                return text.to_owned();
            }
            let chinese = GB18030.decode_without_bom_handling_and_without_replacement(&bytes);
            chinese.unwrap_or_else(|| String::from_utf8_lossy(&bytes)).into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a name; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// Every value of a name, in order.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Likewise, without blanks around it; `None` when nothing is left.
    pub(super) fn filled(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }
}
