//! Traces as a collector takes them: OTLP/HTTP, JSON encoding (`ExportTraceServiceRequest`). Numbers of traces and spans are
//! hexadecimal there, and whole numbers are texts.

use std::borrow::Cow;

use serde::Serialize;

use crate::telemetry::trace::{Ending, Finished, Step, Told};

/// Kinds and codes of the protocol.
const SPAN_KIND_INTERNAL: u8 = 1;
const SPAN_KIND_SERVER: u8 = 2;
const SPAN_KIND_CLIENT: u8 = 3;
const STATUS_CODE_ERROR: u8 = 2;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'r> {
    resource_spans: [ResourceSpans<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'r> {
    resource: Resource<'r>,
    scope_spans: [ScopeSpans<'r>; 1],
}

#[derive(Serialize)]
struct Resource<'r> {
    attributes: Vec<Attribute<'r>>,
}

#[derive(Serialize)]
struct ScopeSpans<'r> {
    scope: Scope,
    spans: Vec<Span<'r>>,
}

#[derive(Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Span<'r> {
    trace_id: String,
    span_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_span_id: Option<String>,
    name: &'static str,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Attribute<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Serialize)]
struct Status {
    code: u8,
}

#[derive(Serialize)]
struct Attribute<'r> {
    key: &'static str,
    value: Value<'r>,
}

#[derive(Serialize)]
enum Value<'r> {
    #[serde(rename = "stringValue")]
    Text(Cow<'r, str>),
    #[serde(rename = "intValue")]
    Whole(String),
    #[serde(rename = "boolValue")]
    Flag(bool),
    #[serde(rename = "arrayValue")]
    List { values: Vec<Value<'r>> },
}

fn text<'r>(key: &'static str, text: impl Into<Cow<'r, str>>) -> Attribute<'r> {
    Attribute { key, value: Value::Text(text.into()) }
}

fn number<'r>(key: &'static str, number: impl ToString) -> Attribute<'r> {
    Attribute { key, value: Value::Whole(number.to_string()) }
}

fn words<'r>(key: &'static str, words: &[&'static str]) -> Option<Attribute<'r>> {
    let values = words.iter().map(|word| Value::Text((*word).into())).collect();
    (!words.is_empty()).then_some(Attribute { key, value: Value::List { values } })
}

/// The body of a request that tells these traces of the gate `node`.
pub fn request(node: &str, traces: &[Finished]) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let attributes = vec![
        text("service.name", "orgate"),
        text("service.version", version),
        text("service.instance.id", node),
    ];
    let scope = Scope { name: "orgate", version };
    let spans = traces.iter().flat_map(spans).collect();
    let scope_spans = [ScopeSpans { scope, spans }];
    let resource_spans = [ResourceSpans { resource: Resource { attributes }, scope_spans }];
    serde_json::to_vec(&Request { resource_spans }).unwrap_or_default()
}

/// The span of the message, and one for each step in it.
fn spans(trace: &Finished) -> Vec<Span<'_>> {
    let trace_id = hex::encode(trace.trace);
    let root = Span {
        trace_id: trace_id.clone(),
        span_id: hex::encode(trace.span),
        parent_span_id: trace.parent.map(hex::encode),
        name: "check",
        kind: SPAN_KIND_SERVER,
        start_time_unix_nano: trace.from.to_string(),
        end_time_unix_nano: trace.to.to_string(),
        attributes: of_message(trace),
        status: None,
    };
    let own = u64::from_be_bytes(trace.span);
    let steps = trace.steps.iter().zip(1..).map(|((step, from, to, ending), nth)| Span {
        trace_id: trace_id.clone(),
        // Of the message's, which is random and whose first bit is set.
        span_id: hex::encode((own ^ nth).to_be_bytes()),
        parent_span_id: Some(hex::encode(trace.span)),
        name: step.as_str(),
        kind: if *step == Step::Upstream { SPAN_KIND_CLIENT } else { SPAN_KIND_INTERNAL },
        start_time_unix_nano: from.to_string(),
        end_time_unix_nano: to.to_string(),
        attributes: of_step(ending),
        status: ending.failed.then_some(Status { code: STATUS_CODE_ERROR }),
    });
    std::iter::once(root).chain(steps).collect()
}

fn of_message(trace: &Finished) -> Vec<Attribute<'_>> {
    let mut all = vec![
        text("orgate.route", &*trace.route),
        text("orgate.protocol", trace.protocol),
        number("orgate.message.bytes", trace.bytes),
    ];
    let Some(told) = &trace.told else { return all };
    let Told { decision, stance, stage, urgency, rules, gaps, unreadable, cases, again, entry } =
        told;
    // Of a refusal that is repeated neither is told again.
    let known = [("orgate.decision", *decision), ("orgate.stance", *stance)];
    all.extend(known.into_iter().filter(|(_, word)| !word.is_empty()).map(|(k, w)| text(k, w)));
    all.extend(stage.map(|stage| text("orgate.stage", stage)));
    all.extend(urgency.map(|urgency| text("orgate.urgency", urgency)));
    all.extend(words("orgate.rules", rules));
    all.extend(words("orgate.gaps", gaps));
    all.extend(unreadable.map(|why| text("orgate.unreadable", why)));
    all.push(number("orgate.cases", cases));
    all.push(Attribute { key: "orgate.retransmission", value: Value::Flag(*again) });
    if !entry.is_empty() {
        all.push(text("orgate.entry", entry.as_str()));
    }
    all
}

fn of_step(ending: &Ending) -> Vec<Attribute<'static>> {
    let Ending { outcome, acknowledgement, status, .. } = *ending;
    let mut all = Vec::new();
    all.extend(outcome.map(|outcome| text("orgate.outcome", outcome)));
    all.extend(acknowledgement.map(|code| text("orgate.acknowledgement", code)));
    all.extend(status.map(|status| number("http.response.status_code", status)));
    all
}
