//! Canonical JSON: the one way in which an entry may be written, and the check that it is written so.
//!
//! Keys sorted by code point and each once, no blanks, UTF-8 unescaped, escapes only where JSON
//! demands them and in their shortest form, whole numbers only. It is what Python's
//! `json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` writes.

use serde_json::Value;

/// How deep a body may nest. A verdict nests 5 deep; the bound keeps the check from exhausting the stack.
pub const DEPTH_MAX: usize = 64;

/// The longest number, in digits: what every reader holds without loss in a signed 64-bit integer.
pub const DIGITS_MAX: usize = 18;

/// Why a text is not canonical JSON. Names a position, never content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical JSON at byte {at}: {what}")]
pub struct NotCanonical {
    /// Offset of the first offending byte.
    pub at: usize,
    /// What is wrong there.
    pub what: &'static str,
}

/// Writes a value canonically.
///
/// # Errors
/// [`NotCanonical`] for a fractional or oversized number and for nesting beyond [`DEPTH_MAX`].
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    let mut out = String::new();
    write(value, 0, &mut out)?;
    Ok(out)
}

fn write(value: &Value, depth: usize, out: &mut String) -> Result<(), NotCanonical> {
    if depth > DEPTH_MAX {
        return Err(NotCanonical { at: out.len(), what: TOO_DEEP });
    }
    match value {
        Value::Object(members) => {
            // The map's own order depends on a feature another crate may switch on.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by_key(|(key, _)| key.as_bytes());
            out.push('{');
            for (nth, (key, member)) in sorted.into_iter().enumerate() {
                if nth > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(member, depth + 1, out)?;
            }
            out.push('}');
        }
        Value::Array(elements) => {
            out.push('[');
            for (nth, element) in elements.iter().enumerate() {
                if nth > 0 {
                    out.push(',');
                }
                write(element, depth + 1, out)?;
            }
            out.push(']');
        }
        Value::Number(number) => {
            let text = number.to_string();
            let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
            let whole = scan.number().is_ok() && scan.at == text.len();
            if !whole {
                return Err(NotCanonical { at: out.len(), what: NOT_WHOLE });
            }
            out.push_str(&text);
        }
        Value::Null | Value::Bool(_) | Value::String(_) => out.push_str(&value.to_string()),
    }
    Ok(())
}

/// Checks that a text is one canonical JSON object and nothing else.
///
/// # Errors
/// [`NotCanonical`] with the first place that is not.
pub fn check_object(text: &str) -> Result<(), NotCanonical> {
    let end = object_end(text.as_bytes())?;
    if end == text.len() { Ok(()) } else { Err(NotCanonical { at: end, what: "text follows it" }) }
}

/// The length of the canonical JSON object that the bytes begin with. The bytes must be UTF-8.
pub(in crate::ledger) fn object_end(bytes: &[u8]) -> Result<usize, NotCanonical> {
    let mut scan = Scan { bytes, at: 0 };
    scan.object(0)?;
    Ok(scan.at)
}

/// The length of the canonical JSON string, quotes included, that the bytes begin with.
pub(in crate::ledger) fn string_end(bytes: &[u8]) -> Result<usize, NotCanonical> {
    let mut scan = Scan { bytes, at: 0 };
    scan.string()?;
    Ok(scan.at)
}

const CONTROL: &str = "a control character in a string";
const TOO_DEEP: &str = "nested too deep";
const NOT_WHOLE: &str = "a number that is not whole, or too long";

/// Bytes of a string that are looked at one by one.
const NEAR: usize = 32;

/// The bytes at which a run of plain bytes in a string ends: its end, an escape, what may not be there.
const STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut rest = stops.as_mut_slice();
    let mut byte = 0_u8;
    while let [stop, further @ ..] = rest {
        *stop = byte < b' ' || byte == b'"' || byte == b'\\';
        byte = byte.wrapping_add(1);
        rest = further;
    }
    stops
};

