//! TLS on what listens: handshakes bounded in time and number, in the connection's own task.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::net::tls::facts::{Facts, Peer};
use crate::net::tls::files::{Role, TlsError, certificates, key, roots};
use crate::net::tls::kept::{Follows, Kept, Look, Made};
use crate::net::tls::{farewell, lapsed, provider, why};

/// From the connection to the end of its handshake. A handshake takes two ways there and back and milliseconds of work;
/// slow lines and a gate under load get this long.
pub const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Handshakes of one listener at a time; further ones wait their turn. What has not sent anything takes no turn.
const HANDSHAKES_MAX: usize = 64;
/// A turn lasts so long: those who begin and do not go on must not keep others waiting until they give up.
const TURN_WITHIN: Duration = Duration::from_secs(3);
/// The first byte of whatever speaks TLS (a handshake record).
pub(in crate::net) const HANDSHAKE_RECORD: u8 = 0x16;

/// The files of a listener.
#[derive(Clone, Debug)]
pub struct ServerFiles {
    /// Its certificate, and the chain behind it.
    pub cert: PathBuf,
    /// The private key.
    pub key: PathBuf,
    /// Who signs clients: with it, none gets in without a certificate.
    pub client_ca: Option<PathBuf>,
}

/// TLS of one listener. Clones share it.
#[derive(Clone, Debug)]
pub struct ServerTls {
    kept: Arc<Kept<ServerConfig>>,
    key_file: Arc<PathBuf>,
    turns: Arc<Semaphore>,
}

/// Why a connection did not come about. It is closed, and its peer told so as TLS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was closed before anything came: a balancer that looks whether we live.
    Unused,
    /// What came was no TLS.
    Plain,
    /// The handshake failed, for a reason of a bounded set.
    Failed(&'static str),
}

impl ServerTls {
    /// Reads the files; `protocols` are offered by ALPN.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn new(files: ServerFiles, protocols: &'static [&'static [u8]]) -> Result<Self, TlsError> {
        let key_file = Arc::new(files.key.clone());
        let watched = [Some(&files.cert), Some(&files.key), files.client_ca.as_ref()];
        let watched = watched.into_iter().flatten().cloned().collect();
        let kept = Arc::new(Kept::new(watched, Box::new(move || make(&files, protocols)))?);
        Ok(Self { kept, key_file, turns: Arc::new(Semaphore::new(HANDSHAKES_MAX)) })
    }

    /// Shakes hands on a new connection.
    ///
    /// # Errors
    /// Why it did not come about; the connection is closed then.
    pub async fn accept(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, Refused> {
        let latest = tokio::time::sleep(HANDSHAKE_WITHIN);
        tokio::select! {
            biased;
            outcome = self.shake(socket) => outcome,
            () = latest => Err(Refused::Failed("timeout")),
        }
    }

    async fn shake(&self, socket: TcpStream) -> Result<TlsStream<TcpStream>, Refused> {
        let mut first = [0];
        match socket.peek(&mut first).await {
            Ok(0) => return Err(Refused::Unused),
            Ok(_) if first == [HANDSHAKE_RECORD] => {}
            Ok(_) => {
                farewell(socket).await;
                return Err(Refused::Plain);
            }
            Err(error) => return Err(Refused::Failed(why::why(&error))),
        }
        let turn = self.turns.acquire().await;
        let acceptor = TlsAcceptor::from(Arc::clone(&self.kept.now().config));
        let shaken = timeout(TURN_WITHIN, acceptor.accept(socket).into_fallible()).await;
        drop(turn);
        match shaken.map_err(|_| Refused::Failed("timeout"))? {
            Ok(stream) if lapsed(stream.get_ref().1) => {
                farewell(stream).await;
                Err(Refused::Failed("certificate-expired"))
            }
            Ok(stream) => Ok(stream),
            Err((error, socket)) => {
                farewell(socket).await;
                Err(Refused::Failed(why::why(&error)))
            }
        }
    }
}

/// Who the client is, on a connection where it had to show a certificate.
pub fn peer(stream: &TlsStream<TcpStream>) -> Option<Peer> {
    Peer::of(stream.get_ref().1.peer_certificates()?)
}

impl Follows for ServerTls {
    fn look(&self) -> Look {
        self.kept.look()
    }

    fn own(&self) -> Option<Facts> {
        self.kept.now().own.clone()
    }

    fn key_file(&self) -> Option<&Path> {
        Some(&self.key_file)
    }
}

/// The own certificate with its key, which must belong together.
pub(super) fn identity(cert: &Path, key_at: &Path) -> Result<(CertifiedKey, Facts), TlsError> {
    let chain = certificates(Role::Cert, cert)?;
    let unreadable = || TlsError::BadCertificate { role: Role::Cert, file: cert.to_owned() };
    let facts = Facts::of(&chain).ok_or_else(unreadable)?;
    let facts = Facts { file: cert.to_owned(), ..facts };
    let private = key(key_at)?;
    let no_key = |_| TlsError::NoKey(key_at.to_owned());
    let signing = provider().key_provider.load_private_key(private).map_err(no_key)?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok((certified, facts))
        }
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(TlsError::Mismatch { cert: cert.to_owned(), key: key_at.to_owned() })
        }
        Err(_) => Err(unreadable()),
    }
}

fn make(
    files: &ServerFiles,
    protocols: &'static [&'static [u8]],
) -> Result<Made<ServerConfig>, TlsError> {
    let (certified, own) = identity(&files.cert, &files.key)?;
    let builder =
        ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(file) => {
            let roots = Arc::new(roots(Role::ClientCa, file)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider()).build();
            let unusable = |_| TlsError::NoCertificate { role: Role::ClientCa, file: file.clone() };
            builder.with_client_cert_verifier(verifier.map_err(unusable)?)
        }
    };
    let single = Arc::new(SingleCertAndKey::from(certified));
    let mut config = builder.with_cert_resolver(single);
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    // Its keys live and die with this configuration: who is trusted no longer cannot go on with an old session.
    config.ticketer = rustls::crypto::ring::Ticketer::new()?;
    Ok(Made { config: Arc::new(config), own: Some(own) })
}
