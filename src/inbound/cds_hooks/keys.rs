//! A client's public keys: a JSON Web Key Set (RFC 7517) in a file, read again when it changes, or at a URL, bounded
//! and kept for a while.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::clock::monotonic;
use crate::inbound::cds_hooks::fetch::{Fetch, FetchError};
use crate::inbound::cds_hooks::jwt::{Algorithm, PublicKey};
use crate::telemetry::events;

/// A key set holds a handful of keys.
const KEYS_MAX: usize = 64;
/// How often a file's time is looked at.
const FILE_EVERY: Duration = Duration::from_secs(1);
/// How long fetched keys are used without asking again.
const URL_EVERY: Duration = Duration::from_secs(10 * 60);
/// How soon an unknown key may make the gate ask again: a stranger must not make it ask at will.
const URL_AGAIN: Duration = Duration::from_secs(30);
/// How long fetched keys are used while their URL does not answer; a withdrawn key must end some time.
const URL_USABLE: Duration = Duration::from_secs(24 * 3600);

/// Where a client's keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeysAt {
    /// A file on this machine.
    File(PathBuf),
    /// `https://…`, or `http://…` inside the hospital.
    Url(String),
}

/// One key with what its set says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    kid: Option<String>,
    alg: Option<String>,
    key: PublicKey,
}

#[derive(Default)]
struct Known {
    keys: Vec<Key>,
    /// When they were read; `None`: never.
    read: Option<Instant>,
    /// When they were last looked for.
    looked: Option<Instant>,
    /// Time and length of the file.
    stamp: Option<(SystemTime, u64)>,
}

/// The keys of one client.
pub(super) struct KeyRing {
    at: KeysAt,
    fetch: Arc<dyn Fetch>,
    known: ArcSwap<Known>,
    looking: Mutex<()>,
}

/// Why a key set cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeysError {
    #[error("the file cannot be read: {0}")]
    File(#[from] std::io::Error),
    #[error(transparent)]
    Url(#[from] FetchError),
    #[error("no JSON Web Key Set with a key for ES256, ES384, RS256 or RS384")]
    NoKeys,
}

impl KeyRing {
    pub(super) fn new(at: KeysAt, fetch: Arc<dyn Fetch>) -> Self {
        Self { at, fetch, known: ArcSwap::default(), looking: Mutex::new(()) }
    }

    /// The key that a token names; without a name, the only one that fits.
    pub(super) async fn key(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<PublicKey> {
        self.look(false).await;
        if let Some(key) = self.find(kid, algorithm) {
            return Some(key);
        }
        // It may be new.
        self.look(true).await;
        self.find(kid, algorithm)
    }

    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<PublicKey> {
        let known = self.known.load();
        if matches!(self.at, KeysAt::Url(_)) && !within(known.read, URL_USABLE) {
            return None;
        }
        let fits = |key: &&Key| {
            let own =
                key.alg.as_deref().is_none_or(|alg| Algorithm::from_name(alg) == Some(algorithm));
            own && key.key.fits(algorithm) && kid.is_none_or(|kid| key.kid.as_deref() == Some(kid))
        };
        let mut found = known.keys.iter().filter(fits);
        let first = found.next()?;
        // Without a name several would have to be tried; a client with several keys names them.
        (kid.is_some() || found.next().is_none()).then(|| first.key.clone())
    }

    /// Reads the keys if it is time to. `unknown`: a token names a key that is not here.
    async fn look(&self, unknown: bool) {
        if !self.is_due(unknown) {
            return;
        }
        let _looking = self.looking.lock().await;
        if !self.is_due(unknown) {
            return;
        }
        let before = self.known.load_full();
        let read = match &self.at {
            KeysAt::File(path) => read_file(path, before.stamp).await,
            KeysAt::Url(url) => {
                let fetched = self.fetch.fetch(url).await.map_err(KeysError::from);
                fetched.and_then(|body| read_set(&body)).map(|keys| Some((keys, None)))
            }
        };
        let now = Some(monotonic());
        let after = match read {
            Ok(Some((keys, stamp))) => Known { keys, read: now, looked: now, stamp },
            Ok(None) => {
                Known { keys: before.keys.clone(), read: now, looked: now, stamp: before.stamp }
            }
            Err(error) => {
                let whose = match &self.at {
                    KeysAt::File(path) => path.to_string_lossy(),
                    KeysAt::Url(url) => url.into(),
                };
                events::CallerKeysUnreadable { whose: &whose, why: &error }.emit();
                let Known { keys, read, .. } = &*before;
                Known { keys: keys.clone(), read: *read, looked: now, stamp: None }
            }
        };
        self.known.store(Arc::new(after));
    }

    fn is_due(&self, unknown: bool) -> bool {
        let known = self.known.load();
        let every = match (&self.at, unknown, known.read) {
            (KeysAt::File(_), ..) => FILE_EVERY,
            (KeysAt::Url(_), true, _) | (KeysAt::Url(_), _, None) => URL_AGAIN,
            (KeysAt::Url(_), false, Some(_)) => URL_EVERY,
        };
        !within(known.looked, every)
    }
}

fn within(since: Option<Instant>, time: Duration) -> bool {
    since.is_some_and(|since| monotonic().saturating_duration_since(since) < time)
}

type Read = Option<(Vec<Key>, Option<(SystemTime, u64)>)>;

/// The keys of a file; `None` when it is as it was.
async fn read_file(
    path: &std::path::Path,
    before: Option<(SystemTime, u64)>,
) -> Result<Read, KeysError> {
    let meta = tokio::fs::metadata(path).await?;
    let stamp = Some((meta.modified()?, meta.len()));
    if stamp == before {
        return Ok(None);
    }
    let text = tokio::fs::read(path).await?;
    Ok(Some((read_set(&text)?, stamp)))
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// The keys of a set that can verify what is accepted here; others are passed over.
fn read_set(text: &[u8]) -> Result<Vec<Key>, KeysError> {
    let set: Set = serde_json::from_slice(text).map_err(|_| KeysError::NoKeys)?;
    let usable = set.keys.into_iter().take(KEYS_MAX).filter_map(|jwk| {
        let key = jwk.key().filter(|_| jwk.purpose.as_deref().is_none_or(|u| u == "sig"))?;
        Some(Key { kid: jwk.kid, alg: jwk.alg, key })
    });
    let keys: Vec<Key> = usable.collect();
    if keys.is_empty() { Err(KeysError::NoKeys) } else { Ok(keys) }
}

impl Jwk {
    fn key(&self) -> Option<PublicKey> {
        let part = |part: &Option<String>| URL_SAFE_NO_PAD.decode(part.as_deref()?).ok();
        let point = |bytes: usize| {
            let (x, y) = (part(&self.x)?, part(&self.y)?);
            (x.len() == bytes && y.len() == bytes).then(|| [&[4][..], &x, &y].concat())
        };
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => point(32).map(PublicKey::P256),
            ("EC", Some("P-384")) => point(48).map(PublicKey::P384),
            ("RSA", _) => Some(PublicKey::Rsa(part(&self.n)?, part(&self.e)?)),
            _ => None,
        }
    }
}

/// Whether a file holds a usable set, for `orgate check`.
///
/// # Errors
/// Why it does not.
pub fn check_file(path: &std::path::Path) -> Result<(), String> {
    let text = std::fs::read(path).map_err(|error| KeysError::File(error).to_string())?;
    read_set(&text).map(|_| ()).map_err(|error| error.to_string())
}
