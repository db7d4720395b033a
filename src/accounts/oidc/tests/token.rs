//! Which ID tokens hold: made by a signer of our own, right in all and then wrong in one thing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::core::{CoreIdToken, CoreJsonWebKeySet};
use openidconnect::{AccessToken, ClientId, IssuerUrl, Nonce};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::accounts::oidc::OidcFault;
use crate::accounts::oidc::token::{Expected, Verified, verified};
use crate::accounts::tests::at;

const ISSUER: &str = "https://id.example";

struct Signer {
    pair: EcdsaKeyPair,
    random: SystemRandom,
    kid: &'static str,
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        let (random, way) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(way, key.as_ref(), &random).unwrap();
        Self { pair, random, kid }
    }

    fn published(&self) -> CoreJsonWebKeySet {
        let point = self.pair.public_key().as_ref();
        let part = |from, to| URL_SAFE_NO_PAD.encode(&point[from..to]);
        let key = json!({ "kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig",
            "alg": "ES256", "x": part(1, 33), "y": part(33, 65) });
        serde_json::from_value(json!({ "keys": [key] })).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let signed = unsigned(&json!({ "alg": "ES256", "kid": self.kid, "typ": "JWT" }), claims);
        let signature = self.pair.sign(&self.random, signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn good() -> Value {
    let now = at(0).as_second();
    json!({ "iss": ISSUER, "aud": "orgate", "sub": "s-1", "iat": now, "exp": now + 300,
        "nonce": "n-1", "groups": ["yiwuke"], "name": "张样例", "preferred_username": "zhang" })
}

fn with(name: &str, value: impl Into<Value>) -> Value {
    let mut claims = good();
    claims[name] = value.into();
    claims
}

fn without(name: &str) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn hold(token: &str, keys: &CoreJsonWebKeySet) -> Result<Verified, OidcFault> {
    let token: CoreIdToken = serde_json::from_value(token.into()).map_err(|_| OidcFault::Shape)?;
    verified(
        &token,
        &Expected {
            issuer: &IssuerUrl::new(ISSUER.to_owned()).unwrap(),
            client_id: &ClientId::new("orgate".to_owned()),
            keys,
            nonce: &Nonce::new("n-1".to_owned()),
            access: &AccessToken::new("access-1".to_owned()),
            now: at(0),
        },
    )
}

#[test]
fn a_token_of_this_login_holds_and_all_its_claims_are_read() {
    let signer = Signer::new("k1");
    let held = hold(&signer.sign(&good()), &signer.published()).unwrap();
    assert_eq!(held.subject, "s-1");
    assert_eq!(
        (&held.claims["groups"][0], &held.claims["name"]),
        (&"yiwuke".into(), &"张样例".into())
    );
}

#[test]
fn a_token_that_is_wrong_in_one_thing_does_not_hold() {
    let signer = Signer::new("k1");
    let keys = signer.published();
    let now = at(0).as_second();
    let cases = [
        (with("nonce", "n-2"), OidcFault::Nonce),
        (without("nonce"), OidcFault::Nonce),
        (with("iss", "https://id.example.evil"), OidcFault::Audience),
        (with("aud", "another"), OidcFault::Audience),
        (with("aud", json!(["orgate", "another"])), OidcFault::Audience),
        (with("exp", now - 60), OidcFault::Time),
        (with("exp", now - 3600), OidcFault::Time),
        (with("iat", now + 61), OidcFault::Time),
        (with("iat", now - 601), OidcFault::Time),
    ];
    for (claims, fault) in cases {
        assert_eq!(hold(&signer.sign(&claims), &keys).unwrap_err(), fault, "{claims}");
    }
    for name in ["iss", "aud", "sub", "exp", "iat"] {
        assert!(hold(&signer.sign(&without(name)), &keys).is_err(), "without {name}");
    }
    // Clocks that differ by less than a minute do no harm.
    for claims in [with("exp", now - 59), with("iat", now + 60)] {
        assert!(hold(&signer.sign(&claims), &keys).is_ok(), "{claims}");
    }
}

#[test]
fn a_forged_token_does_not_hold() {
    let signer = Signer::new("k1");
    let keys = signer.published();
    // By a key that says it is the published one, and by one that is not published.
    assert_eq!(hold(&Signer::new("k1").sign(&good()), &keys).unwrap_err(), OidcFault::Signature);
    assert_eq!(hold(&Signer::new("k2").sign(&good()), &keys).unwrap_err(), OidcFault::Key);
    // Claims of one under the signature of another.
    let (own, other) = (signer.sign(&good()), signer.sign(&with("sub", "s-2")));
    let (parts, others): (Vec<&str>, Vec<&str>) =
        (own.split('.').collect(), other.split('.').collect());
    let mixed = [parts[0], others[1], parts[2]].join(".");
    assert_eq!(hold(&mixed, &keys).unwrap_err(), OidcFault::Signature);
    // Unsigned, and signed with what whoever reads the public keys or the client's secret could sign with.
    let none = format!("{}.", unsigned(&json!({ "alg": "none" }), &good()));
    assert!(hold(&none, &keys).is_err());
    let by_secret = unsigned(&json!({ "alg": "HS256" }), &good());
    for secret in ["the-client-secret", "orgate"] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&key, by_secret.as_bytes()).as_ref());
        let forged = hold(&format!("{by_secret}.{tag}"), &keys).unwrap_err();
        assert_eq!(forged, OidcFault::Signature);
    }
    for text in ["", "a.b", "a.b.c", "....", &own.replace('.', "")] {
        assert_eq!(hold(text, &keys).unwrap_err(), OidcFault::Shape, "{text}");
    }
}

#[test]
fn a_token_that_came_with_another_access_token_does_not_hold() {
    let signer = Signer::new("k1");
    let hash =
        |access: &str| URL_SAFE_NO_PAD.encode(&digest(&SHA256, access.as_bytes()).as_ref()[..16]);
    let keys = signer.published();
    assert!(hold(&signer.sign(&with("at_hash", hash("access-1"))), &keys).is_ok());
    let other = hold(&signer.sign(&with("at_hash", hash("access-2"))), &keys);
    assert_eq!(other.unwrap_err(), OidcFault::Signature);
}
