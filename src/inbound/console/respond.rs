//! Status codes and bodies of the console port.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;

use crate::inbound::console::configured::Refused;

/// The process runs.
pub(super) fn alive() -> Response {
    text(StatusCode::OK, "text/plain; charset=utf-8", "alive\n".to_owned())
}

/// 200 only when every check holds; the body lists each. A configuration that is not in force is told, too: the gate
/// works by the former one.
pub(super) fn ready(checks: &[(String, bool)], refused: Option<&Refused>) -> Response {
    let all = checks.iter().all(|(_, good)| *good);
    let status = if all { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let line = |(name, good): &(String, bool)| {
        format!("{name}: {}\n", if *good { "ready" } else { "not ready" })
    };
    let mut body: String = checks.iter().map(line).collect();
    if let Some(Refused { faults, place, .. }) = refused {
        body.push_str(&format!(
            "configuration: edited and refused ({faults} fault(s), first at {place}, see the log), the former one is in force\n"
        ));
    }
    text(status, "text/plain; charset=utf-8", body)
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
