//! Which web pages may call from a browser: those of the configured origins, and nobody else's.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue};

/// What a request says of the page it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// No browser, or a page of the same origin that reads.
    None,
    /// A page of a configured origin.
    Allowed(HeaderValue),
    /// Any other page: its scripts get no answer, and its posts are not taken, since a browser sends them before it
    /// asks.
    Foreign,
}

impl Page {
    pub(super) fn of(headers: &HeaderMap, origins: &[String]) -> Self {
        match headers.get(ORIGIN) {
            None => Self::None,
            Some(origin) if origins.iter().any(|own| own.as_bytes() == origin.as_bytes()) => {
                Self::Allowed(origin.clone())
            }
            Some(_) => Self::Foreign,
        }
    }

    /// Lets a page of a configured origin read the answer.
    pub(super) fn open(&self, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Self::Allowed(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            let exposed = HeaderValue::from_static("Content-Language, Retry-After");
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }

    /// What it may send, for a preflight.
    pub(super) fn open_preflight(&self, headers: &mut HeaderMap) {
        self.open(headers);
        if matches!(self, Self::Allowed(_)) {
            let own = [
                (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
                (ACCESS_CONTROL_ALLOW_HEADERS, "Authorization, Content-Type, Accept-Language"),
                (ACCESS_CONTROL_MAX_AGE, "600"),
            ];
            for (name, value) in own {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
    }
}
