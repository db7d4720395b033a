//! The one HTTP client: http and https by rustls, HTTP/1.1 and h2, pooled.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, FixedServerNameResolver, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

use crate::net::tls::why::blamed;
use crate::net::tls::{ClientTls, HTTP1, HTTP2, lapsed};

/// Idle connections are given up after this: servers close theirs after 5 s (Node) and more, and a request that meets a
/// connection which is being closed would fail without need.
const POOL_IDLE: Duration = Duration::from_secs(4);
/// Idle connections kept to one server; more are closed. A burst of a whole hospital's clients is some hundreds.
const POOL_MAX: usize = 256;

/// What goes wrong below HTTP, boxed: hyper's errors, timeouts, broken bodies.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A body, whole or streamed.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// A body that is already there.
pub fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// No body.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// How to reach servers.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long connecting may take, TLS not counted.
    pub connect_timeout: Duration,
    /// Whether any address is https: then the system's root certificates are needed.
    pub https: bool,
    /// HTTP/2 without asking (h2c, prior knowledge); https asks by ALPN anyway.
    pub h2: bool,
}

/// Why there is no client, or no response.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// https was asked for, and the system has no root certificates.
    #[error(
        "the system's root certificates cannot be read ({0}), install them or name a file in SSL_CERT_FILE"
    )]
    Roots(String),
    /// A file of certificates that cannot be used.
    #[error("no certificates of an authority in {0}: {1}")]
    Authority(String, String),
    /// No TLS version that the provider and we agree on.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// Nobody listens there.
    #[error("the server cannot be connected to")]
    Connect,
    /// Its certificate does not hold, or it does not take ours; why, of a bounded set.
    #[error("the server and the gate do not trust each other: {0}")]
    Untrusted(&'static str),
    /// The connection ended before the response came.
    #[error("the connection broke before the response came")]
    Broken,
}

/// A pool of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    inner: legacy::Client<Connector, Body>,
}

/// Connects by what is trusted at that moment.
#[derive(Clone, Debug)]
struct Connector {
    http: HttpConnector,
    trust: Trust,
}

#[derive(Clone, Debug)]
enum Trust {
    /// The same always.
    Fixed(Arc<ClientConfig>),
    /// As files say that may change.
    Files(ClientTls),
}

/// What a connector gives.
type Connecting = <HttpsConnector<HttpConnector> as Service<Uri>>::Future;

impl Service<Uri> for Connector {
    type Response = <HttpsConnector<HttpConnector> as Service<Uri>>::Response;
    type Error = BoxError;
    type Future = Connecting;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let http = self.http.clone();
        let (config, name) = match &self.trust {
            Trust::Fixed(config) => (Arc::clone(config), None),
            Trust::Files(tls) => (tls.config(), tls.name().cloned()),
        };
        let mut connector = match name {
            None => HttpsConnector::from((http, config)),
            Some(name) => HttpsConnector::new(
                http,
                config,
                false,
                Arc::new(FixedServerNameResolver::new(name)),
            ),
        };
        let connecting = connector.call(uri);
        Box::pin(async move {
            let stream = connecting.await?;
            if let MaybeHttpsStream::Https(own) = &stream
                && lapsed(own.inner().get_ref().1)
            {
                let expired = rustls::CertificateError::Expired;
                return Err(rustls::Error::InvalidCertificate(expired).into());
            }
            Ok(stream)
        })
    }
}

impl Client {
    /// Makes one; connects nowhere yet. Must be called within a runtime.
    ///
    /// # Errors
    /// When https is asked for and cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        Ok(Self::with(settings, roots_or_none(settings.https)?))
    }

    /// The same for servers whose certificates come from an authority of the house: those of the PEM file `ca` are
    /// trusted, and no others.
    ///
    /// # Errors
    /// The file holds no certificate, or TLS cannot be set up.
    pub fn trusting(settings: Settings, ca: &Path) -> Result<Self, ClientError> {
        Ok(Self::with(settings, tls_of(roots_of(ca)?)?))
    }

    /// The same, towards a server with files of its own, which may change; `tls` must offer what `settings` speak by
    /// ALPN.
    pub fn following(settings: Settings, tls: ClientTls) -> Self {
        Self::by(settings, Trust::Files(tls))
    }

    fn with(settings: Settings, mut config: ClientConfig) -> Self {
        let protocols = if settings.h2 { HTTP2 } else { HTTP1 };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Self::by(settings, Trust::Fixed(Arc::new(config)))
    }

    fn by(settings: Settings, trust: Trust) -> Self {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.connect_timeout));
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_MAX)
            .http1_preserve_header_case(true)
            .http2_only(settings.h2);
        Self { inner: builder.build(Connector { http, trust }) }
    }

    /// Sends a request with an absolute address; comes back when the head of the response is there. Nothing is sent
    /// twice, redirects are not followed, and how long to wait is the caller's business.
    ///
    /// # Errors
    /// When the server cannot be reached, or the connection breaks.
    pub async fn request(&self, request: Request<Body>) -> Result<Response<Incoming>, ClientError> {
        self.inner.request(request).await.map_err(|error| {
            // Of TLS 1.3 a client learns after its first request only that its certificate is not taken.
            match blamed(&error) {
                Some(why) if error.is_connect() || why.starts_with("peer-") => {
                    ClientError::Untrusted(why)
                }
                _ if error.is_connect() => ClientError::Connect,
                _ => ClientError::Broken,
            }
        })
    }
}

/// Whether [`Client::trusting`] could use a file.
///
/// # Errors
/// Why not.
pub fn check_authority(file: &Path) -> Result<(), ClientError> {
    roots_of(file).map(|_| ())
}

/// The certificates of a PEM file.
fn roots_of(file: &Path) -> Result<RootCertStore, ClientError> {
    let unusable = |why: String| ClientError::Authority(file.display().to_string(), why);
    let mut roots = RootCertStore::empty();
    let read = CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?;
    for certificate in read {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() { Err(unusable("it holds none".to_owned())) } else { Ok(roots) }
}

/// TLS by ring, whatever provider the process has installed.
fn tls_of(roots: RootCertStore) -> Result<ClientConfig, ClientError> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The same with the system's roots, where any address needs them.
///
/// # Errors
/// The system has none, or TLS cannot be set up.
pub fn roots_or_none(roots_needed: bool) -> Result<ClientConfig, ClientError> {
    if !roots_needed {
        return tls_of(RootCertStore::empty());
    }
    let provider = rustls::crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?;
    let builder = builder.with_native_roots();
    let builder = builder.map_err(|error| ClientError::Roots(error.to_string()))?;
    Ok(builder.with_no_client_auth())
}
