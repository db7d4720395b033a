//! Status codes and bodies of CDS Hooks: cards, and OperationOutcomes for what cannot be answered.

use axum::body::Body;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use orgate_fhir_sdk::outcome::{Issue, Kind, Severity, outcome};
use serde_json::{Value, json};

use crate::inbound::cds_hooks::cards::Card;
use crate::inbound::cds_hooks::jwt::TokenFault;
use crate::inbound::cds_hooks::language::Language;
use crate::inbound::cds_hooks::request::CallFault;
use crate::inbound::console::bounds::Excess;
use crate::mapping::Unreadable;

/// How soon a client may try again.
const AGAIN_AFTER_S: &str = "5";

pub(super) fn discovery(document: &Value) -> Response {
    json_body(StatusCode::OK, document)
}

pub(super) fn cards(cards: &[Card], language: Language) -> Response {
    let mut response = json_body(StatusCode::OK, &json!({ "cards": cards }));
    let tag = HeaderValue::from_static(language.tag());
    response.headers_mut().insert(CONTENT_LANGUAGE, tag);
    response
}

pub(super) fn feedback_taken() -> Response {
    json_body(StatusCode::OK, &json!({}))
}

/// 204 for a preflight, 403 for one of a foreign page.
pub(super) fn preflight(allowed: bool) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = if allowed { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN };
    response
}

/// 404.
pub(super) fn unknown_service() -> Response {
    let zh = "没有这个服务，请用 GET /cds-services 查询。";
    let en = "no such service, see GET /cds-services";
    refused(StatusCode::NOT_FOUND, Kind::NotFound, zh, en.to_owned())
}

/// 401: the caller is not known; why stands in the log, and not in the answer.
pub(super) fn unauthorised(fault: TokenFault) -> Response {
    let en = format!("the caller is not known: {fault}");
    let zh = "调用方身份未通过核验。";
    let mut response = refused(StatusCode::UNAUTHORIZED, Kind::Security, zh, en);
    let scheme = HeaderValue::from_static("Bearer realm=\"orgate\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

/// 403: a page of a foreign origin.
pub(super) fn foreign_origin() -> Response {
    let en = "the page's origin is not among `[cds_hooks] origins`".to_owned();
    refused(StatusCode::FORBIDDEN, Kind::Security, "该网页来源未获允许。", en)
}

/// 415.
pub(super) fn not_json() -> Response {
    let en = "send application/json".to_owned();
    let zh = "请以 application/json 发送。";
    refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, Kind::NotSupported, zh, en)
}

/// 400, 408, 413 or 503.
pub(super) fn excess(excess: Excess) -> Response {
    match excess {
        Excess::Busy => unavailable("too many inquiries at once, try again"),
        Excess::TooLong => {
            let en = "the body is longer than 1 MiB".to_owned();
            refused(StatusCode::PAYLOAD_TOO_LARGE, Kind::TooLong, "请求内容过长。", en)
        }
        Excess::Broken => {
            let en = "the body did not come whole".to_owned();
            refused(StatusCode::REQUEST_TIMEOUT, Kind::Structure, "请求内容不完整。", en)
        }
    }
}

/// 503: not recorded, or not in time; the screen goes on without cards.
pub(super) fn unavailable(why: &str) -> Response {
    let zh = "暂时无法核查，请稍后重试。";
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = refused(status, Kind::Transient, zh, why.to_owned());
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(AGAIN_AFTER_S));
    response
}

/// 400, 404 or 412: a call that is not understood.
pub(super) fn not_understood(fault: CallFault) -> Response {
    match fault {
        CallFault::Shape(what) => malformed(what),
        CallFault::UnknownHook => unknown_service(),
        CallFault::TooMany => malformed("more than 100 orders in one call"),
        CallFault::Missing(what) => {
            let en = format!("`context.{what}` is missing, or no Bundle or list of resources");
            let zh = format!("缺少 {what}，无法核查。");
            refused(StatusCode::PRECONDITION_FAILED, Kind::Required, &zh, en)
        }
    }
}

/// 400.
pub(super) fn malformed(what: &str) -> Response {
    let zh = "请求格式不正确。";
    refused(StatusCode::BAD_REQUEST, Kind::Structure, zh, what.to_owned())
}

/// 404: feedback on what cannot be attested (any more).
pub(super) fn not_attestable(why: &str) -> Response {
    let zh = "该卡片已失效或不能以此理由继续，请重新签署。";
    refused(StatusCode::NOT_FOUND, Kind::NotFound, zh, why.to_owned())
}

/// 412: a resource of the call cannot be read with certainty.
pub(super) fn unreadable(unreadable: &Unreadable, path: &str) -> Response {
    let place = match &unreadable.place {
        Some(crate::domain::order::Place::FhirPath(place)) => place.clone(),
        _ => path.to_owned(),
    };
    let (zh, en) = (unreadable.why.chinese(), unreadable.why.english());
    precondition(Kind::Structure, zh, en.to_owned(), vec![place])
}

/// 412: the body of a resource cannot be read with certainty.
pub(super) fn unsound(zh: &str, en: &str, path: &str) -> Response {
    precondition(Kind::Structure, zh, en.to_owned(), vec![path.to_owned()])
}

/// 412: the surgeon is a reference to something that is not here.
pub(super) fn unresolved(references: &[String], path: &str) -> Response {
    let en = format!(
        "not prefetched and not among the drafts: {}; prefetch it, or name the surgeon by staff number",
        references.join(", ")
    );
    let zh = "术者的引用未随请求提供，无法核查其手术权限；请预取该医师，或以工号标识。";
    precondition(Kind::Required, zh, en, vec![path.to_owned()])
}

fn precondition(kind: Kind, zh: &str, en: String, expression: Vec<String>) -> Response {
    answer(StatusCode::PRECONDITION_FAILED, kind, zh, en, expression)
}

fn refused(status: StatusCode, kind: Kind, zh: &str, en: String) -> Response {
    answer(status, kind, zh, en, Vec::new())
}

fn answer(
    status: StatusCode,
    kind: Kind,
    zh: &str,
    en: String,
    expression: Vec<String>,
) -> Response {
    let (severity, coding) = (Severity::Error, None);
    let (text, diagnostics) = (zh.to_owned(), Some(en));
    let issue = Issue { severity, kind, coding, text, diagnostics, expression };
    let mut response = json_body(status, &outcome(vec![issue]));
    let kind = HeaderValue::from_static("application/fhir+json; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn json_body(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
