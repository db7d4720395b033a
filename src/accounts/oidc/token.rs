//! What an ID token must be before anything of it is believed (OpenID Connect Core 3.1.3.7). Pure: keys and time are
//! arguments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use jiff::Timestamp;
use openidconnect::core::CoreJwsSigningAlgorithm as Algorithm;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKeySet};
use openidconnect::{
    AccessToken, AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, Nonce,
    SignatureVerificationError,
};
use serde_json::{Map, Value};

use crate::accounts::oidc::OidcFault;

/// How far two clocks may be apart, in seconds.
const LEEWAY_S: i64 = 60;
/// A token is issued for this very login, and not long before it is fetched; in seconds.
const FRESH_S: i64 = 600;

/// By public keys only: what is signed with the client's own secret could be made by whoever reads that.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
];

/// Against what a token is held.
pub(in crate::accounts::oidc) struct Expected<'e> {
    pub(in crate::accounts::oidc) issuer: &'e IssuerUrl,
    pub(in crate::accounts::oidc) client_id: &'e ClientId,
    pub(in crate::accounts::oidc) keys: &'e CoreJsonWebKeySet,
    pub(in crate::accounts::oidc) nonce: &'e Nonce,
    /// What came with it.
    pub(in crate::accounts::oidc) access: &'e AccessToken,
    pub(in crate::accounts::oidc) now: Timestamp,
}

/// A token that holds.
#[derive(Debug)]
pub(in crate::accounts::oidc) struct Verified {
    pub(in crate::accounts::oidc) subject: String,
    /// All that it says.
    pub(in crate::accounts::oidc) claims: Map<String, Value>,
}

/// Holds a token against what it must be.
///
/// # Errors
/// What is wrong with it; [`OidcFault::Key`] may be mended by fetching the keys anew.
pub(in crate::accounts::oidc) fn verified(
    token: &CoreIdToken,
    expected: &Expected<'_>,
) -> Result<Verified, OidcFault> {
    let now = expected.now.as_second();
    let earlier = DateTime::from_timestamp(now.saturating_sub(LEEWAY_S), 0).unwrap_or_default();
    let fresh = now.saturating_sub(FRESH_S)..=now.saturating_add(LEEWAY_S);
    let verifier = CoreIdTokenVerifier::new_public_client(
        expected.client_id.clone(),
        expected.issuer.clone(),
        expected.keys.clone(),
    )
    .set_allowed_algs(ALGORITHMS)
    .set_time_fn(move || earlier)
    .set_issue_time_verifier_fn(move |issued| {
        if fresh.contains(&issued.timestamp()) { Ok(()) } else { Err(String::new()) }
    });
    let claims = token.claims(&verifier, expected.nonce).map_err(|error| fault(&error))?;
    // A token that came with another access token is of another exchange.
    if let Some(hash) = claims.access_token_hash() {
        let algorithm = token.signing_alg().map_err(|_| OidcFault::Signature)?;
        let key = token.signing_key(&verifier).map_err(|_| OidcFault::Signature)?;
        let own = AccessTokenHash::from_token(expected.access, algorithm, key);
        if own.is_ok_and(|own| own != *hash) {
            return Err(OidcFault::Signature);
        }
    }
    let subject = claims.subject().as_str().to_owned();
    let claims = said(&token.to_string()).ok_or(OidcFault::Shape)?;
    Ok(Verified { subject, claims })
}

/// All claims of a token whose signature holds: hospitals name theirs as they like.
fn said(token: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

fn fault(error: &ClaimsVerificationError) -> OidcFault {
    match error {
        ClaimsVerificationError::Expired(_) => OidcFault::Time,
        ClaimsVerificationError::InvalidAudience(_) | ClaimsVerificationError::InvalidIssuer(_) => {
            OidcFault::Audience
        }
        ClaimsVerificationError::InvalidNonce(_) => OidcFault::Nonce,
        ClaimsVerificationError::SignatureVerification(
            SignatureVerificationError::NoMatchingKey,
        ) => OidcFault::Key,
        ClaimsVerificationError::SignatureVerification(_) => OidcFault::Signature,
        _ => OidcFault::Shape,
    }
}
