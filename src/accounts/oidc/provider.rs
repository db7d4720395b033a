//! The provider: found by discovery, its keys kept for a while, codes exchanged for who somebody is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreProviderMetadata,
};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SubjectIdentifier,
    TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::accounts::oidc::OidcFault;
use crate::accounts::oidc::begun::Begun;
use crate::accounts::oidc::person::{Person, complete};
use crate::accounts::oidc::settings::Settings;
use crate::accounts::oidc::token::{Expected, verified};
use crate::accounts::oidc::transport::Transport;
use crate::clock::{Clock, monotonic};
use crate::net::client::ClientError;

/// How long what discovery found is used without asking again.
const FRESH: Duration = Duration::from_secs(3600);
/// And while the provider does not tell it again; keys that it has withdrawn must end some time.
const USABLE: Duration = Duration::from_secs(24 * 3600);
/// How soon a provider that did not answer is asked again: a page is not kept waiting by each.
const AGAIN: Duration = Duration::from_secs(3);
/// Logins in hand; they wait for another system, and keep no place of the pages.
const AT_ONCE: usize = 16;
/// How long a login may take in all once the person is back.
const WITHIN: Duration = Duration::from_secs(15);
/// No code is longer.
const CODE_BYTES_MAX: usize = 4096;

/// A client that discovery has told where to ask.
type Known = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What discovery found, and when.
#[derive(Default)]
struct Found {
    metadata: Option<(Arc<CoreProviderMetadata>, Instant)>,
    failed: Option<Instant>,
}

/// The hospital's identity provider.
pub struct Oidc {
    settings: Settings,
    transport: Transport,
    clock: Clock,
    found: Mutex<Found>,
    places: Semaphore,
}

/// Claims that are of no standard.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Further {
    #[serde(flatten)]
    claims: Map<String, Value>,
}

impl AdditionalClaims for Further {}

impl Oidc {
    /// Asks nobody yet. Must be called within a runtime.
    ///
    /// # Errors
    /// The authority's file cannot be used, or TLS not be set up.
    pub fn new(settings: Settings, clock: Clock) -> Result<Self, ClientError> {
        let transport = Transport::new(&settings)?;
        let places = Semaphore::new(AT_ONCE);
        Ok(Self { settings, transport, clock, found: Mutex::default(), places })
    }

    /// What stands on the button.
    pub fn label(&self) -> &str {
        &self.settings.label
    }

    /// Whether it tells departments; else they are kept here.
    pub fn tells_departments(&self) -> bool {
        self.settings.claims.departments.is_some()
    }

    /// A login begun now.
    pub fn begun(&self) -> Option<Begun> {
        Begun::new(self.clock.now()).ok()
    }

    /// The login of a cookie.
    pub fn sent(&self, cookie: &str) -> Option<Begun> {
        Begun::sent(cookie, self.clock.now())
    }

    /// Where the browser goes to.
    ///
    /// # Errors
    /// The provider cannot be asked.
    pub async fn begin(&self, begun: &Begun) -> Result<String, OidcFault> {
        let _place = self.places.try_acquire().map_err(|_| OidcFault::Busy)?;
        let metadata = self.metadata(false).await?;
        let client = self.client(&metadata, None)?;
        let verifier = PkceCodeVerifier::new(begun.verifier());
        let (state, nonce) = (begun.state(), begun.nonce());
        let scopes = self.settings.scopes.iter().cloned().map(Scope::new);
        let (url, ..) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scopes(scopes)
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(url.into())
    }

    /// Who came back. `issuer` is who says that it sends the code (RFC 9207), where it does.
    ///
    /// # Errors
    /// Nobody is known by this answer.
    pub async fn finish(
        &self,
        begun: &Begun,
        code: &str,
        issuer: Option<&str>,
    ) -> Result<Person, OidcFault> {
        if issuer.is_some_and(|issuer| issuer != self.settings.issuer) {
            return Err(OidcFault::State);
        }
        if code.is_empty() || code.len() > CODE_BYTES_MAX {
            return Err(OidcFault::Code);
        }
        let _place = self.places.try_acquire().map_err(|_| OidcFault::Busy)?;
        let exchanged = timeout(WITHIN, self.exchange(begun, code.to_owned())).await;
        exchanged.unwrap_or(Err(OidcFault::Provider))
    }

