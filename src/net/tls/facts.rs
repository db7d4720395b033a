//! Whose a certificate is, and from when to when it holds.

use std::path::PathBuf;

use jiff::Timestamp;
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// Names are shown to people and logged; longer ones are cut.
const NAME_CHARS_MAX: usize = 100;

/// What is known of a certificate and its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The file it was read from; empty for a peer's.
    pub file: PathBuf,
    /// Its common name, else its first alternative name.
    pub name: String,
    /// It holds from here on.
    pub not_before: Timestamp,
    /// And up to here: the earliest end in its chain.
    pub not_after: Timestamp,
}

impl Facts {
    /// Of a chain, the own certificate first. `None` for what cannot be read.
    pub fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let mut own: Option<Self> = None;
        for der in chain {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            let validity = certificate.validity();
            let time = |at: i64| Timestamp::from_second(at).ok();
            let not_after = time(validity.not_after.timestamp()).unwrap_or(Timestamp::MAX);
            let not_before = time(validity.not_before.timestamp()).unwrap_or(Timestamp::MIN);
            match &mut own {
                None => {
                    let name = name(&certificate);
                    own = Some(Self { file: PathBuf::new(), name, not_before, not_after });
                }
                Some(own) => own.not_after = own.not_after.min(not_after),
            }
        }
        own
    }

    /// Seconds until it expires, negative when it has.
    pub fn expires_in_s(&self, now: Timestamp) -> i64 {
        self.not_after.as_second().saturating_sub(now.as_second())
    }
}

/// Whose certificate a client has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// As [`Facts::name`].
    pub name: String,
    /// SHA-256 of the certificate, in hexadecimal digits: which one of that name.
    pub certificate: String,
}

impl Peer {
    /// Of what a client showed, its own certificate first.
    pub fn of(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let own = chain.get(..1)?;
        let name = Facts::of(own)?.name;
        let hash = digest(&SHA256, own.first()?);
        Some(Self { name, certificate: hex::encode(hash) })
    }
}

/// Neither seen nor heard, or turning round what is read after it: no letter of a name.
fn is_hidden(letter: char) -> bool {
    let format = ['\u{ad}', '\u{61c}', '\u{180e}', '\u{feff}'].contains(&letter)
        || ('\u{200b}'..='\u{200f}').contains(&letter)
        || ('\u{2028}'..='\u{202e}').contains(&letter)
        || ('\u{2060}'..='\u{206f}').contains(&letter);
    format || letter.is_control()
}

/// What stands in a certificate is somebody else's text: only what prints is kept, and what does not leaves a mark.
fn name(certificate: &X509Certificate<'_>) -> String {
    let common = certificate.subject().iter_common_name().find_map(|name| name.as_str().ok());
    let alternative = certificate.subject_alternative_name().ok().flatten().and_then(|names| {
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) => Some(*name),
            _ => None,
        })
    });
    let name = common.or(alternative).unwrap_or("without a name");
    let shown = |c: char| if is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c };
    name.chars().map(shown).take(NAME_CHARS_MAX).collect()
}
