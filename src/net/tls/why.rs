//! What went wrong between two who speak TLS, in words of a bounded set: for logs, metrics and alerts.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError, PeerIncompatible};

/// Why a handshake or a connection failed.
pub fn why(error: &io::Error) -> &'static str {
    if let Some(own) = found(error) {
        return tls(own);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => "closed",
        io::ErrorKind::TimedOut => "timeout",
        _ => "broken",
    }
}

/// The TLS error in a chain of errors, and what it says; `None` when TLS is not to blame.
pub fn blamed(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<rustls::Error>() {
            return Some(tls(own));
        }
        if let Some(own) = error.downcast_ref::<io::Error>().and_then(found) {
            return Some(tls(own));
        }
        next = error.source();
    }
    None
}

/// Libraries wrap I/O errors in I/O errors, and their `source` leaps over what is wrapped.
fn found(error: &io::Error) -> Option<&rustls::Error> {
    let inner = error.get_ref()?;
    inner.downcast_ref().or_else(|| found(inner.downcast_ref::<io::Error>()?))
}

fn tls(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::NoCertificatesPresented => "no-certificate",
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::AlertReceived(alert) => self::alert(*alert),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::SupportedVersionsExtensionRequired
            // Before 1.2 there was none.
            | PeerIncompatible::SignatureAlgorithmsExtensionRequired,
        ) => "version-too-old",
        rustls::Error::PeerIncompatible(_) => "nothing-in-common",
        rustls::Error::NoApplicationProtocol => "no-protocol-in-common",
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => "no-tls",
        _ => "broken",
    }
}

fn certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "certificate-expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate-not-valid-yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate-wrong-name"
        }
        CertificateError::UnknownIssuer => "certificate-unknown-issuer",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate-wrong-purpose"
        }
        _ => "certificate-invalid",
    }
}

/// What the peer says of us.
fn alert(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::CertificateRequired => "peer-wants-a-certificate",
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::CertificateRevoked
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => "peer-refuses-our-certificate",
        AlertDescription::ProtocolVersion => "peer-refuses-our-version",
        AlertDescription::UnrecognisedName => "peer-does-not-know-the-name",
        _ => "peer-refuses",
    }
}
