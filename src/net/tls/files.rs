//! PEM files → certificates, keys and roots. What is wrong is told with the file and what to write instead.

use std::io;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Certificates, chains and bundles of roots are some 200 KiB at most; longer files are something else.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What a file is for: the key that names it in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The own certificate with its chain.
    Cert,
    /// Its private key.
    Key,
    /// Who signs clients.
    ClientCa,
    /// Who signs the server.
    Ca,
}

impl Role {
    /// The key in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cert => "cert",
            Self::Key => "key",
            Self::ClientCa => "client_ca",
            Self::Ca => "ca",
        }
    }
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("`{}` {} cannot be read ({error}), name a PEM file the gate may read", role.as_str(), file.display())]
    Unread {
        /// What it is for.
        role: Role,
        /// Which.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// There is no certificate in it.
    #[error("`{}` {} holds no certificate, it must be PEM (-----BEGIN CERTIFICATE-----), the own one first", role.as_str(), file.display())]
    NoCertificate {
        /// What it is for.
        role: Role,
        /// Which.
        file: PathBuf,
    },
    /// A certificate in it is none.
    #[error("`{}` {} holds a certificate that cannot be read, write it anew", role.as_str(), file.display())]
    BadCertificate {
        /// What it is for.
        role: Role,
        /// Which.
        file: PathBuf,
    },
    /// There is no key in it that can be used.
    #[error("`key` {} holds no private key that can be used, it must be unencrypted PEM of RSA, ECDSA or Ed25519", .0.display())]
    NoKey(PathBuf),
    /// The key is another certificate's.
    #[error("`key` {} does not belong to the certificate in {}, name files that belong together", key.display(), cert.display())]
    Mismatch {
        /// The certificate.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// No `ca` is named, and the system knows none.
    #[error("the system's root certificates cannot be read ({0}), name the upstream's in `ca`")]
    Roots(io::Error),
    /// rustls refuses what it was given.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
}

impl TlsError {
    /// The key of the configuration it is about.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Unread { role, .. }
            | Self::NoCertificate { role, .. }
            | Self::BadCertificate { role, .. } => role.as_str(),
            Self::NoKey(_) | Self::Mismatch { .. } => Role::Key.as_str(),
            Self::Roots(_) => Role::Ca.as_str(),
            Self::Setup(_) => Role::Cert.as_str(),
        }
    }
}

fn read(role: Role, file: &Path) -> Result<Vec<u8>, TlsError> {
    let unread = |error| TlsError::Unread { role, file: file.to_owned(), error };
    let about = std::fs::metadata(file).map_err(unread)?;
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return Err(unread(io::Error::from(io::ErrorKind::InvalidData)));
    }
    std::fs::read(file).map_err(unread)
}

/// Every certificate of a file, in its order; at least one.
pub(super) fn certificates(
    role: Role,
    file: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(role, file)?;
    let all: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|_| TlsError::BadCertificate { role, file: file.to_owned() })?;
    if all.is_empty() {
        return Err(TlsError::NoCertificate { role, file: file.to_owned() });
    }
    Ok(all)
}

/// The first private key of a file.
pub(super) fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(Role::Key, file)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| TlsError::NoKey(file.to_owned()))
}

/// The certificates of a file as those that are trusted.
pub(super) fn roots(role: Role, file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(role, file)? {
        let added = roots.add(certificate);
        added.map_err(|_| TlsError::BadCertificate { role, file: file.to_owned() })?;
    }
    Ok(roots)
}

/// Whether everybody on this machine may read a file; `None` when it is not there.
pub fn readable_by_all(file: &Path) -> Option<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    Some(mode & 0o004 != 0)
}
