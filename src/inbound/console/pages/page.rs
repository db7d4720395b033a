//! Responses: HTML, redirects, and the headers that keep both to themselves.

use askama::Template;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;

use crate::inbound::console::pages::words::Lang;

/// Only what this gate itself serves: no other host, no script or style inside a page, no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const CSS: &str = "text/css; charset=utf-8";

/// What every page shows around its own.
pub(super) struct Frame {
    /// Which page, for the menu.
    pub(super) at: &'static str,
    /// Who is in.
    pub(super) who: String,
    /// The word that forms carry.
    pub(super) word: String,
    /// Override files that wait, if the account sees them.
    pub(super) waiting: Option<u64>,
    /// Whether verdicts and figures are for this account.
    pub(super) sees: bool,
    /// Whether routes, feeds and ledger are.
    pub(super) operates: bool,
    /// Whether accounts are.
    pub(super) keeps: bool,
    /// Whether there is a password to be changed here.
    pub(super) local: bool,
}

/// A plain message to a person.
#[derive(Template)]
#[template(path = "inbound/console/pages/message.html")]
struct Message<'m> {
    lang: Lang,
    title: &'m str,
    text: &'m str,
}

fn headers(response: &mut Response, kind: &'static str) {
    let fixed: [(HeaderName, &'static str); 5] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (CONTENT_TYPE, kind),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A page.
pub(super) fn html(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => text_response(status, text),
        // A template that cannot be filled is a fault of the program: say so, and nothing of what it held.
        Err(_) => text_response(StatusCode::INTERNAL_SERVER_ERROR, "internal fault\n".to_owned()),
    }
}

fn text_response(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    headers(&mut response, "text/html; charset=utf-8");
    response
}

/// A message in place of a page.
pub(super) fn message(status: StatusCode, lang: Lang, zh: &str, en: &str) -> Response {
    let title = status.canonical_reason().unwrap_or("orgate");
    html(status, &Message { lang, title, text: lang.say(zh, en) })
}

/// Asks the browser to go on elsewhere; always a path of this gate.
pub(super) fn go(path: &str) -> Response {
    see_other(path)
}

/// Asks the browser to go to the identity provider; the address is made of its own discovery.
pub(super) fn away(url: &str) -> Response {
    see_other(url)
}

fn see_other(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    headers(&mut response, "text/plain; charset=utf-8");
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(LOCATION, to);
    }
    response
}

/// Sets a cookie.
pub(super) fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The value of a cookie.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let sent = headers.get_all(axum::http::header::COOKIE).iter();
    let pairs = sent.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    let mut pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| *own == name).map(|(_, value)| value)
}

/// The style sheets and the one script, by their names.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let (text, kind) = match name.as_str() {
        "console.css" => (include_str!("console.css"), CSS),
        "records.css" => (include_str!("register/records.css"), CSS),
        "figures.css" => (include_str!("figures.css"), CSS),
        "console.js" => (include_str!("console.js"), "text/javascript; charset=utf-8"),
        _ => return empty(StatusCode::NOT_FOUND),
    };
    let mut response = Response::new(Body::from(text));
    let kept = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(CACHE_CONTROL, kept);
    headers(&mut response, kind);
    response
}

/// Browsers ask for it without being told to.
pub(super) async fn no_icon() -> Response {
    empty(StatusCode::NO_CONTENT)
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    headers(&mut response, "text/plain; charset=utf-8");
    response
}
