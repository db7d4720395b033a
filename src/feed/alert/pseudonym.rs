//! A patient's number → a word that is the same for the same patient, and says nothing to whoever lacks the key.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::domain::order::Redacted;

/// Bytes of a key that is made here.
const KEY_BYTES: usize = 32;
/// Digits of a pseudonym: 64 bits, so that two of a million patients share one with a chance of 1 in 10^7.
const DIGITS: usize = 16;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum PseudonymError {
    /// The file cannot be read or made.
    #[error(
        "the pseudonym key `{place}` cannot be read or made ({kind}), give the gate rights to it"
    )]
    File {
        /// Which.
        place: String,
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// A short key can be guessed, and with it every number.
    #[error("the pseudonym key `{0}` is shorter than 16 bytes, write a longer one")]
    Short(String),
    /// The system has no randomness.
    #[error("the system gives no random bytes for a pseudonym key")]
    Random,
}

/// The keyed hash.
#[derive(Clone)]
pub struct Pseudonyms(hmac::Key);

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms")
    }
}

impl Pseudonyms {
    /// With a given key.
    pub fn with(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// With the key in `file`, which is made if it is not there. The same file gives the same pseudonyms.
    ///
    /// # Errors
    /// It cannot be read or made, or is too short to protect anything.
    pub fn open(file: &Path) -> Result<Self, PseudonymError> {
        let place = file.display().to_string();
        let fault =
            |error: io::Error| PseudonymError::File { place: place.clone(), kind: error.kind() };
        let key = match fs::read(file) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = vec![0; KEY_BYTES];
                SystemRandom::new().fill(&mut key).map_err(|_| PseudonymError::Random)?;
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(0o600);
                let mut made = options.open(file).map_err(fault)?;
                made.write_all(&key).and_then(|()| made.sync_all()).map_err(fault)?;
                key
            }
            Err(error) => return Err(fault(error)),
        };
        if key.len() < KEY_BYTES / 2 {
            return Err(PseudonymError::Short(place));
        }
        Ok(Self::with(&key))
    }

    /// The pseudonym of a number; blanks around it do not count.
    pub fn of(&self, number: &Redacted) -> String {
        let tag = hmac::sign(&self.0, number.reveal().trim().as_bytes());
        hex::encode(tag.as_ref().get(..DIGITS / 2).unwrap_or_default())
    }
}
