//! Verdict → HTTP answer (contract §6). Nowhere else in `inbound/fhir` is a status written.
//!
//! Every answer of the gate's own is an OperationOutcome in JSON. `Prefer: return=minimal` asks a server to leave out what
//! the client has just sent; a refusal is something else, which the doctor must read, so it is always sent. A client that
//! accepts XML only gets JSON all the same: better than a status without a reason.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use orgate_fhir_sdk::outcome::{Issue, Kind, Severity, outcome};
use serde_json::{Value, json};

use crate::domain::order::Place;
use crate::domain::verdict::{CaseVerdict, Effect, Finding, Gap, Subject, Verdict};
use crate::gate::Answer;
use crate::inbound::fhir::doubt::{Class, Doubt};
use crate::inbound::fhir::recorded;
use crate::inbound::gaps;
use crate::ledger::EntryId;
use crate::net::client::{Body, whole};

/// The system of rule ids in `details.coding`.
const RULES: &str = "urn:orgate:rule";
/// The system of gaps (rules.md §5).
const GAPS: &str = "urn:orgate:gap";
/// The system of what the proxy itself has to say.
const PROXY: &str = "urn:orgate:proxy";
/// When a client may try again, in seconds: a register or a disk that hiccups is back by then.
const RETRY_S: &str = "5";
const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");
const ENTRY: HeaderName = HeaderName::from_static("orgate-entry");
/// Of a batch's entries so many are named in the response's head; all are in the ledger.
const ENTRIES_NAMED_MAX: usize = 16;

/// How to refuse a request; builds the answer only if it is needed.
pub(super) fn answer(doubt: Option<Doubt>) -> Answer {
    Box::new(move |verdict, entry| Some(refusal(verdict, entry, doubt.as_ref())))
}

fn refusal(verdict: &Verdict, entry: &str, doubt: Option<&Doubt>) -> Bytes {
    let blocked = verdict.findings().any(|(_, finding)| finding.effect == Effect::Block);
    let mut issues: Vec<Issue> =
        verdict.findings().map(|(case, finding)| found(case, finding, entry)).collect();
    let gaps = verdict.gaps.iter().map(|gap| missing(*gap, !blocked, entry, doubt));
    issues.extend(gaps);
    let retriable = verdict.gaps.iter().any(|gap| gap.retriable());
    let status = match doubt {
        _ if blocked => StatusCode::UNPROCESSABLE_ENTITY,
        _ if retriable => StatusCode::SERVICE_UNAVAILABLE,
        Some(doubt) => status_of(doubt.class),
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let mut headers = head(status);
    if let Ok(entry) = HeaderValue::from_str(entry) {
        headers.insert(ENTRY, entry);
    }
    recorded::answer(status, &headers, &json_of(issues))
}

fn status_of(class: Class) -> StatusCode {
    match class {
        Class::Unreadable => StatusCode::BAD_REQUEST,
        Class::Form => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Class::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
        Class::NotAllowed => StatusCode::FORBIDDEN,
        Class::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Class::Missing => StatusCode::NOT_FOUND,
    }
}

fn kind_of(class: Class) -> Kind {
    match class {
        Class::Unreadable => Kind::Structure,
        Class::Form | Class::NotAllowed => Kind::NotSupported,
        Class::TooLong => Kind::TooLong,
        Class::Unavailable => Kind::Transient,
        Class::Missing => Kind::NotFound,
    }
}

fn found(case: &CaseVerdict, finding: &Finding, entry: &str) -> Issue {
    let place = match finding.subject {
        Subject::Surgeon => case.surgeon_place.as_ref(),
        Subject::Procedure => case.procedure_place.as_ref(),
        Subject::Time | Subject::Message => None,
    };
    let expression = match place {
        Some(Place::FhirPath(path)) => vec![path.clone()],
        _ => Vec::new(),
    };
    Issue {
        severity: severity(finding.effect == Effect::Block),
        kind: Kind::BusinessRule,
        coding: Some((RULES.to_owned(), finding.rule.as_str().to_owned())),
        text: finding.text_zh.clone(),
        diagnostics: Some(format!("{} (entry {entry})", finding.text_en)),
        expression,
    }
}

/// A gap; `keeps_back`: nothing else does.
fn missing(gap: Gap, keeps_back: bool, entry: &str, doubt: Option<&Doubt>) -> Issue {
    let doubt = doubt.filter(|_| gap == Gap::MessageUnreadable);
    let (zh, en) = gaps::sentences(gap);
    let (zh, en) = doubt.map_or((zh, en), |doubt| (doubt.zh, doubt.en));
    let kind = match doubt {
        Some(doubt) => kind_of(doubt.class),
        None if gap.retriable() => Kind::Transient,
        None => Kind::Structure,
    };
    let why = doubt.map(|doubt| format!("{}, ", doubt.why)).unwrap_or_default();
    Issue {
        severity: severity(keeps_back && gap.refuses()),
        kind,
        coding: Some((GAPS.to_owned(), gap.as_str().to_owned())),
        text: zh.to_owned(),
        diagnostics: Some(format!("{en} ({why}entry {entry})")),
        expression: doubt.and_then(|doubt| doubt.place.clone()).into_iter().collect(),
    }
}

fn severity(error: bool) -> Severity {
    if error { Severity::Error } else { Severity::Warning }
}

fn json_of(issues: Vec<Issue>) -> Vec<u8> {
    serde_json::to_vec(&outcome(issues)).unwrap_or_default()
}

fn head(status: StatusCode) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, FHIR_JSON);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_S));
    }
    headers
}

