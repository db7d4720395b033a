//! Which clients may ask: the allow-list of issuers with their keys, and the tokens that were used.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use ring::digest::{SHA256, digest};

use crate::inbound::cds_hooks::fetch::{Fetch, Network};
use crate::inbound::cds_hooks::jwt::{LIFE_S, SKEW_S, Token, TokenFault};
use crate::inbound::cds_hooks::keys::{KeyRing, KeysAt};
use crate::inbound::console::caller::{Peer, bearer};

/// How many used tokens are remembered: ten minutes at three hundred a second, some 20 MB.
const USED_MAX: u64 = 200_000;

/// One client, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// `iss` of its tokens.
    pub issuer: String,
    /// Where its public keys are.
    pub keys: KeysAt,
    /// `aud` of its tokens, instead of the services' own URLs.
    pub audience: Option<String>,
}

struct Client {
    issuer: String,
    audience: Option<String>,
    keys: KeyRing,
}

/// All clients.
pub(super) struct Clients {
    clients: Vec<Client>,
    used: Cache<[u8; 32], ()>,
}

impl Clients {
    pub(super) fn new(configured: &[ClientConfig]) -> Self {
        Self::with(configured, &(Arc::new(Network) as Arc<dyn Fetch>))
    }

    pub(super) fn with(configured: &[ClientConfig], fetch: &Arc<dyn Fetch>) -> Self {
        let client = |configured: &ClientConfig| Client {
            issuer: configured.issuer.clone(),
            audience: configured.audience.clone(),
            keys: KeyRing::new(configured.keys.clone(), Arc::clone(fetch)),
        };
        let life = u64::try_from(LIFE_S + 3 * SKEW_S).unwrap_or_default();
        Self {
            clients: configured.iter().map(client).collect(),
            // The oldest goes first: a token that is new must never be the one that is forgotten.
            used: Cache::builder()
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(USED_MAX)
                .time_to_live(Duration::from_secs(life))
                .build(),
        }
    }

    /// Who asks: the issuer of a token that holds at `now` (seconds), or, where no client is configured, this machine
    /// itself.
    ///
    /// # Errors
    /// Why the caller is not let in.
    pub(super) async fn caller(
        &self,
        headers: &HeaderMap,
        peer: Peer,
        now: i64,
        own_urls: &[String],
    ) -> Result<String, TokenFault> {
        if self.clients.is_empty() {
            let local = peer.is_local(headers);
            return if local { Ok("loopback".to_owned()) } else { Err(TokenFault::Missing) };
        }
        let token = Token::read(bearer(headers).ok_or(TokenFault::Missing)?)?;
        let client = self.clients.iter().find(|client| client.issuer == token.issuer());
        let client = client.ok_or(TokenFault::Issuer)?;
        let key = client.keys.key(token.key_id(), token.algorithm()).await;
        let audience = client.audience.as_slice();
        let audiences = if audience.is_empty() { own_urls } else { audience };
        let claims = token.verified(&key.ok_or(TokenFault::Key)?, now, audiences)?;
        let mut name = claims.iss.clone().into_bytes();
        name.push(0);
        name.extend_from_slice(claims.jti.as_bytes());
        let mut nonce = [0; 32];
        nonce.copy_from_slice(digest(&SHA256, &name).as_ref());
        if self.used.entry(nonce).or_insert(()).is_fresh() {
            Ok(claims.iss)
        } else {
            Err(TokenFault::Replayed)
        }
    }
}