/// A position in the bytes under check. Each byte is looked at once.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    fn value(&mut self, depth: usize) -> Result<(), NotCanonical> {
        if depth > DEPTH_MAX {
            return Err(self.fault(TOO_DEEP));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => Err(self.fault("not the start of a value")),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), NotCanonical> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        let mut last: Option<Text<'a>> = None;
        loop {
            let start = self.at;
            let key = self.string()?;
            if last.is_some_and(|last| !last.stands_before(key)) {
                return Err(NotCanonical { at: start, what: "keys not sorted, or one twice" });
            }
            last = Some(key);
            self.expect(b':')?;
            self.value(depth + 1)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), NotCanonical> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Passes a string; gives what stands between the quotes, escapes as written.
    fn string(&mut self) -> Result<Text<'a>, NotCanonical> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += self.plain()?;
            if self.take(b'"') {
                let end = self.at.saturating_sub(1);
                let bytes = self.bytes.get(start..end).unwrap_or_default();
                return Ok(Text { bytes, escaped });
            }
            self.escape()?;
            escaped = true;
        }
    }

    /// How many bytes of a string stand before its end or its next escape.
    fn plain(&self) -> Result<usize, NotCanonical> {
        // Most strings are short: looking at bytes one by one is quicker than starting a search.
        let (near, far) = self.rest().split_at_checked(NEAR).unwrap_or((self.rest(), &[]));
        let near_stop = near.iter().position(|byte| STOPS.get(usize::from(*byte)) == Some(&true));
        let length = match near_stop {
            Some(length) if near.get(length).is_some_and(|byte| *byte < b' ') => None,
            Some(length) => return Ok(length),
            None => memchr::memchr2(b'"', b'\\', far),
        };
        let Some(length) = length else {
            let what = near_stop.map_or("a string without end", |_| CONTROL);
            return Err(self.fault(what));
        };
        let plain = far.get(..length).unwrap_or_default();
        // Folding over all bytes lets the compiler use vector instructions.
        if plain.iter().fold(false, |found, byte| found | (*byte < b' ')) {
            return Err(self.fault(CONTROL));
        }
        Ok(NEAR + length)
    }

    fn escape(&mut self) -> Result<(), NotCanonical> {
        self.expect(b'\\')?;
        match self.peek() {
            Some(b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => match self.rest().get(1..5) {
                Some([b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f']) => self.at += 5,
                Some([b'0', b'0', b'0', low @ (b'0'..=b'9' | b'a'..=b'f')])
                    if !matches!(low, b'8' | b'9' | b'a' | b'c' | b'd') =>
                {
                    self.at += 5;
                }
                _ => return Err(self.fault("an escape that is not needed")),
            },
            _ => return Err(self.fault("an escape that is not needed")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), NotCanonical> {
        let negative = self.take(b'-');
        let rest = self.rest();
        let digits = rest.iter().take(DIGITS_MAX + 1).take_while(|b| b.is_ascii_digit()).count();
        let leading_zero = rest.first() == Some(&b'0') && (digits > 1 || negative);
        let fraction = matches!(rest.get(digits), Some(b'.' | b'e' | b'E'));
        if digits == 0 || digits > DIGITS_MAX || leading_zero || fraction {
            return Err(self.fault(NOT_WHOLE));
        }
        self.at += digits;
        Ok(())
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), NotCanonical> {
        if !self.rest().starts_with(word) {
            return Err(self.fault("not the start of a value"));
        }
        self.at += word.len();
        Ok(())
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotCanonical> {
        if self.take(byte) {
            Ok(())
        } else {
            Err(self.fault("an unexpected character, or a blank"))
        }
    }

    fn fault(&self, what: &'static str) -> NotCanonical {
        NotCanonical { at: self.at, what }
    }
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    escaped: bool,
}

impl Text<'_> {
    /// Whether two keys stand in strictly ascending order of code points.
    fn stands_before(self, other: Text<'_>) -> bool {
        if self.escaped || other.escaped {
            return decoded(self.bytes) < decoded(other.bytes);
        }
        self.bytes < other.bytes
    }
}

fn decoded(key: &[u8]) -> Option<String> {
    serde_json::from_slice(&[b"\"", key, b"\""].concat()).ok()
}