/// The answer to a refused request, as it was recorded.
pub(super) fn refused(recorded: Option<&Bytes>, now: Timestamp) -> Response<Body> {
    match recorded.and_then(recorded::read_answer) {
        Some(answer) => dated(answer.map(whole), now),
        None => internal(now),
    }
}

/// The same as an entry of a batch-response.
pub(super) fn refused_entry(recorded: Option<&Bytes>) -> Value {
    let answer = recorded.and_then(recorded::read_answer);
    let (status, body) = match answer {
        Some(answer) => (answer.status(), answer.into_body()),
        None => (StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()),
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let status = format!("{} {reason}", status.as_str());
    let outcome: Value = serde_json::from_slice(&body).unwrap_or_default();
    json!({ "response": { "outcome": outcome, "status": status } })
}

/// The response to a batch of which every entry was refused.
pub(super) fn all_refused(entries: Vec<(usize, Value)>, now: Timestamp) -> Response<Body> {
    let entries: Vec<Value> = entries.into_iter().map(|(_, entry)| entry).collect();
    let bundle = json!({ "entry": entries, "resourceType": "Bundle", "type": "batch-response" });
    let body = serde_json::to_vec(&bundle).unwrap_or_default();
    let mut response = Response::new(whole(body.into()));
    *response.headers_mut() = head(StatusCode::OK);
    dated(response, now)
}

/// Outside the FHIR base.
pub(super) fn outside_base(now: Timestamp) -> Response<Body> {
    let (zh, en) = ("该地址不在FHIR服务范围内", "the address lies outside the FHIR base");
    own(StatusCode::NOT_FOUND, Kind::NotFound, "outside-base", (zh, en), now)
}

/// The server cannot be reached, or broke off before its response.
pub(super) fn unreachable(now: Timestamp) -> Response<Body> {
    let words = (
        "FHIR服务器无法连接，请求可能未被处理；请确认后重新提交。",
        "the FHIR server cannot be reached; the request may not have been processed, check before sending it again",
    );
    own(StatusCode::BAD_GATEWAY, Kind::Transient, "upstream-unreachable", words, now)
}

/// The server did not begin its response in time.
pub(super) fn silent(now: Timestamp) -> Response<Body> {
    let words = (
        "FHIR服务器未在限定时间内应答，请求可能已被处理；请确认后再重新提交。",
        "the FHIR server did not answer in time; the request may have been processed, check before sending it again",
    );
    own(StatusCode::GATEWAY_TIMEOUT, Kind::Transient, "upstream-silent", words, now)
}

/// The target is none that can be forwarded (`*`).
pub(super) fn no_target(now: Timestamp) -> Response<Body> {
    let words = ("请求地址无效", "the request target is no path");
    own(StatusCode::BAD_REQUEST, Kind::Structure, "no-target", words, now)
}

/// The body did not come whole; whoever sent it is mostly gone.
pub(super) fn cut_off(now: Timestamp) -> Response<Body> {
    let Doubt { zh, en, .. } = Doubt::slow();
    own(StatusCode::REQUEST_TIMEOUT, Kind::Transient, "cut-off", (zh, en), now)
}

/// Something of ours failed that cannot fail.
pub(super) fn internal(now: Timestamp) -> Response<Body> {
    let words = ("术闸内部错误，未转发", "the gate failed and has forwarded nothing");
    own(StatusCode::INTERNAL_SERVER_ERROR, Kind::Transient, "internal", words, now)
}

fn own(
    status: StatusCode,
    kind: Kind,
    code: &str,
    (zh, en): (&str, &str),
    now: Timestamp,
) -> Response<Body> {
    let issue = Issue {
        severity: Severity::Error,
        kind,
        coding: Some((PROXY.to_owned(), code.to_owned())),
        text: zh.to_owned(),
        diagnostics: Some(en.to_owned()),
        expression: Vec::new(),
    };
    let mut response = Response::new(whole(json_of(vec![issue]).into()));
    *response.status_mut() = status;
    *response.headers_mut() = head(status);
    dated(response, now)
}

/// The server's response says which entries its request stands under.
pub(super) fn name_entries(headers: &mut HeaderMap, entries: &[EntryId]) {
    for entry in entries.iter().take(ENTRIES_NAMED_MAX) {
        if let Ok(entry) = HeaderValue::from_str(&entry.to_string()) {
            headers.append(ENTRY, entry);
        }
    }
}

/// An answer of the gate's own carries the time (RFC 9110 §6.6.1); a forwarded one is left as it is.
fn dated(mut response: Response<Body>, now: Timestamp) -> Response<Body> {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(DATE, date);
    }
    response
}
