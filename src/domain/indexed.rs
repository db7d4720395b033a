//! Texts from outside as every database can keep them and find them again.

use std::borrow::Cow;

/// Characters of a key. PostgreSQL takes 2,700 bytes of an indexed row, and no number in use is a tenth as long.
const KEY_CHARS: usize = 200;

/// `text` without the one character that PostgreSQL does not take (a NUL, which HL7 can write as `\X00\`): in its place
/// stands one that no register holds.
pub fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// `text` as it stands in an indexed column: storable, and cut. Different texts may share a key, so whoever finds by it
/// compares the whole.
pub fn indexed(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(KEY_CHARS).and_then(|(at, _)| text.get(..at)) {
        Some(begin) => storable(begin),
        None => storable(text),
    }
}

/// `text` as part of a pattern (`like … escape '\'`) in which none of its characters is a wildcard.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.chars() {
        if matches!(sign, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(sign);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_pattern_wildcards_stand_for_themselves() {
        assert_eq!(literal("工号 A-1"), "工号 A-1");
        assert_eq!(literal(r"100%_\"), r"100\%\_\\");
    }

    #[test]
    fn ordinary_texts_stay_as_they_are() {
        let long = "号".repeat(KEY_CHARS);
        for text in ["", "A100-1", "住院号 7", &long] {
            assert!(matches!(indexed(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn what_postgresql_refuses_is_replaced_and_what_is_too_long_for_an_index_is_cut() {
        assert_eq!(storable("A\0B"), "A\u{fffd}B");
        assert_eq!(indexed(&"号".repeat(5_000)), "号".repeat(KEY_CHARS));
        assert_eq!(indexed(&"\0".repeat(5_000)), "\u{fffd}".repeat(KEY_CHARS));
    }
}
