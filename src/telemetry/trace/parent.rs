//! The trace a request is part of, as its sender says: W3C Trace Context, field `traceparent`.

/// Hexadecimal digits in a version, a trace's number, a span's, and the flags.
const DIGITS: [usize; 4] = [2, 32, 16, 2];

/// Who caused a message to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace: [u8; 16],
    /// The sender's span in it.
    pub span: [u8; 8],
    /// Whether the sender keeps it.
    pub sampled: bool,
}

impl Parent {
    /// Reads the field. `None` for what is none: then the message begins a trace of its own.
    pub fn read(field: &str) -> Option<Self> {
        let mut parts = field.split('-');
        let mut next = |digits: usize| parts.next().filter(|part| hexadecimal(part, digits));
        let [version, trace, span, flags] = DIGITS.map(&mut next);
        let (version, flags) = (version?, flags?);
        // What later versions add stands behind; of this one nothing does.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let mut own = Self { trace: [0; 16], span: [0; 8], sampled: false };
        hex::decode_to_slice(trace?, &mut own.trace).ok()?;
        hex::decode_to_slice(span?, &mut own.span).ok()?;
        own.sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        (own.trace != [0; 16] && own.span != [0; 8]).then_some(own)
    }
}

/// So many digits, in lower case.
fn hexadecimal(part: &str, digits: usize) -> bool {
    part.len() == digits && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
