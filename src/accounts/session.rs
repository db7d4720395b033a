//! Sessions: a random token in the browser's cookie, its hash in the table, and the word that forms must carry.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::hmac;

use crate::accounts::account::Account;
use crate::accounts::error::AccountsError;
use crate::accounts::password::random;

const TOKEN_BYTES: usize = 32;

/// What the browser holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn new() -> Result<Self, AccountsError> {
        let mut bytes = [0; TOKEN_BYTES];
        random(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that a browser sent; `None` where it can be none.
    pub fn sent(text: &str) -> Option<Self> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok()?;
        (decoded.len() == TOKEN_BYTES).then(|| Self(text.to_owned()))
    }

    /// For the cookie.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the table holds.
    pub(in crate::accounts) fn at_rest(&self) -> String {
        hex::encode(digest(&SHA256, self.0.as_bytes()).as_ref())
    }

    /// The word that every form of this session carries. Nobody can make it who does not hold the token.
    pub fn form_word(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        hex::encode(hmac::sign(&key, b"form").as_ref())
    }

    /// Whether a form carried it; takes the same time for every wrong one.
    pub fn is_form_word(&self, word: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        let mut bytes = [0; 32];
        if hex::decode_to_slice(word, &mut bytes).is_err() {
            return false;
        }
        hmac::verify(&key, b"form", &bytes).is_ok()
    }
}

/// A session that goes on.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whose.
    pub account: Account,
    /// Its token.
    pub token: Token,
}
