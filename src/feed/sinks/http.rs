//! What the HTTP sinks share: one request to the one configured address, no redirects, a bounded answer.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;

use crate::feed::sink::Failure;
use crate::net::client::{Client, ClientError, Settings, whole};

/// Answers say yes or no; what is longer is not read.
const ANSWER_BYTES: usize = 64 << 10;
/// A sink's way to its receiver.
#[derive(Clone, Debug)]
pub struct Poster {
    client: Client,
    uri: Uri,
    timeout: Duration,
}

/// What came back.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as far as it is read.
    pub body: Bytes,
}

/// The address is none.
#[derive(Debug, thiserror::Error)]
#[error("the address is not an http or https URL with a host")]
pub struct NoAddress;

/// The address of a receiver: http or https, with a host, and nothing that a server could be tricked with.
///
/// # Errors
/// It is something else.
pub fn address(text: &str) -> Result<Uri, NoAddress> {
    let uri: Uri = text.trim().parse().map_err(|_| NoAddress)?;
    let plain = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.host().is_some_and(|host| !host.is_empty())
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if plain { Ok(uri) } else { Err(NoAddress) }
}

impl Poster {
    /// To `uri`, waiting at most `timeout` for each answer.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn new(uri: Uri, timeout: Duration) -> Result<Self, ClientError> {
        let https = uri.scheme_str() == Some("https");
        let client = Client::new(Settings { connect_timeout: timeout, https, h2: false })?;
        Ok(Self { client, uri, timeout })
    }

    /// The configured address.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Posts `body` to `uri`, which must be the configured one but for its query or last path segments.
    ///
    /// # Errors
    /// No answer came: [`Failure::Unavailable`].
    pub async fn post(
        &self,
        uri: &Uri,
        content_type: &'static str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Vec<u8>,
    ) -> Result<Answered, Failure> {
        if uri.authority() != self.uri.authority() || uri.scheme() != self.uri.scheme() {
            return Err(Failure::Refused("the address is not the configured one".to_owned()));
        }
        let mut request = Request::post(uri.clone());
        if let Some(all) = request.headers_mut() {
            all.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            all.insert(
                USER_AGENT,
                HeaderValue::from_static(concat!("orgate/", env!("CARGO_PKG_VERSION"))),
            );
            all.extend(headers);
        }
        let request = request.body(whole(Bytes::from(body)));
        let request = request.map_err(|_| Failure::Refused("no request can be made".to_owned()))?;
        let exchange = async {
            let response = self.client.request(request).await;
            let response = response.map_err(|error| Failure::unavailable(error.to_string()))?;
            let (parts, body) = response.into_parts();
            // An answer that does not end, or is too long, is as good as none but for its status.
            let body = Limited::new(body, ANSWER_BYTES).collect().await;
            let body = body.map(|body| body.to_bytes()).unwrap_or_default();
            Ok(Answered { status: parts.status, headers: parts.headers, body })
        };
        let answered = timeout(self.timeout, exchange).await;
        answered
            .unwrap_or_else(|_| Err(Failure::unavailable("the receiver did not answer in time")))
    }
}

impl Answered {
    /// What a status means for the alerts sent.
    ///
    /// # Errors
    /// Anything but 2xx.
    pub fn check(&self) -> Result<(), Failure> {
        let status = self.status;
        let why = format!("the receiver answered {}", status.as_u16());
        match status.as_u16() {
            200..=299 => Ok(()),
            410 => Err(Failure::Gone(why)),
            // A redirect might lead anywhere; the configuration names the place.
            300..=399 => Err(Failure::unavailable(why + ", redirects are not followed")),
            // Of the receiver as a whole, not of this alert.
            401 | 403 | 404 | 405 | 407 | 408 | 421 | 423 | 425 | 426 | 429 | 502..=504 => {
                Err(Failure::Unavailable { why, retry_after: self.retry_after() })
            }
            _ => Err(Failure::Refused(why)),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}
