//! Escape sequences inside a field, resolved for comparison and display only, and written for
//! the answers we make ourselves.

use crate::hl7::delimiters::Delimiters;

/// The bytes of `raw` with its escape sequences resolved: delimiters, `\Xhh…\`, line breaks;
/// highlighting is dropped, everything unknown or unclosed is kept as written. `masked` is the same
/// range of the mask, in which an escape character is never a part of another character.
pub fn unescape(raw: &[u8], masked: &[u8], delimiters: &Delimiters) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let Some(escape) = delimiters.escape else {
        out.extend_from_slice(raw);
        return out;
    };
    let mut marks = memchr::memchr_iter(escape, masked).peekable();
    let mut copied = 0;
    while let Some(open) = marks.next() {
        let Some(&close) = marks.peek() else { break };
        let sequence = raw.get(open + 1..close).unwrap_or_default();
        let mark = out.len();
        out.extend_from_slice(raw.get(copied..open).unwrap_or_default());
        if resolve(sequence, delimiters, &mut out) {
            copied = close + 1;
            marks.next();
        } else {
            // The closing mark may open the next sequence: `C:\temp\T\x`.
            out.truncate(mark);
            out.extend_from_slice(raw.get(copied..close).unwrap_or_default());
            copied = close;
        }
    }
    out.extend_from_slice(raw.get(copied..).unwrap_or_default());
    out
}

/// Appends what `sequence` stands for; `false` when it is unknown.
fn resolve(sequence: &[u8], delimiters: &Delimiters, out: &mut Vec<u8>) -> bool {
    let stands_for = match sequence {
        b"F" => Some(delimiters.field),
        b"S" => delimiters.component,
        b"R" => delimiters.repetition,
        b"E" => delimiters.escape,
        b"T" => delimiters.subcomponent,
        b"P" => delimiters.truncation,
        b"H" | b"N" => return true,
        [b'X', digits @ ..] => return hexadecimal(digits, out),
        [b'.', b'b' | b'B', b'r' | b'R'] => Some(b'\n'),
        [b'.', b's' | b'S', b'p' | b'P', count @ ..] if count.iter().all(repeats) => Some(b'\n'),
        _ => None,
    };
    out.extend(stands_for);
    stands_for.is_some()
}

fn repeats(byte: &u8) -> bool {
    byte.is_ascii_digit() || *byte == b'+'
}

fn hexadecimal(digits: &[u8], out: &mut Vec<u8>) -> bool {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok());
    let (pairs, []) = digits.as_chunks::<2>() else { return false };
    if pairs.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return false;
    }
    let bytes = pairs.iter().filter_map(|&[high, low]| Some(value(high)? << 4 | value(low)?));
    out.extend(bytes);
    true
}

/// `text` with every delimiter and line end written so that it is text again at the other end.
/// Where no escape character is declared, a blank takes the place of a delimiter.
pub fn escape(text: &str, delimiters: &Delimiters) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let byte = u8::try_from(character).ok().filter(u8::is_ascii);
        let letter = match byte {
            Some(b) if b == delimiters.field => Some('F'),
            Some(_) if byte == delimiters.component => Some('S'),
            Some(_) if byte == delimiters.repetition => Some('R'),
            Some(_) if byte == delimiters.escape => Some('E'),
            Some(_) if byte == delimiters.subcomponent => Some('T'),
            Some(_) if byte == delimiters.truncation => Some('P'),
            _ => None,
        };
        match (letter, delimiters.escape) {
            (Some(letter), Some(escape)) => {
                out.extend([char::from(escape), letter, char::from(escape)]);
            }
            (Some(_), None) => out.push(' '),
            (None, _) if character.is_control() => out.push(' '),
            (None, _) => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(text: &str) -> String {
        let bytes = unescape(text.as_bytes(), text.as_bytes(), &Delimiters::STANDARD);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn known_sequences_are_resolved() {
        assert_eq!(plain("a\\F\\b\\S\\c\\R\\d\\E\\e\\T\\f"), "a|b^c~d\\e&f");
        assert_eq!(plain("\\X41\\\\X4243\\x"), "ABCx");
        assert_eq!(plain("one\\.br\\two\\.sp2\\three"), "one\ntwo\nthree");
        assert_eq!(plain("\\H\\bold\\N\\"), "bold");
        assert_eq!(plain("\\XE6AF8F\\"), "每");
    }

    #[test]
    fn unknown_and_unclosed_sequences_are_kept() {
        for text in ["C:\\temp\\x", "\\", "\\\\", "a\\F", "\\X4\\", "\\X\\", "\\XZZ\\", "\\C2842\\"]
        {
            assert_eq!(plain(text), text);
        }
        assert_eq!(plain("C:\\temp\\T\\x"), "C:\\temp&x");
    }

    #[test]
    fn an_escape_character_inside_a_character_is_text() {
        let raw = b"\x95\x5CF\x5C";
        let masked = b"\x95\x80F\x5C";
        assert_eq!(unescape(raw, masked, &Delimiters::STANDARD), raw);
    }

    proptest! {
        #[test]
        fn what_was_escaped_comes_back(text in "[ -~手术\u{4e00}-\u{4e20}]{0,40}") {
            prop_assert_eq!(plain(&escape(&text, &Delimiters::STANDARD)), text);
        }

        #[test]
        fn any_bytes_are_unescaped_without_growing(raw in proptest::collection::vec(any::<u8>(), 0..80)) {
            let out = unescape(&raw, &raw, &Delimiters::STANDARD);
            prop_assert!(out.len() <= raw.len());
        }
    }
}
