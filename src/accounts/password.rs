//! Passwords: what is too easy, argon2id, and generated ones.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom, SystemRandom};

use crate::accounts::Accounts;
use crate::accounts::error::AccountsError;

/// Shortest password, in characters.
const SHORTEST: usize = 10;
/// Longest, in bytes: hashing takes as long as the password is.
const LONGEST_BYTES: usize = 256;
const SALT_BYTES: usize = 16;

/// What trying one password costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    /// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

impl Cost {
    fn argon2(self) -> Result<Argon2<'static>, AccountsError> {
        let params = Params::new(self.memory_kib, self.passes, 1, None);
        let params = params.map_err(|_| AccountsError::Hash("its cost is out of range"))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// Whether a password may be used for an account.
///
/// # Errors
/// Why not.
pub(in crate::accounts) fn check(password: &str, account: &str) -> Result<(), AccountsError> {
    let mut signs: Vec<char> = password.chars().collect();
    if signs.len() < SHORTEST {
        return Err(AccountsError::Password("short: 10 characters at least"));
    }
    if password.len() > LONGEST_BYTES {
        return Err(AccountsError::Password("long: 256 bytes at most"));
    }
    let (lower, name) = (password.to_lowercase(), account.to_lowercase());
    signs.sort_unstable();
    signs.dedup();
    // Two or three letters stand in many a word.
    let names_it = name.chars().count() > 3 && lower.contains(&name);
    let easy = signs.len() < 5 || names_it;
    let known = ["password", "12345678", "qwertyui"].iter().any(|word| lower.contains(word));
    if easy || known {
        return Err(AccountsError::Password("easy: mix signs, and leave out the account's name"));
    }
    Ok(())
}

/// The text to keep of a password.
fn hash(password: &str, cost: Cost) -> Result<String, AccountsError> {
    let mut salt = [0; SALT_BYTES];
    random(&mut salt)?;
    let hashed = cost.argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
    let hashed = hashed.map_err(|_| AccountsError::Hash("argon2 failed"))?;
    Ok(hashed.to_string())
}

/// Whether `password` is the one that `kept` was made of.
fn matches(password: &str, kept: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(kept) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok()
}

/// Random bytes of the system.
pub(in crate::accounts) fn random(bytes: &mut [u8]) -> Result<(), AccountsError> {
    let filled = SystemRandom::new().fill(bytes);
    filled.map_err(|_| AccountsError::Hash("the system gives no random bytes"))
}

/// A password to be told once and changed at the first login: 20 signs that do not look alike.
///
/// # Errors
/// The system gives no random bytes.
pub fn generated() -> Result<String, AccountsError> {
    const SIGNS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0; 20];
    random(&mut bytes)?;
    let sign = |byte: &u8| SIGNS.get(usize::from(byte % 32)).copied().map_or('x', char::from);
    let mut out = String::new();
    for (nth, byte) in bytes.iter().enumerate() {
        if nth > 0 && nth % 5 == 0 {
            out.push('-');
        }
        out.push(sign(byte));
    }
    Ok(out)
}

impl Accounts {
    /// Hashes on a thread of its own; a few at a time.
    pub(in crate::accounts) async fn hash(&self, password: &str) -> Result<String, AccountsError> {
        let (password, cost) = (password.to_owned(), self.config.cost);
        let _turn = self.hashing.acquire().await;
        let hashed = tokio::task::spawn_blocking(move || hash(&password, cost)).await;
        hashed.unwrap_or(Err(AccountsError::Hash("the thread broke off")))
    }

    /// Likewise; takes as long where there is nothing to compare with, so that names cannot be guessed by it.
    pub(in crate::accounts) async fn matches(
        &self,
        password: &str,
        kept: Option<&str>,
    ) -> Result<bool, AccountsError> {
        let Some(kept) = kept.filter(|kept| !kept.is_empty()) else {
            self.hash(password).await?;
            return Ok(false);
        };
        let (password, kept) = (password.to_owned(), kept.to_owned());
        let _turn = self.hashing.acquire().await;
        let matched = tokio::task::spawn_blocking(move || matches(&password, &kept)).await;
        Ok(matched.unwrap_or(false))
    }
}
