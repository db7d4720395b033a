//! Another system answers for the person: OpenID Connect, the authorization code flow with PKCE.
//!
//! Reading order: `settings` (what the hospital writes) · `begun` (what binds a login to the browser that began it) ·
//! `person` (claims → who it is and what they may do; pure) · `token` (what an ID token must be; pure) · `transport`
//! (requests over our own HTTP client) · `provider` (discovery, keys, the exchange).
//!
//! The provider says who somebody is and in which groups; which roles these are, the configuration says. A provider
//! that is down, slow or wrong costs those logins only: local accounts have nothing to do with it.

mod begun;
mod person;
mod provider;
mod settings;
mod token;
mod transport;

#[cfg(test)]
mod tests;

pub use crate::accounts::oidc::begun::Begun;
pub use crate::accounts::oidc::person::Person;
pub use crate::accounts::oidc::provider::Oidc;
pub use crate::accounts::oidc::settings::{Claims, Settings};

/// Why a login by the provider comes to nothing before it is known whose it would be. Told to them: that it failed,
/// and whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OidcFault {
    /// It cannot be asked, or does not answer as such a system must.
    #[error("the identity provider cannot be reached, or does not answer as it must")]
    Provider,
    /// The client's secret cannot be read from its file.
    #[error("the client's secret cannot be read")]
    Secret,
    /// Too many logins are in hand.
    #[error("too many logins at once")]
    Busy,
    /// The answer is not to a login that this browser began within the last minutes.
    #[error("the answer is not to a login that this browser began")]
    State,
    /// The provider says that the person is not let in.
    #[error("the identity provider has refused")]
    Declined,
    /// The code was used before, is too old, or of another login.
    #[error("the code is not accepted by the identity provider")]
    Code,
    /// No ID token, or none that can be read.
    #[error("no readable ID token")]
    Shape,
    /// Signed by a key that the provider does not publish.
    #[error("the ID token is signed by a key that is not published")]
    Key,
    /// Unsigned, wrongly signed, or by a kind of signature that is not accepted.
    #[error("the signature of the ID token does not fit")]
    Signature,
    /// Of another issuer, or meant for another program.
    #[error("the ID token is of another issuer or for another client")]
    Audience,
    /// Expired, or not issued just now.
    #[error("the ID token has expired, or is not issued just now; compare the clocks")]
    Time,
    /// Of another login.
    #[error("the ID token is of another login")]
    Nonce,
}

impl OidcFault {
    /// A stable word for the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Secret => "secret",
            Self::Busy => "busy",
            Self::State => "state",
            Self::Declined => "declined",
            Self::Code => "code",
            Self::Shape => "token-shape",
            Self::Key => "token-key",
            Self::Signature => "token-signature",
            Self::Audience => "token-audience",
            Self::Time => "token-time",
            Self::Nonce => "token-nonce",
        }
    }
}
