//! GET of a key set: bounded in time and size, no redirect is followed.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// A screen waits for its answer meanwhile.
const WITHIN: Duration = Duration::from_secs(3);
/// A key set is some KiB.
const BYTES_MAX: usize = 256 * 1024;

/// Why a key set cannot be fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    #[error("this machine has no CA certificates, install ca-certificates")]
    NoRoots,
    #[error("the address is no URL")]
    Address,
    #[error("it cannot be reached, or its certificate is not trusted")]
    Unreachable,
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

type Https = Client<HttpsConnector<HttpConnector>, Empty<Bytes>>;

/// By HTTP or HTTPS, the system's certificates trusted.
#[derive(Default)]
pub(super) struct Network {
    client: OnceCell<Https>,
}

impl Network {
    async fn get(&self, url: &str) -> Result<Bytes, FetchError> {
        let address = url.parse().map_err(|_| FetchError::Address)?;
        let client = self.client.get_or_try_init(|| async { client() }).await?;
        let response = client.get(address).await.map_err(|_| FetchError::Unreachable)?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), BYTES_MAX).collect().await;
        body.map(|body| body.to_bytes()).map_err(|_| FetchError::Body)
    }
}

fn client() -> Result<Https, FetchError> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|_| FetchError::NoRoots)?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

impl Fetch for Network {
    fn fetch<'f>(
        &'f self,
        url: &'f str,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, FetchError>> + Send + 'f>> {
        Box::pin(
            async move { timeout(WITHIN, self.get(url)).await.unwrap_or(Err(FetchError::Slow)) },
        )
    }
}
