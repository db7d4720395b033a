//! From where a request comes, and what it shows to be let in.

use std::net::SocketAddr;

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HeaderName};

/// The other end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What is spoken on the connection: `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme(pub &'static str);

/// Headers by which a proxy says that it speaks for somebody else.
const FORWARDED: [HeaderName; 2] =
    [HeaderName::from_static("forwarded"), HeaderName::from_static("x-forwarded-for")];

impl Peer {
    /// Whether the request comes from this machine itself, and not through a proxy on it.
    pub fn is_local(self, headers: &HeaderMap) -> bool {
        self.0.ip().to_canonical().is_loopback()
            && !FORWARDED.iter().any(|name| headers.contains_key(name))
    }
}

/// The bearer token, where exactly one is shown.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut shown = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (shown.next(), shown.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether two secrets are the same, in a time that does not tell how much of them is.
pub fn same_secret(one: &[u8], other: &[u8]) -> bool {
    let differ = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(differ) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_token_is_shown_once_and_as_a_bearer_token() {
        let shown = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(shown(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(shown(&["bearer  abc "]).as_deref(), Some("abc"));
        for values in [&["Basic abc"][..], &["Bearer"], &[], &["Bearer a", "Bearer b"]] {
            assert_eq!(shown(values), None, "{values:?}");
        }
        assert!(same_secret(b"abc", b"abc") && !same_secret(b"abc", b"abd"));
        assert!(!same_secret(b"abc", b"abcd") && !same_secret(b"", b"a"));
    }

    #[test]
    fn only_this_machine_itself_is_local() {
        let local = |address: &str, proxied: bool| {
            let mut headers = HeaderMap::new();
            if proxied {
                headers.insert("x-forwarded-for", HeaderValue::from_static("10.0.0.9"));
            }
            Peer(address.parse().unwrap()).is_local(&headers)
        };
        assert!(local("127.0.0.1:9", false) && local("[::1]:9", false));
        assert!(local("[::ffff:127.0.0.1]:9", false));
        assert!(!local("127.0.0.1:9", true) && !local("10.0.0.9:9", false));
    }
}
