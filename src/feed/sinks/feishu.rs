//! 飞书自定义机器人: rich text (`post`), signed in the body (签名校验), 100 messages a minute (code 11232), 20 KB each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::hmac;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::domain::order::Redacted;
use crate::feed::sink::{Delivery, Letter, Sink};
use crate::feed::sinks::digest::{Digest, Mark, digest};
use crate::feed::sinks::http::Poster;
use crate::feed::sinks::robot::{Codes, LETTERS, check};

/// The request may have 20 KiB; each line costs some bytes of JSON.
const TEXT_BYTES: usize = 14_000;
const CODES: Codes = Codes {
    member: "code",
    // 9499: bad request.
    of_the_message: &[9499],
};

/// A group's robot; its token is in the address.
pub struct Feishu {
    poster: Poster,
    secret: Option<Redacted>,
    clock: Clock,
}

impl Feishu {
    /// Posts by `poster`; signed where there is a secret.
    pub fn new(poster: Poster, secret: Option<Redacted>, clock: Clock) -> Self {
        Self { poster, secret, clock }
    }

    fn body(&self, letters: &[Letter]) -> Value {
        let Digest { title, lines } = digest(letters, TEXT_BYTES, Mark::Markdown);
        let line = |line: &String| json!([{ "tag": "text", "text": line }]);
        let lines: Vec<Value> = lines.iter().map(line).collect();
        let content = json!({ "post": { "zh_cn": { "title": title, "content": lines } } });
        let Some(secret) = &self.secret else {
            return json!({ "msg_type": "post", "content": content });
        };
        // The text that is signed is the key here, and nothing is signed by it.
        let time = self.clock.now().as_second();
        let key = format!("{time}\n{}", secret.reveal());
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        json!({
            "timestamp": time.to_string(),
            "sign": BASE64.encode(hmac::sign(&key, b"")),
            "msg_type": "post",
            "content": content,
        })
    }
}

impl Sink for Feishu {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            let body = self.body(letters).to_string().into_bytes();
            let uri = self.poster.uri();
            check(&self.poster.post(uri, "application/json", Vec::new(), body).await?, &CODES)
        })
    }

    fn letters_max(&self) -> usize {
        LETTERS
    }
}
