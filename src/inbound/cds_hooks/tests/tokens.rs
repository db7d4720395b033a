//! Tokens of clients: what is let in, and everything that is not.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair,
};
use serde_json::{Value, json};

use crate::inbound::cds_hooks::clients::{ClientConfig, Clients};
use crate::inbound::cds_hooks::fetch::{Fetch, FetchError};
use crate::inbound::cds_hooks::jwt::{Token, TokenFault};
use crate::inbound::cds_hooks::keys::KeysAt;
use crate::inbound::console::caller::Peer;

const NOW: i64 = 1_772_409_700;
const ISSUER: &str = "https://his.example";
const OWN: &str = "https://gate.example/cds-services";

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key pair of a client, made for this test.
struct Pair(EcdsaKeyPair, &'static str, &'static str);

impl Pair {
    fn new(algorithm: &'static EcdsaSigningAlgorithm, alg: &'static str) -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
        Self(pair, alg, if alg == "ES256" { "P-256" } else { "P-384" })
    }

    fn jwk(&self, kid: &str) -> Value {
        let (x, y) = self.0.public_key().as_ref()[1..]
            .split_at((self.0.public_key().as_ref().len() - 1) / 2);
        json!({ "kty": "EC", "crv": self.2, "kid": kid, "use": "sig", "x": base64url(x), "y": base64url(y) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64url(signature))
    }

    fn token(&self, kid: &str, claims: &Value) -> String {
        self.sign(&json!({ "alg": self.1, "typ": "JWT", "kid": kid }), claims)
    }
}

fn es256() -> Pair {
    Pair::new(&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256")
}

fn claims(jti: &str) -> Value {
    json!({ "iss": ISSUER, "aud": OWN, "iat": NOW - 5, "exp": NOW + 290, "jti": jti })
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// A key set at a URL, and how often it was fetched.
#[derive(Default)]
struct Served(Mutex<Option<Value>>, AtomicUsize);

impl Fetch for Served {
    fn fetch<'f>(
        &'f self,
        _: &'f str,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, FetchError>> + Send + 'f>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        let set = self.0.lock().unwrap().clone();
        Box::pin(async move { set.map(|set| set.to_string().into()).ok_or(FetchError::Slow) })
    }
}

fn clients(keys: KeysAt, fetch: Arc<dyn Fetch>) -> Clients {
    let client = ClientConfig { issuer: ISSUER.to_owned(), keys, audience: None };
    Clients::with(&[client], &fetch)
}

fn served(keys: &[Value]) -> (Clients, Arc<Served>) {
    let served = Arc::new(Served::default());
    *served.0.lock().unwrap() = Some(json!({ "keys": keys }));
    (clients(KeysAt::Url("https://his.example/jwks".to_owned()), served.clone()), served)
}

async fn caller(clients: &Clients, token: &str) -> Result<String, TokenFault> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    let peer = Peer("10.0.0.9:5000".parse().unwrap());
    clients.caller(&headers, peer, NOW, &[OWN.to_owned()]).await
}

