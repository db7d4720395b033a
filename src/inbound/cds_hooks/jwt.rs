//! The token of a CDS client (CDS Hooks 2.0 "Trusting CDS Clients"): taken apart, its signature checked, its claims
//! held against the clock. Pure; keys and time are arguments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde::Deserialize;

/// No real token is longer; most are below 1 KiB.
const TOKEN_BYTES_MAX: usize = 8 * 1024;
/// How far two clocks may be apart, in seconds.
pub(super) const SKEW_S: i64 = 60;
/// How long a token may live, in seconds: a client makes one for each request, and what was used is remembered so long.
pub(super) const LIFE_S: i64 = 10 * 60;
/// No nonce is longer.
const JTI_BYTES_MAX: usize = 256;

/// Why a token is not accepted; for logs and metrics, never with any of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    #[error("no bearer token")]
    Missing,
    #[error("not a signed JSON Web Token")]
    Shape,
    #[error("an algorithm other than ES256, ES384, RS256, RS384")]
    Algorithm,
    #[error("an issuer that is not configured")]
    Issuer,
    #[error("signed by a key that the issuer's key set does not hold")]
    Key,
    #[error("a signature that does not fit")]
    Signature,
    #[error("meant for another service")]
    Audience,
    #[error("expired")]
    Expired,
    #[error("not valid yet")]
    Early,
    #[error("valid for longer than ten minutes")]
    LongLived,
    #[error("used before")]
    Replayed,
}

impl TokenFault {
    /// A short name, the same for ever.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "token-missing",
            Self::Shape => "token-shape",
            Self::Algorithm => "token-algorithm",
            Self::Issuer => "token-issuer",
            Self::Key => "token-key",
            Self::Signature => "token-signature",
            Self::Audience => "token-audience",
            Self::Expired => "token-expired",
            Self::Early => "token-early",
            Self::LongLived => "token-long-lived",
            Self::Replayed => "token-replayed",
        }
    }
}

/// What a token is signed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Es256,
    Es384,
    Rs256,
    Rs384,
}

impl Algorithm {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            _ => None,
        }
    }
}

/// A public key, good for what it is good for and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// An uncompressed point on P-256.
    P256(Vec<u8>),
    /// An uncompressed point on P-384.
    P384(Vec<u8>),
    /// Modulus and exponent, big-endian.
    Rsa(Vec<u8>, Vec<u8>),
}

impl PublicKey {
    /// Whether it is of the algorithm's kind: a token never chooses how a key is used.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm),
            (Self::P256(_), Algorithm::Es256)
                | (Self::P384(_), Algorithm::Es384)
                | (Self::Rsa(..), Algorithm::Rs256 | Algorithm::Rs384)
        )
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let point = |algorithm: &'static dyn VerificationAlgorithm, point: &Vec<u8>| {
            UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
        };
        let rsa = |parameters: &'static RsaParameters, n: &Vec<u8>, e: &Vec<u8>| {
            RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
        };
        match (self, algorithm) {
            (Self::P256(xy), Algorithm::Es256) => point(&ECDSA_P256_SHA256_FIXED, xy),
            (Self::P384(xy), Algorithm::Es384) => point(&ECDSA_P384_SHA384_FIXED, xy),
            (Self::Rsa(n, e), Algorithm::Rs256) => rsa(&RSA_PKCS1_2048_8192_SHA256, n, e),
            (Self::Rsa(n, e), Algorithm::Rs384) => rsa(&RSA_PKCS1_2048_8192_SHA384, n, e),
            _ => false,
        }
    }
}

/// A token taken apart. Nothing of it is to be trusted before [`Token::verified`].
#[derive(Debug)]
pub(super) struct Token<'t> {
    signed: &'t str,
    signature: Vec<u8>,
    algorithm: Algorithm,
    kid: Option<String>,
    claims: Claims,
}

/// What a token says, once it is verified.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    /// Who made it.
    pub(super) iss: String,
    aud: Audience,
    exp: Seconds,
    iat: Seconds,
    nbf: Option<Seconds>,
    /// Its nonce.
    pub(super) jti: String,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// NumericDate: whole seconds, or with a fraction.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
enum Seconds {
    Whole(i64),
    Fraction(f64),
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

impl<'t> Token<'t> {
    /// Takes a token apart. `jku`, `jwk` and `x5u` in its header are not looked at.
    ///
    /// # Errors
    /// When it is no signed token of a kind that is accepted.
    pub(super) fn read(token: &'t str) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenFault::Shape);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Shape)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenFault::Shape)?;
        let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Shape);
        let header: Header =
            serde_json::from_slice(&decoded(header)?).map_err(|_| TokenFault::Shape)?;
        if header.crit.is_some() {
            // Something that must be understood, and is not.
            return Err(TokenFault::Shape);
        }
        let algorithm = Algorithm::from_name(&header.alg).ok_or(TokenFault::Algorithm)?;
        let claims: Claims =
            serde_json::from_slice(&decoded(claims)?).map_err(|_| TokenFault::Shape)?;
        if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX {
            return Err(TokenFault::Shape);
        }
        let signature = decoded(signature)?;
        Ok(Self { signed, signature, algorithm, kid: header.kid, claims })
    }

    /// Who is said to have made it.
    pub(super) fn issuer(&self) -> &str {
        &self.claims.iss
    }

    /// How it is said to be signed.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// By which key it is said to be signed.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Its claims, once the signature is that of `key` and they hold at `now` (seconds) for one of `audiences`.
    ///
    /// # Errors
    /// Why it is not accepted.
    pub(super) fn verified(
        self,
        key: &PublicKey,
        now: i64,
        audiences: &[String],
    ) -> Result<Claims, TokenFault> {
        if !key.verifies(self.algorithm, self.signed.as_bytes(), &self.signature) {
            return Err(TokenFault::Signature);
        }
        let claims = self.claims;
        let meant = |one: &String| audiences.iter().any(|own| same_url(own, one));
        let meant = match &claims.aud {
            Audience::One(one) => meant(one),
            Audience::Several(several) => several.iter().any(meant),
        };
        if !meant {
            return Err(TokenFault::Audience);
        }
        let expires = claims.exp.floor();
        if expires <= now.saturating_sub(SKEW_S) {
            return Err(TokenFault::Expired);
        }
        let latest = now.saturating_add(SKEW_S);
        let from = claims.nbf.map_or(i64::MIN, Seconds::floor).max(claims.iat.floor());
        if from > latest {
            return Err(TokenFault::Early);
        }
        if expires > latest.saturating_add(LIFE_S) {
            return Err(TokenFault::LongLived);
        }
        Ok(claims)
    }
}

impl Seconds {
    fn floor(self) -> i64 {
        match self {
            Self::Whole(seconds) => seconds,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "`as` saturates; NaN gives 0: long past"
            )]
            Self::Fraction(seconds) => seconds.floor() as i64,
        }
    }
}

/// Compared as text, but for a slash at the end.
fn same_url(one: &str, other: &str) -> bool {
    let plain = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
    plain(one) == plain(other)
}
