//! The requests of the `openidconnect` crate over our own HTTP client: bounded in time and size, no redirects.

use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use tokio::time::timeout;

use crate::accounts::oidc::settings::Settings;
use crate::net::client::{self, Client, ClientError, whole};

/// How long one request may take: somebody waits before a blank page.
const WITHIN: Duration = Duration::from_secs(5);
/// Key sets and claims are some KiB; people in a thousand groups have more.
const BYTES_MAX: usize = 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(in crate::accounts::oidc) enum TransportError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("it does not answer in time")]
    Slow,
    #[error("it answers with more than 1 MiB, or not whole")]
    Body,
    #[error("it names an address that is not https")]
    Plain,
}

/// The way to the provider.
#[derive(Debug)]
pub(in crate::accounts::oidc) struct Transport {
    client: Client,
    /// A provider that is reached by https leads nobody to plain http.
    https: bool,
}

impl Transport {
    pub(in crate::accounts::oidc) fn new(settings: &Settings) -> Result<Self, ClientError> {
        let https = settings.issuer.starts_with("https://");
        let way = client::Settings { connect_timeout: WITHIN, https, h2: false };
        let client = match &settings.ca_file {
            Some(file) => Client::trusting(way, file)?,
            None => Client::new(way)?,
        };
        Ok(Self { client, https })
    }

    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        if self.https && request.uri().scheme_str() != Some("https") {
            return Err(TransportError::Plain);
        }
        let request = request.map(|body| whole(Bytes::from(body)));
        let (parts, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, BYTES_MAX).collect().await;
        let body = body.map_err(|_| TransportError::Body)?.to_bytes();
        Ok(HttpResponse::from_parts(parts, body.to_vec()))
    }
}

impl<'c> AsyncHttpClient<'c> for Transport {
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, TransportError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            timeout(WITHIN, self.exchange(request)).await.unwrap_or(Err(TransportError::Slow))
        })
    }
}
