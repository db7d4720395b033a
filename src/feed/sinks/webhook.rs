//! Webhook: one CloudEvent a request (structured mode), signed as Standard Webhooks says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderName, HeaderValue};
use ring::hmac;

use crate::clock::Clock;
use crate::feed::sink::{Delivery, Failure, Letter, Sink};
use crate::feed::sinks::http::Poster;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// The key of a Standard Webhooks secret: base64 after `whsec_`, 24 to 64 bytes.
///
/// # Errors
/// What is wrong with the secret.
pub fn key(secret: &str) -> Result<hmac::Key, &'static str> {
    let secret = secret.trim();
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    let bytes = BASE64.decode(encoded).map_err(|_| "is not base64 (`whsec_…`)")?;
    if !(24..=64).contains(&bytes.len()) {
        return Err("must be of 24 to 64 bytes in base64");
    }
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
}

/// A receiver of webhooks.
pub struct Webhook {
    poster: Poster,
    key: Option<hmac::Key>,
    clock: Clock,
}

impl Webhook {
    /// Posts by `poster`; signed where there is a key.
    pub fn new(poster: Poster, key: Option<hmac::Key>, clock: Clock) -> Self {
        Self { poster, key, clock }
    }

    async fn post(&self, letter: &Letter) -> Result<(), Failure> {
        let body = letter.event.to_string();
        let time = self.clock.now().as_second().to_string();
        let mut headers = vec![(ID, value(&letter.id)?), (TIMESTAMP, value(&time)?)];
        if let Some(key) = &self.key {
            let signed = format!("{}.{time}.{body}", letter.id);
            let tag = hmac::sign(key, signed.as_bytes());
            headers.push((SIGNATURE, value(&format!("v1,{}", BASE64.encode(tag)))?));
        }
        let (uri, body) = (self.poster.uri(), body.into_bytes());
        let content_type = "application/cloudevents+json; charset=utf-8";
        self.poster.post(uri, content_type, headers, body).await?.check()
    }
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text).map_err(|_| Failure::Refused("no header can be made".to_owned()))
}

impl Sink for Webhook {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            for letter in letters {
                self.post(letter).await?;
            }
            Ok(())
        })
    }

    fn letters_max(&self) -> usize {
        1
    }
}
