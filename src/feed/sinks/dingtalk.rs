//! 钉钉自定义机器人: Markdown, signed in the query (加签), 20 messages a minute (errcode 130101).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use serde_json::json;

use crate::clock::Clock;
use crate::domain::order::Redacted;
use crate::feed::sink::{Delivery, Failure, Letter, Sink};
use crate::feed::sinks::digest::{Digest, Mark, digest};
use crate::feed::sinks::http::Poster;
use crate::feed::sinks::robot::{Codes, LETTERS, check};

/// A message of 20,000 bytes is taken; its JSON escapes nothing of this.
const TEXT_BYTES: usize = 16_000;
const CODES: Codes = Codes {
    member: "errcode",
    // 40035 parameter missing, 460101 too long, 400106 no such type.
    of_the_message: &[40035, 460_101, 400_106],
};

/// A group's robot; its token is in the address.
pub struct Dingtalk {
    poster: Poster,
    secret: Option<Redacted>,
    clock: Clock,
}

impl Dingtalk {
    /// Posts by `poster`; signed where there is a secret (`SEC…`).
    pub fn new(poster: Poster, secret: Option<Redacted>, clock: Clock) -> Self {
        Self { poster, secret, clock }
    }

    /// The address with time and signature: HMAC-SHA256 of `TIME\nSECRET` under the secret, base64, in the query.
    fn signed(&self) -> Option<Uri> {
        let Some(secret) = &self.secret else { return Some(self.poster.uri().clone()) };
        let time = self.clock.now().as_millisecond();
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes());
        let tag = hmac::sign(&key, format!("{time}\n{}", secret.reveal()).as_bytes());
        let sign = BASE64.encode(tag);
        let sign = utf8_percent_encode(&sign, NON_ALPHANUMERIC);
        let uri = self.poster.uri();
        let join = if uri.query().is_some() { '&' } else { '?' };
        format!("{uri}{join}timestamp={time}&sign={sign}").parse().ok()
    }
}

impl Sink for Dingtalk {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            let Digest { title, lines } = digest(letters, TEXT_BYTES, Mark::Markdown);
            // A line break of Markdown needs a blank line here.
            let content = format!("**{title}**\n\n{}", lines.join("\n\n"));
            let body =
                json!({ "msgtype": "markdown", "markdown": { "title": title, "text": content } });
            let body = body.to_string().into_bytes();
            let uri = self.signed();
            let uri = uri.ok_or_else(|| Failure::unavailable("the address cannot be signed"))?;
            check(&self.poster.post(&uri, "application/json", Vec::new(), body).await?, &CODES)
        })
    }

    fn letters_max(&self) -> usize {
        LETTERS
    }
}
