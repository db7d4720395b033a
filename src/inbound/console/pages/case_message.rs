//! A message as received and an answer as sent, laid out for people: HL7 v2 by segments and fields, decoded; JSON by
//! lines, its members in the order and its numbers in the form in which they came.

use crate::hl7::batch::Batch;
use crate::hl7::charset::CharsetSetting;
use crate::hl7::frame;
use crate::hl7::message::Message;
use crate::inbound::console::pages::words::Lang;

/// Segments of one message that are laid out; a surgical order has some twenty.
const SEGMENTS_MAX: usize = 400;
/// Messages of a batch that are laid out.
const MESSAGES_MAX: usize = 50;
/// Bytes of a text that is shown.
const TEXT_MAX: usize = 256 * 1024;
/// Blanks before a line of JSON at most.
const INDENT_MAX: usize = 64;

/// A segment: its name, and its filled fields by number.
pub(super) struct Laid {
    pub(super) name: String,
    pub(super) fields: Vec<(usize, String)>,
}

/// A message or an answer.
pub(super) struct Received {
    /// What it is and how it was decoded.
    pub(super) caption: String,
    /// HL7 v2.
    pub(super) segments: Vec<Laid>,
    /// Anything else.
    pub(super) text: Option<String>,
}

/// Lays out what came or went, decoded as its route does.
pub(super) fn received(bytes: &[u8], charset: &CharsetSetting, lang: Lang) -> Vec<Received> {
    let payload = if bytes.first() == Some(&0x0b) { frame::payload(bytes) } else { bytes };
    let batch = Batch::split(payload).ok();
    let batch = batch.filter(|batch| !batch.messages().is_empty());
    if let Some(batch) = batch
        && [&b"MSH"[..], b"FHS", b"BHS"].iter().any(|head| payload.starts_with(head))
    {
        let messages = batch.payloads().take(MESSAGES_MAX);
        return messages.map(|message| hl7(message, charset, lang)).collect();
    }
    vec![plain(payload)]
}

fn hl7(payload: &[u8], charset: &CharsetSetting, lang: Lang) -> Received {
    let Ok(message) = Message::read(payload, charset) else { return plain(payload) };
    let encoding = *message.encoding();
    let charset = encoding.charset;
    let known = match encoding.known {
        crate::hl7::charset::Known::Configured => lang.say("由配置指定", "configured"),
        crate::hl7::charset::Known::Declared => lang.say("报文声明", "declared"),
        crate::hl7::charset::Known::Guessed => lang.say("由内容判断", "inferred"),
    };
    let segments = message.segments().take(SEGMENTS_MAX).map(|segment| {
        let first = if segment.is_header() { 2 } else { 1 };
        let fields = (first..).zip(segment.fields().skip(1));
        let filled = fields.filter(|(_, field)| !field.bytes().is_empty());
        Laid {
            name: charset.decode(segment.name()).into_owned(),
            fields: filled
                .map(|(at, field)| (at, charset.decode(field.bytes()).into_owned()))
                .collect(),
        }
    });
    let caption = format!("HL7 v2 · {} · {known}", charset.as_str());
    Received { caption, segments: segments.collect(), text: None }
}

fn plain(bytes: &[u8]) -> Received {
    let shown = bytes.get(..TEXT_MAX).unwrap_or(bytes);
    let text = String::from_utf8_lossy(shown);
    let json = serde_json::from_slice::<&serde_json::value::RawValue>(bytes).is_ok();
    if json && shown.len() == bytes.len() {
        return Received {
            caption: "JSON".to_owned(),
            segments: Vec::new(),
            text: Some(pretty(&text)),
        };
    }
    let (text, _, _) = match str::from_utf8(shown) {
        Ok(text) => (text.into(), "", false),
        Err(_) => {
            let (text, _, wrong) = encoding_rs::GB18030.decode(shown);
            (text, "", wrong)
        }
    };
    let text = text.replace('\r', "\n");
    Received { caption: String::new(), segments: Vec::new(), text: Some(text) }
}

/// JSON by lines: only blanks between its signs change.
fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n(' ', (depth * 2).min(INDENT_MAX)));
    };
    let mut signs = json.chars().filter({
        let (mut quoted, mut escaped) = (false, false);
        move |sign| {
            let keep = quoted || !sign.is_ascii_whitespace();
            (quoted, escaped) = step(*sign, quoted, escaped);
            keep
        }
    });
    let mut ahead = signs.next();
    while let Some(sign) = ahead {
        ahead = signs.next();
        if quoted {
            out.push(sign);
        } else {
            match sign {
                '{' | '[' => {
                    out.push(sign);
                    let empty = matches!(ahead, Some('}' | ']'));
                    depth += 1;
                    if !empty {
                        line(&mut out, depth);
                    }
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    if !out.ends_with(['{', '[']) {
                        line(&mut out, depth);
                    }
                    out.push(sign);
                }
                ',' => {
                    out.push(sign);
                    line(&mut out, depth);
                }
                ':' => out.push_str(": "),
                sign => out.push(sign),
            }
        }
        (quoted, escaped) = step(sign, quoted, escaped);
    }
    out
}

/// Whether the next sign stands in a string, and after a backslash.
fn step(sign: char, quoted: bool, escaped: bool) -> (bool, bool) {
    match (sign, quoted, escaped) {
        (_, true, true) => (true, false),
        ('\\', true, false) => (true, true),
        ('"', _, false) => (!quoted, false),
        _ => (quoted, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chinese_of_gbk_is_read_and_every_field_has_its_number() {
        let text = "MSH|^~\\&|HIS|WARD\rPID|1||P26^^^XYYY||赵样例\r";
        let (bytes, _, _) = encoding_rs::GB18030.encode(text);
        let framed = [&[0x0b], &*bytes, &[0x1c, b'\r']].concat();
        let laid = received(&framed, &CharsetSetting::Auto, Lang::Zh);
        assert_eq!(laid.len(), 1);
        assert_eq!(laid[0].segments[0].fields[0], (2, "^~\\&".to_owned()));
        assert_eq!(laid[0].segments[1].name, "PID");
        assert_eq!(laid[0].segments[1].fields[2], (5, "赵样例".to_owned()));
    }

    #[test]
    fn json_keeps_its_order_and_its_numbers() {
        let shown = received(
            br#"{"b":1.50,"a":["x, {\"y\": 1}",[]],"c":{}}"#,
            &CharsetSetting::Auto,
            Lang::Zh,
        );
        let text = shown[0].text.as_deref().unwrap();
        assert_eq!(
            text,
            "{\n  \"b\": 1.50,\n  \"a\": [\n    \"x, {\\\"y\\\": 1}\",\n    []\n  ],\n  \"c\": {}\n}"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_shown_somehow(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            received(&bytes, &CharsetSetting::Auto, Lang::En);
            received(&[b"MSH|^~\\&|".as_slice(), &bytes].concat(), &CharsetSetting::Auto, Lang::En);
        }

        #[test]
        fn laid_out_json_is_the_same_json(text in "[ a\\\\\"{}:,\\[\\]\\n日]{0,40}") {
            let value = serde_json::json!({ "k": [text, { text.clone(): null }] });
            let again: serde_json::Value = serde_json::from_str(&pretty(&value.to_string())).unwrap();
            prop_assert_eq!(again, value);
        }
    }
}
