//! TLS towards those we connect to: their certificate is checked by `ca`, or by the system's roots.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::ConfigBuilderExt as _;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::net::tls::facts::Facts;
use crate::net::tls::files::{Role, TlsError, roots};
use crate::net::tls::kept::{Follows, Kept, Look, Made};
use crate::net::tls::server::identity;
use crate::net::tls::why::blamed;
use crate::net::tls::{lapsed, provider, why};

/// How long [`complaint`] listens.
const COMPLAINT: Duration = Duration::from_secs(2);

/// The files of an upstream.
#[derive(Clone, Debug, Default)]
pub struct ClientFiles {
    /// Who signs the server; absent: the system's roots.
    pub ca: Option<PathBuf>,
    /// Our own certificate and its key, where the server asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

/// TLS towards one upstream. Clones share it.
#[derive(Clone, Debug)]
pub struct ClientTls {
    kept: Arc<Kept<ClientConfig>>,
    key_file: Option<Arc<PathBuf>>,
    name: Option<ServerName<'static>>,
}

/// A text that is no name a certificate could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no host name and no address")]
pub struct NoName;

/// The name of a server as certificates write it: a host name or an address.
///
/// # Errors
/// It is none.
pub fn server_name(text: &str) -> Result<ServerName<'static>, NoName> {
    let text = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    ServerName::try_from(text.to_owned()).map_err(|_| NoName)
}

impl ClientTls {
    /// Reads the files. `name`: what the server's certificate must name, where that is not the host we connect to.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn new(
        files: ClientFiles,
        name: Option<ServerName<'static>>,
        protocols: &'static [&'static [u8]],
    ) -> Result<Self, TlsError> {
        let key_file = files.identity.as_ref().map(|(_, key)| Arc::new(key.clone()));
        let own = files.identity.iter().flat_map(|(cert, key)| [cert, key]);
        let watched = files.ca.iter().chain(own).cloned().collect();
        let kept = Arc::new(Kept::new(watched, Box::new(move || make(&files, protocols)))?);
        Ok(Self { kept, key_file, name })
    }

    /// What new connections begin with.
    pub fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.kept.now().config)
    }

    /// What the server's certificate must name, if that is set.
    pub(in crate::net) fn name(&self) -> Option<&ServerName<'static>> {
        self.name.as_ref()
    }

    /// Shakes hands with the server at `host`. How long that may take is the caller's business.
    ///
    /// # Errors
    /// Why it failed, of a bounded set.
    pub async fn connect<S>(&self, host: &str, socket: S) -> Result<TlsStream<S>, &'static str>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => server_name(host).map_err(|NoName| "certificate-wrong-name")?,
        };
        let shaken = TlsConnector::from(self.config()).connect(name, socket).await;
        let stream = shaken.map_err(|error| why::why(&error))?;
        if lapsed(stream.get_ref().1) { Err("certificate-expired") } else { Ok(stream) }
    }
}

/// What TLS has against a connection between the server at `host` and us, of a bounded set; `None` when it has nothing,
/// or the server cannot be reached. Connects, asks for nothing and listens, for two seconds at most.
///
/// Of TLS 1.3 a client learns only after its handshake that its certificate is not taken (RFC 8446, 4.4.2.4), and when
/// that comes before the request has left, a library that speaks HTTP tells of the lost connection and not of why.
pub async fn complaint(config: Arc<ClientConfig>, host: &str, port: u16) -> Option<&'static str> {
    let name = server_name(host).ok()?;
    let listening = async {
        let socket = TcpStream::connect((&*name.to_str(), port)).await?;
        let mut stream = TlsConnector::from(config).connect(name.clone(), socket).await?;
        let mut forgotten = [0; 1024];
        while stream.read(&mut forgotten).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    match tokio::time::timeout(COMPLAINT, listening).await {
        Ok(Err(error)) => blamed(&error),
        _ => None,
    }
}

impl Follows for ClientTls {
    fn look(&self) -> Look {
        self.kept.look()
    }

    fn own(&self) -> Option<Facts> {
        self.kept.now().own.clone()
    }

    fn key_file(&self) -> Option<&Path> {
        self.key_file.as_deref().map(PathBuf::as_path)
    }
}

fn make(
    files: &ClientFiles,
    protocols: &'static [&'static [u8]],
) -> Result<Made<ClientConfig>, TlsError> {
    let builder =
        ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match &files.ca {
        Some(file) => builder.with_root_certificates(roots(Role::Ca, file)?),
        None => builder.with_native_roots().map_err(TlsError::Roots)?,
    };
    let (mut config, own) = match &files.identity {
        None => (builder.with_no_client_auth(), None),
        Some((cert, key)) => {
            let (certified, facts) = identity(cert, key)?;
            let single = Arc::new(SingleCertAndKey::from(certified));
            (builder.with_client_cert_resolver(single), Some(facts))
        }
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(Made { config: Arc::new(config), own })
}