    async fn exchange(&self, begun: &Begun, code: String) -> Result<Person, OidcFault> {
        let metadata = self.metadata(false).await?;
        let client = self.client(&metadata, self.secret().await?)?;
        let asked = client.exchange_code(AuthorizationCode::new(code));
        let asked = asked.map_err(|_| OidcFault::Provider)?;
        let asked = asked.set_pkce_verifier(PkceCodeVerifier::new(begun.verifier()));
        let tokens = asked.request_async(&self.transport).await.map_err(|error| match error {
            RequestTokenError::ServerResponse(_) => OidcFault::Code,
            RequestTokenError::Parse(..) => OidcFault::Shape,
            RequestTokenError::Request(_) | RequestTokenError::Other(_) => OidcFault::Provider,
        })?;
        let token = tokens.id_token().ok_or(OidcFault::Shape)?;
        let nonce = Nonce::new(begun.nonce());
        let hold = |metadata: &CoreProviderMetadata| {
            let expected = Expected {
                issuer: metadata.issuer(),
                client_id: client.client_id(),
                keys: metadata.jwks(),
                nonce: &nonce,
                access: tokens.access_token(),
                now: self.clock.now(),
            };
            verified(token, &expected)
        };
        let held = match hold(&metadata) {
            // The key may be new. Only the provider itself can bring us here: the token came from it just now.
            Err(OidcFault::Key) => hold(&*self.metadata(true).await?),
            held => held,
        }?;
        let mut claims = held.claims;
        if !complete(&self.settings, &claims) && client.user_info_url().is_some() {
            let more = self.more(&client, tokens.access_token(), &held.subject).await?;
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(Person::of(&self.settings, &held.subject, &claims))
    }

    /// What the provider says of the same person besides.
    async fn more(
        &self,
        client: &Known,
        access: &AccessToken,
        subject: &str,
    ) -> Result<Map<String, Value>, OidcFault> {
        let subject = SubjectIdentifier::new(subject.to_owned());
        let asked = client.user_info(access.clone(), Some(subject));
        let asked = asked.map_err(|_| OidcFault::Provider)?;
        let said: UserInfoClaims<Further, CoreGenderClaim> =
            asked.request_async(&self.transport).await.map_err(|_| OidcFault::Provider)?;
        match serde_json::to_value(&said) {
            Ok(Value::Object(claims)) => Ok(claims),
            Ok(_) | Err(_) => Err(OidcFault::Provider),
        }
    }

    fn client(
        &self,
        metadata: &CoreProviderMetadata,
        secret: Option<ClientSecret>,
    ) -> Result<Known, OidcFault> {
        let redirect = RedirectUrl::new(self.settings.redirect.clone());
        let redirect = redirect.map_err(|_| OidcFault::Provider)?;
        let id = ClientId::new(self.settings.client_id.clone());
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret);
        let client = client.set_redirect_uri(redirect);
        let knows = |method| {
            let methods = metadata.token_endpoint_auth_methods_supported();
            methods.is_none_or(|methods| methods.contains(&method))
        };
        let in_body = !knows(CoreClientAuthMethod::ClientSecretBasic)
            && knows(CoreClientAuthMethod::ClientSecretPost);
        Ok(if in_body { client.set_auth_type(AuthType::RequestBody) } else { client })
    }

    async fn secret(&self) -> Result<Option<ClientSecret>, OidcFault> {
        let Some(file) = &self.settings.secret_file else { return Ok(None) };
        let text = tokio::fs::read_to_string(file).await.map_err(|_| OidcFault::Secret)?;
        let secret = text.trim_end_matches(['\r', '\n']).to_owned();
        if secret.is_empty() { Err(OidcFault::Secret) } else { Ok(Some(ClientSecret::new(secret))) }
    }

    /// Where the provider's doors are, and its keys. `anew`: what is known does not do.
    async fn metadata(&self, anew: bool) -> Result<Arc<CoreProviderMetadata>, OidcFault> {
        let mut found = self.found.lock().await;
        let within = |at: Instant, time| monotonic().saturating_duration_since(at) < time;
        let known = found.metadata.as_ref().filter(|(_, at)| within(*at, USABLE));
        let known = known.map(|(metadata, at)| (Arc::clone(metadata), within(*at, FRESH)));
        if let Some((metadata, true)) = &known
            && !anew
        {
            return Ok(Arc::clone(metadata));
        }
        let old = known.map(|(metadata, _)| metadata).filter(|_| !anew);
        if found.failed.is_some_and(|at| within(at, AGAIN)) {
            return old.ok_or(OidcFault::Provider);
        }
        let issuer = IssuerUrl::new(self.settings.issuer.clone());
        let issuer = issuer.map_err(|_| OidcFault::Provider)?;
        match CoreProviderMetadata::discover_async(issuer, &self.transport).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *found =
                    Found { metadata: Some((Arc::clone(&metadata), monotonic())), failed: None };
                Ok(metadata)
            }
            Err(_) => {
                found.failed = Some(monotonic());
                old.ok_or(OidcFault::Provider)
            }
        }
    }
}
