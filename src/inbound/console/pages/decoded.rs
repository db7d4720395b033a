//! Messages and answers as people read them: HL7 by segments, in the message's own character set; HTTP as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;

use crate::hl7::charset::CharsetSetting;
use crate::hl7::frame;
use crate::hl7::message::Message;

/// Segments that are shown; what is longer is not read by eye.
const SEGMENTS_MAX: usize = 500;

/// A message or an answer.
pub(super) enum Decoded {
    /// Name and text of each segment.
    Segments(Vec<(String, String)>),
    /// Something else.
    Text(String),
}

/// What stands in base64 in an entry.
pub(super) fn decoded(base64: Option<&Value>) -> Option<Decoded> {
    let bytes = BASE64.decode(base64?.as_str()?).ok()?;
    let payload = frame::payload(&bytes);
    let Ok(message) = Message::read(payload, &CharsetSetting::Auto) else {
        return Some(Decoded::Text(http(&bytes)));
    };
    let charset = message.encoding().charset;
    let segments = message.segments().take(SEGMENTS_MAX).map(|segment| {
        let raw = payload.get(segment.range()).unwrap_or_default();
        let text = charset.decode(raw).trim_end().to_owned();
        (String::from_utf8_lossy(segment.name()).into_owned(), text)
    });
    Some(Decoded::Segments(segments.collect()))
}

/// Head and body; a JSON body with its lines set out, which changes blanks only.
fn http(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return text };
    let pretty = serde_json::from_str::<Value>(body).ok();
    let pretty = pretty.and_then(|body| serde_json::to_string_pretty(&body).ok());
    format!("{head}\n\n{}", pretty.as_deref().unwrap_or(body))
}
