//! In which language a card is written: Chinese, unless the client asks for English first.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// The languages of cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Chinese,
    English,
}

impl Language {
    /// By `Accept-Language`; CDS Hooks 2.0 has no member for it.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let mut best = (0.0_f32, Self::Chinese);
        for range in accepted.unwrap_or_default().split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let quality = parts.find_map(|part| part.trim().strip_prefix("q="));
            let quality: f32 = quality.map_or(1.0, |text| text.parse().unwrap_or(0.0));
            let language = match tag.split('-').next() {
                Some("zh") => Self::Chinese,
                Some("en") => Self::English,
                _ => continue,
            };
            if quality > best.0 {
                best = (quality, language);
            }
        }
        best.1
    }

    /// The one or the other.
    pub(super) fn choose<T>(self, chinese: T, english: T) -> T {
        match self {
            Self::Chinese => chinese,
            Self::English => english,
        }
    }

    /// For `Content-Language`.
    pub(super) fn tag(self) -> &'static str {
        self.choose("zh", "en")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn chinese_comes_first_unless_english_is_asked_for_before_it() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(text));
            Language::of(&headers)
        };
        assert_eq!(Language::of(&HeaderMap::new()), Language::Chinese);
        for chinese in
            ["", "*", "fr", "zh-CN,zh;q=0.9,en;q=0.8", "en;q=0", "en;q=0.2, zh", "en;q=x,zh"]
        {
            assert_eq!(of(chinese), Language::Chinese, "{chinese}");
        }
        for english in ["en", "en-US,en;q=0.9,zh;q=0.8", "fr, en;q=0.5", "zh;q=0.1,EN-gb;q=0.2"] {
            assert_eq!(of(english), Language::English, "{english}");
        }
    }
}