#[tokio::test]
async fn tokens_of_every_algorithm_let_their_issuer_in_once() {
    let (p256, p384) = (es256(), Pair::new(&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384"));
    let rsa: Value = serde_json::from_str(include_str!("rsa.json")).unwrap();
    let keys = [p256.jwk("a"), p384.jwk("b"), rsa["keys"][0].clone()];
    let (clients, _) = served(&keys);
    let tokens = [
        p256.token("a", &claims("1")),
        p384.token("b", &claims("2")),
        rsa["RS256"].as_str().unwrap().to_owned(),
        rsa["RS384"].as_str().unwrap().to_owned(),
    ];
    for token in &tokens {
        assert_eq!(caller(&clients, token).await.as_deref(), Ok(ISSUER));
        assert_eq!(caller(&clients, token).await, Err(TokenFault::Replayed));
    }
}

#[tokio::test]
async fn what_does_not_hold_is_not_let_in() {
    let pair = es256();
    let (clients, _) = served(&[pair.jwk("a")]);
    let good = |jti: &str| claims(jti);
    let header = |alg: &str| json!({ "alg": alg, "kid": "a" });
    let cases = [
        (with(good("1"), "iss", json!("https://other.example")), TokenFault::Issuer),
        (with(good("2"), "aud", json!("https://other.example/cds-services")), TokenFault::Audience),
        (with(good("3"), "aud", json!([])), TokenFault::Audience),
        (with(good("4"), "exp", json!(NOW - 61)), TokenFault::Expired),
        (with(good("5"), "exp", json!(NOW + 3600)), TokenFault::LongLived),
        (with(good("6"), "iat", json!(NOW + 120)), TokenFault::Early),
        (with(good("7"), "nbf", json!(NOW + 120)), TokenFault::Early),
        (with(good("8"), "jti", json!("")), TokenFault::Shape),
        (with(good("9"), "jti", Value::Null), TokenFault::Shape),
        (with(good("10"), "exp", json!("soon")), TokenFault::Shape),
    ];
    for (claims, fault) in cases {
        assert_eq!(caller(&clients, &pair.token("a", &claims)).await, Err(fault), "{claims}");
    }
    assert_eq!(
        caller(&clients, &es256().token("a", &good("11"))).await,
        Err(TokenFault::Signature)
    );
    assert_eq!(caller(&clients, &pair.token("z", &good("12"))).await, Err(TokenFault::Key));
    for alg in ["none", "HS256", "ES512", "PS256", "es256", ""] {
        let token = pair.sign(&header(alg), &good("13"));
        assert_eq!(caller(&clients, &token).await, Err(TokenFault::Algorithm), "{alg}");
    }
    // A key is used only as what it is, whatever the token says.
    let token = pair.sign(&header("RS256"), &good("14"));
    assert_eq!(caller(&clients, &token).await, Err(TokenFault::Key));
    let critical = json!({ "alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false });
    let token = pair.sign(&critical, &good("15"));
    assert_eq!(caller(&clients, &token).await, Err(TokenFault::Shape));
    for broken in ["", "a", "a.b", "a.b.c", "....", &"x".repeat(9000)] {
        assert_eq!(caller(&clients, broken).await, Err(TokenFault::Shape), "{broken}");
    }
    // Good ones of the edge: some skew, a list of audiences, a slash at the end, fractions of a second.
    let good_ones = [
        with(good("20"), "exp", json!(NOW - 30)),
        with(good("21"), "iat", json!(NOW + 30)),
        with(good("22"), "aud", json!(["x", format!("{OWN}/")])),
        with(good("23"), "exp", json!(290.5 + 1_772_409_700.0)),
    ];
    for claims in good_ones {
        let token = pair.token("a", &claims);
        assert_eq!(caller(&clients, &token).await.as_deref(), Ok(ISSUER), "{claims}");
    }
}

#[tokio::test]
async fn a_byte_changed_anywhere_breaks_the_token() {
    let pair = es256();
    let (clients, _) = served(&[pair.jwk("a")]);
    let token = pair.token("a", &claims("1"));
    for at in (0..token.len()).step_by(7) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(caller(&clients, &changed).await.is_err(), "{at}");
    }
    assert!(caller(&clients, &token).await.is_ok());
}

#[tokio::test]
async fn a_key_named_by_the_token_itself_is_never_used() {
    let (own, foreign) = (es256(), es256());
    let (clients, served) = served(&[own.jwk("a")]);
    let header = json!({
        "alg": "ES256", "kid": "a", "jwk": foreign.jwk("a"), "jku": "https://evil.example/jwks",
    });
    let token = foreign.sign(&header, &claims("1"));
    assert_eq!(caller(&clients, &token).await, Err(TokenFault::Signature));
    assert_eq!(served.1.load(Ordering::SeqCst), 1, "the configured set, and nothing else");
}

#[tokio::test]
async fn fetched_keys_are_kept_and_a_stranger_cannot_make_the_gate_fetch_at_will() {
    let pair = es256();
    let (clients, served) = served(&[pair.jwk("a")]);
    for nth in 0..20 {
        let known = pair.token("a", &claims(&format!("k{nth}")));
        assert!(caller(&clients, &known).await.is_ok());
        let unknown = pair.token("z", &claims(&format!("u{nth}")));
        assert_eq!(caller(&clients, &unknown).await, Err(TokenFault::Key));
    }
    assert_eq!(served.1.load(Ordering::SeqCst), 1);
    // The set is gone: what is known stays in use.
    *served.0.lock().unwrap() = None;
    assert!(caller(&clients, &pair.token("a", &claims("later"))).await.is_ok());
}

#[tokio::test]
async fn a_set_that_cannot_be_had_lets_nobody_in() {
    let served = Arc::new(Served::default());
    let clients = clients(KeysAt::Url("https://his.example/jwks".to_owned()), served);
    let token = es256().token("a", &claims("1"));
    assert_eq!(caller(&clients, &token).await, Err(TokenFault::Key));
}

#[tokio::test]
async fn keys_in_a_file_are_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let (first, second) = (es256(), es256());
    let write = |pair: &Pair, kid: &str| {
        std::fs::write(&path, json!({ "keys": [pair.jwk(kid)] }).to_string()).unwrap();
    };
    write(&first, "a");
    let clients = clients(KeysAt::File(path.clone()), Arc::new(Served::default()));
    assert!(caller(&clients, &first.token("a", &claims("1"))).await.is_ok());
    write(&second, "bb");
    // Looked at once a second.
    let mut tries = 0;
    while caller(&clients, &second.token("bb", &claims(&format!("t{tries}")))).await.is_err() {
        tries += 1;
        assert!(tries < 600, "the new key never came into use");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(caller(&clients, &first.token("a", &claims("2"))).await, Err(TokenFault::Key));
    // A file that is broken for a moment locks nobody out.
    std::fs::write(&path, "{").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(caller(&clients, &second.token("bb", &claims("3"))).await.is_ok());
}

#[tokio::test]
async fn without_clients_only_this_machine_is_let_in() {
    let clients = Clients::with(&[], &(Arc::new(Served::default()) as Arc<dyn Fetch>));
    let from = async |address: &str| {
        let peer = Peer(address.parse().unwrap());
        clients.caller(&HeaderMap::new(), peer, NOW, &[]).await
    };
    assert_eq!(from("127.0.0.1:9").await.as_deref(), Ok("loopback"));
    assert_eq!(from("10.0.0.9:9").await, Err(TokenFault::Missing));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_reading_a_token_panic(text in "[A-Za-z0-9_.={}\"-]{0,200}") {
        let _ = Token::read(&text);
        let _ = Token::read(&format!("{}.{}.{text}", base64url(&text), base64url(r#"{"iss":"x"}"#)));
    }
}
