//! Status codes and bodies of the decision API: JSON, and problems (RFC 9457).

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use crate::inbound::console::bounds::Excess;

/// How soon a caller may try again.
const AGAIN_AFTER_S: &str = "5";

/// 200.
pub(super) fn good(body: &impl Serialize) -> Response {
    json_body(StatusCode::OK, "application/json", serde_json::to_vec(body).unwrap_or_default())
}

/// 200, text that is JSON already.
pub(super) fn document(text: String) -> Response {
    json_body(StatusCode::OK, "application/json", text.into_bytes())
}

/// 400.
pub(super) fn malformed(what: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "The request cannot be understood", what)
}

/// 401.
pub(super) fn unauthorised() -> Response {
    let what = "show the bearer token of `[decision_api] token_file`; without one only callers on this \
                machine are answered";
    let mut response = problem(StatusCode::UNAUTHORIZED, "The caller is not known", what);
    let scheme = HeaderValue::from_static("Bearer realm=\"orgate\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

/// 403.
pub(super) fn foreign_page() -> Response {
    let what = "web pages may not ask here";
    problem(StatusCode::FORBIDDEN, "A page of another origin", what)
}

/// 404.
pub(super) fn no_route() -> Response {
    let what = "no route of this name takes messages in this form";
    problem(StatusCode::NOT_FOUND, "No such route", what)
}

/// 415.
pub(super) fn unknown_form(what: &str) -> Response {
    problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "A form that is not understood", what)
}

/// 408, 413 or 503.
pub(super) fn excess(excess: Excess) -> Response {
    match excess {
        Excess::Busy => unavailable("too many inquiries at once, try again"),
        Excess::TooLong => {
            problem(StatusCode::PAYLOAD_TOO_LARGE, "The body is too long", "at most 1 MiB")
        }
        Excess::Broken => {
            let what = "it did not come whole in time";
            problem(StatusCode::REQUEST_TIMEOUT, "The body is not whole", what)
        }
    }
}

/// 503: not recorded, or not in time.
pub(super) fn unavailable(why: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "No answer at present", why);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER_S));
    response
}

fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let number = status.as_u16();
    let body = json!({ "type": "about:blank", "title": title, "status": number, "detail": detail });
    json_body(status, "application/problem+json", body.to_string().into_bytes())
}

fn json_body(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
