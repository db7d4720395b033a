//! GET of a key set: bounded in time and size, no redirect is followed.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use crate::net::client::{Client, ClientError, Settings, empty};

/// A screen waits for its answer meanwhile.
const WITHIN: Duration = Duration::from_secs(3);
/// A key set is some KiB.
const BYTES_MAX: usize = 256 * 1024;

/// Why a key set cannot be fetched.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the address is no URL")]
    Address,
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("it does not answer in time")]
    Slow,
    #[error("it answers with status {0}")]
    Status(u16),
    #[error("it answers with more than 256 KiB, or not whole")]
    Body,
}

/// Something that fetches.
pub(super) trait Fetch: Send + Sync {
    /// The body at `url`.
    fn fetch<'f>(
        &'f self,
        url: &'f str,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, FetchError>> + Send + 'f>>;
}

/// By HTTP or HTTPS, the system's certificates trusted.
pub(super) struct Network;

/// On a connection of its own: this is seldom done.
async fn get(url: &str) -> Result<Bytes, FetchError> {
    let request = Request::get(url).body(empty()).map_err(|_| FetchError::Address)?;
    let https = request.uri().scheme_str() == Some("https");
    let client = Client::new(Settings { connect_timeout: WITHIN, https, h2: false })?;
    let response = client.request(request).await?;
    if !response.status().is_success() {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let body = Limited::new(response.into_body(), BYTES_MAX).collect().await;
    body.map(|body| body.to_bytes()).map_err(|_| FetchError::Body)
}

impl Fetch for Network {
    fn fetch<'f>(
        &'f self,
        url: &'f str,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, FetchError>> + Send + 'f>> {
        Box::pin(async move { timeout(WITHIN, get(url)).await.unwrap_or(Err(FetchError::Slow)) })
    }
}
