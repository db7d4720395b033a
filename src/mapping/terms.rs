//! Lists of words that a mapping file compares message values with: trimmed, NFKC, upper-case.

use unicode_normalization::UnicodeNormalization;

/// The one form in which such words are compared.
pub(super) fn fold(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_uppercase).collect();
    trim(&folded).to_owned()
}

/// Without blanks and control characters at either end.
pub(super) fn trim(text: &str) -> &str {
    // Nearly every value is trimmed already; looking at its ends is cheaper than decoding them.
    if let (Some(first), Some(last)) = (text.as_bytes().first(), text.as_bytes().last())
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return text;
    }
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}')
}

/// A list of folded words.
#[derive(Clone, Debug, Default)]
pub(super) struct Terms(Vec<Box<str>>);

impl Terms {
    pub(super) fn new<'t>(words: impl IntoIterator<Item = &'t str>) -> Self {
        Self(words.into_iter().map(|word| fold(word).into()).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether `text`, folded, is one of the words. Blank text never is.
    pub(super) fn contains(&self, text: &str) -> bool {
        let text = trim(text);
        if text.is_empty() {
            return false;
        }
        if text.is_ascii() {
            return self.0.iter().any(|word| word.eq_ignore_ascii_case(text));
        }
        let folded = fold(text);
        self.0.iter().any(|word| **word == *folded)
    }
}
