//! A FHIR server that is read, through fhir-sdk's client: searches page by page, and single resources.
//!
//! What comes is handed on as bytes: the client's types drop what they do not know without a word, and a grant whose
//! end is misspelt would become one without an end. Whoever asks reads the bytes strictly.

use std::any::Any;
use std::error::Error as StdError;
use std::time::Duration;

use fhir_sdk::client::{Client, Error, RequestSettings};
use fhir_sdk::version::FhirR4B;
use reqwest::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, DATE, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Response, Url};

/// What FHIR servers answer in, asked for.
const JSON: &str = "application/fhir+json";

/// How to reach the server.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long an answer may take, to its last byte.
    pub timeout: Duration,
    /// How often a request that could not be sent is sent again,
    pub retries: usize,
    /// after this time.
    pub retry_after: Duration,
    /// Longest answer, in bytes.
    pub bytes_max: usize,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address is none.
    #[error("the address is no http or https URL")]
    Url,
    /// The token cannot stand in a header.
    #[error("the token holds what cannot stand in a header")]
    Token,
    /// There can be no client.
    #[error("the client cannot be made: {0}")]
    Client(String),
    /// A page leads to another server. That would be told our token, or be believed in the place of this one.
    #[error("a link to the next page leads to another server")]
    OtherServer,
    /// The server cannot be reached; the cause is the source.
    #[error("the server cannot be reached")]
    Unreached(#[source] Box<dyn StdError + Send + Sync>),
    /// It took too long.
    #[error("the server has not answered in time")]
    Slow,
    /// The answer broke off.
    #[error("the answer broke off")]
    Broken,
    /// The answer is longer than the limit.
    #[error("an answer is longer than {0} bytes")]
    TooLong(usize),
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Of the `Date` header: the server's time.
    pub date: Option<String>,
    /// Of the `Retry-After` header, where it is in seconds.
    pub retry_after_s: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// The server. Cheap to clone; connections are pooled.
#[derive(Clone)]
pub struct Server {
    client: Client<FhirR4B>,
    reach: Reach,
}

impl Server {
    /// The server whose FHIR base is `url`. `tls` is a `rustls::ClientConfig`, also where the address is plain http.
    ///
    /// # Errors
    /// The address or the token cannot be used.
    pub fn new(
        url: &str,
        token: Option<&str>,
        tls: impl Any,
        reach: Reach,
    ) -> Result<Self, ServerError> {
        let base: Url = url.parse().map_err(|_| ServerError::Url)?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(ServerError::Url);
        }
        let unmade = |error: &dyn StdError| ServerError::Client(error.to_string());
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(reach.connect_timeout)
            .build()
            .map_err(|error| unmade(&error))?;
        let mut settings = RequestSettings::default()
            .retries(reach.retries)
            .fixed_retry(reach.retry_after)
            .timeout(Some(reach.timeout))
            .header(ACCEPT, HeaderValue::from_static(JSON))
            // A search of a while ago, kept by the server, is no news.
            .header(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Some(token) = token {
            let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
                .map_err(|_| ServerError::Token)?;
            bearer.set_sensitive(true);
            settings = settings.header(AUTHORIZATION, bearer);
        }
        // What is read of a resource is the same in R4, R4B and R5.
        let client = Client::<FhirR4B>::builder()
            .base_url(base)
            .client(client)
            .request_settings(settings)
            .allow_version_mismatch()
            .build()
            .map_err(|error| unmade(&error))?;
        Ok(Self { client, reach })
    }

    /// The first page of a search.
    ///
    /// # Errors
    /// As the server and the way there have it.
    pub async fn search(
        &self,
        kind: &str,
        query: &[(&str, String)],
    ) -> Result<Answer, ServerError> {
        let mut url = self.at(&[kind])?;
        url.query_pairs_mut().extend_pairs(query);
        self.ask(url).await
    }

    /// The page that a link leads to, which may be relative to the base; only on the same server.
    ///
    /// # Errors
    /// As [`Server::search`], and when the link leads elsewhere.
    pub async fn follow(&self, link: &str) -> Result<Answer, ServerError> {
        let url = self.at(&[""])?.join(link).map_err(|_| ServerError::OtherServer)?;
        self.ask(url).await
    }

    /// One resource.
    ///
    /// # Errors
    /// As [`Server::search`].
    pub async fn read(&self, kind: &str, id: &str) -> Result<Answer, ServerError> {
        self.ask(self.at(&[kind, id])?).await
    }

    fn at(&self, path: &[&str]) -> Result<Url, ServerError> {
        let mut url = self.client.base_url().clone();
        url.path_segments_mut().map_err(|()| ServerError::Url)?.pop_if_empty().extend(path);
        Ok(url)
    }

    async fn ask(&self, url: Url) -> Result<Answer, ServerError> {
        let sent = self.client.send_custom_request(|client| client.get(url)).await;
        let response = sent.map_err(|error| match error {
            Error::DifferentOrigin(_) => ServerError::OtherServer,
            Error::Request(error) => failed(error),
            other => ServerError::Unreached(other.into()),
        })?;
        let header = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let (date, wait) = (header(DATE), header(RETRY_AFTER));
        Ok(Answer {
            status: response.status().as_u16(),
            date,
            retry_after_s: wait.and_then(|wait| wait.parse().ok()),
            body: self.body(response).await?,
        })
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ServerError> {
        let most = self.reach.bytes_max;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > most {
                return Err(ServerError::TooLong(most));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

fn failed(error: reqwest::Error) -> ServerError {
    if error.is_timeout() {
        ServerError::Slow
    } else if error.is_connect() || error.is_request() {
        ServerError::Unreached(error.into())
    } else {
        ServerError::Broken
    }
}
