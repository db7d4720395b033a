//! A login that a browser has begun: one random word in its cookie, from which state, nonce and code verifier are
//! derived. Nothing is kept here, so nobody can fill it; who does not hold the cookie can make none of the three.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::hmac;

use crate::accounts::error::AccountsError;
use crate::accounts::session::Token;

/// How long somebody may sit before the provider's login page, in seconds; and the life of the cookie.
const WITHIN_S: i64 = 600;

/// One login.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    word: Token,
    /// Seconds since 1970.
    at: i64,
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Begun(…)")
    }
}

impl Begun {
    /// How long the cookie lives, in seconds.
    pub const WITHIN_S: i64 = WITHIN_S;

    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new(now: Timestamp) -> Result<Self, AccountsError> {
        Ok(Self { word: Token::new()?, at: now.as_second() })
    }

    /// The one of a cookie; `None` where it can be none, or is too old.
    pub fn sent(text: &str, now: Timestamp) -> Option<Self> {
        let (word, at) = text.split_once('.')?;
        let (word, at) = (Token::sent(word)?, at.parse().ok()?);
        let age = now.as_second().checked_sub(at)?;
        (0..WITHIN_S).contains(&age).then_some(Self { word, at })
    }

    /// For the cookie.
    pub fn reveal(&self) -> String {
        format!("{}.{}", self.word.reveal(), self.at)
    }

    /// What the provider sends back with its answer.
    pub(in crate::accounts::oidc) fn state(&self) -> String {
        self.derived("state")
    }

    /// What the ID token must hold.
    pub(in crate::accounts::oidc) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// What proves at the exchange that it is asked for by who began (RFC 7636: 43 signs).
    pub(in crate::accounts::oidc) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// Whether an answer is to this login; takes the same time for every wrong one.
    pub fn is_state(&self, sent: &str) -> bool {
        let Ok(sent) = URL_SAFE_NO_PAD.decode(sent) else { return false };
        hmac::verify(&self.key(), self.text("state").as_bytes(), &sent).is_ok()
    }

    fn derived(&self, what: &str) -> String {
        let tag = hmac::sign(&self.key(), self.text(what).as_bytes());
        URL_SAFE_NO_PAD.encode(tag.as_ref())
    }

    /// The time is part of it: who changes it in the cookie holds another state.
    fn text(&self, what: &str) -> String {
        format!("oidc {what} {}", self.at)
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.word.reveal().as_bytes())
    }
}
