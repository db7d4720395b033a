//! Names, masks and validity, each beside a plain model.

use proptest::prelude::*;

use super::mask::valid_gb18030;
use super::*;
use crate::hl7::delimiters::Delimiters;

#[test]
fn names_are_read_whatever_their_case_blanks_and_punctuation() {
    for name in ["GBK", "gb2312", " CP936 ", "GB18030", "GB 18030-2000", "gb-2312"] {
        assert_eq!(Charset::named(name.as_bytes()), Named::Charset(Charset::Gb18030), "{name}");
    }
    for name in ["UTF-8", "UNICODE UTF-8", "utf8", "Unicode  utf_8"] {
        assert_eq!(Charset::named(name.as_bytes()), Named::Charset(Charset::Utf8), "{name}");
    }
    assert_eq!(Charset::named(b"8859/15"), Named::Charset(Charset::Iso8859(15)));
    assert_eq!(Charset::named(b"ISO 8859-1"), Named::Charset(Charset::Iso8859(1)));
    assert_eq!(Charset::named(b"BIG-5"), Named::Charset(Charset::Big5));
    assert_eq!(Charset::named(b"ASCII"), Named::Charset(Charset::Ascii));
}

#[test]
fn sets_that_cannot_be_split_are_unreadable_and_others_unknown() {
    for name in ["UNICODE UTF-16", "UTF-7", "UTF-32", "ISO IR87", "ISO IR14", "ISO-2022-JP"] {
        assert_eq!(Charset::named(name.as_bytes()), Named::Unreadable, "{name}");
    }
    for name in ["UNICODE", "", "ISO IR 999", "CHN", "8859/12", "8859/", "中文", "8859/256"] {
        assert_eq!(Charset::named(name.as_bytes()), Named::Unknown, "{name}");
    }
    assert_eq!("auto".parse(), Ok(CharsetSetting::Auto));
    assert_eq!("gbk".parse(), Ok(CharsetSetting::Fixed(Charset::Gb18030)));
    assert!("klingon".parse::<CharsetSetting>().is_err());
    for name in ["utf-8", "gb18030", "big5", "ascii", "8859/1", "8859/9"] {
        let Ok(CharsetSetting::Fixed(charset)) = name.parse() else { panic!("{name}") };
        assert_eq!(charset.as_str(), name);
    }
}

#[test]
fn ascii_and_two_byte_gb2312_are_their_own_mask() {
    let text = Charset::Gb18030.encode("PID|1||张三^李四\\F\\").unwrap();
    let masked = mask(&text, Trail::Gb18030, &Delimiters::STANDARD);
    assert!(matches!(masked, Cow::Borrowed(_)));
}

#[test]
fn trail_bytes_that_look_like_delimiters_are_hidden() {
    for (character, byte) in [("弢", b'|'), ("珅", b'|'), ("昞", b'\\'), ("玘", b'^'), ("銅", b'~')]
    {
        let text = Charset::Gb18030.encode(character).unwrap();
        assert_eq!(text.get(1), Some(&byte), "{character}");
        let masked = mask(&text, Trail::Gb18030, &Delimiters::STANDARD);
        assert_eq!(masked.len(), text.len());
        assert!(!masked.contains(&byte), "{character}");
        assert!(!valid_gb18030(text.get(..1).unwrap()));
    }
}

#[test]
fn text_that_a_set_lacks_is_not_encoded() {
    assert_eq!(Charset::Ascii.encode("手术"), None);
    assert_eq!(Charset::Iso8859(1).encode("手术"), None);
    assert_eq!(Charset::Iso8859(1).encode("é"), Some(vec![0xE9]));
    assert_eq!(Charset::Gb18030.encode("手"), Some(vec![0xCA, 0xD6]));
    assert_eq!(Charset::Gb18030.encode("𠮷").map(|b| b.len()), Some(4));
    assert_eq!(Charset::Big5.encode("術").map(|b| b.len()), Some(2));
}

/// Bytes that are likely to form characters and to break them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        4 => 0x81_u8..=0xFE,
        2 => 0x40_u8..=0x7E,
        2 => b'0'..=b'9',
        1 => prop::sample::select(b"|^~\\&\r\n\x7F\x80\xFF".to_vec()),
    ];
    prop::collection::vec(byte, 0..60)
}

/// The definition, character by character, with no shortcut.
fn plainly_masked(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let lead = |n: usize| rest.get(n).is_some_and(|b| (0x81..=0xFE).contains(b));
        let digit = |n: usize| rest.get(n).is_some_and(u8::is_ascii_digit);
        let trail = |n: usize| rest.get(n).is_some_and(|b| *b >= 0x40 && *b != 0x7F && *b != 0xFF);
        let length = match () {
            () if lead(0) && digit(1) && lead(2) && digit(3) => 4,
            () if lead(0) && trail(1) => 2,
            () => 1,
        };
        out[at + 1..at + length].fill(0x80);
        at += length;
    }
    out
}

proptest! {
    #[test]
    fn validity_agrees_with_the_codec(bytes in bytes()) {
        let codec = encoding_rs::GB18030;
        let model = codec.decode_without_bom_handling_and_without_replacement(&bytes).is_some();
        // 0x80 alone is the euro sign to the codec, as to us.
        prop_assert_eq!(valid_gb18030(&bytes), model);
    }

    #[test]
    fn the_mask_finds_the_same_delimiters_as_the_plain_model(bytes in bytes()) {
        let masked = mask(&bytes, Trail::Gb18030, &Delimiters::STANDARD);
        let model = plainly_masked(&bytes);
        for (at, (ours, plain)) in masked.iter().zip(&model).enumerate() {
            let is = |b: &u8| Delimiters::STANDARD.contains(*b);
            prop_assert_eq!(is(ours), is(plain), "at {}", at);
        }
    }

    #[test]
    fn every_text_survives_its_set(text in "\\PC{0,30}") {
        for charset in [Charset::Gb18030, Charset::Utf8] {
            if let Some(bytes) = charset.encode(&text) {
                prop_assert!(charset.decodes(&bytes));
                prop_assert_eq!(charset.decode(&bytes), text.as_str());
            }
        }
    }
}
