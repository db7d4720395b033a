//! Status codes and bodies of the console port.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

/// The process runs.
pub(super) fn alive() -> Response {
    text(StatusCode::OK, "text/plain; charset=utf-8", "alive\n".to_owned())
}

/// 200 only when every check holds; the body lists each.
pub(super) fn ready(checks: &[(String, bool)]) -> Response {
    let all = checks.iter().all(|(_, good)| *good);
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let line = |(name, good): &(String, bool)| {
        format!("{name}: {}\n", if *good { "ready" } else { "not ready" })
    };
    text(status, "text/plain; charset=utf-8", checks.iter().map(line).collect())
}

/// The Prometheus text format, version 0.0.4.
pub(super) fn metrics(rendered: String) -> Response {
    text(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", rendered)
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
