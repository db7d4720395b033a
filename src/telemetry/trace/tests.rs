//! What is kept of a message, which messages are kept, and what becomes of traces that nobody takes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::clock::monotonic;
use crate::telemetry::trace::otlp::request;
use crate::telemetry::trace::{Begun, Ending, Finished, Parent, Step, Told, Tracer, WAITING_MAX};

const FIELD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn at() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn begun(route: &Arc<str>, parent: Option<Parent>) -> Begun<'_> {
    Begun { route, protocol: "fhir", bytes: 77, since: monotonic(), parent }
}

fn finished() -> Finished {
    Finished {
        trace: [0xab; 16],
        span: [0xff; 8],
        parent: Some([1; 8]),
        route: "his".into(),
        protocol: "hl7v2",
        bytes: 1024,
        from: 1_000,
        to: 9_000,
        told: Some(Told {
            decision: "block",
            stance: "enforce",
            stage: Some("order"),
            rules: vec!["grant-missing"],
            entry: "01JC".to_owned(),
            cases: 1,
            ..Told::default()
        }),
        steps: vec![
            (Step::Read, 1_000, 2_000, Ending::default()),
            (
                Step::Upstream,
                3_000,
                9_000,
                Ending { failed: true, outcome: Some("timeout"), ..Ending::default() },
            ),
        ],
    }
}

#[test]
fn a_trace_is_finished_when_nobody_holds_it_any_more() {
    let (tracer, mut traces) = Tracer::new(100);
    let route: Arc<str> = "his".into();
    let begun = begun(&route, None);
    let since = begun.since;
    let trace = tracer.begin(at, begun);
    let other = trace.clone();
    trace.step(Step::Read, since, since + Duration::from_micros(5));
    trace.tell(|| Told { decision: "forward", ..Told::default() });
    drop(trace);
    assert!(traces.try_recv().is_err(), "somebody holds it");
    let ended = (since + Duration::from_micros(7), since + Duration::from_micros(9));
    other.ended(Step::Upstream, ended, Ending { status: Some(201), ..Ending::default() });
    drop(other);
    let done = traces.try_recv().unwrap();
    assert_eq!((done.to - done.from, done.steps.len()), (9_000, 2));
    let (_, from, to, _) = done.steps[0];
    assert_eq!((from, to), (done.from, done.from + 5_000));
    assert!(done.from <= 1_772_438_400_000_000_000, "it began before it was written down");
    assert_eq!(done.told.unwrap().decision, "forward");
    assert!(done.parent.is_none() && done.trace != [0; 16] && done.span != [0; 8]);
}

#[test]
fn what_is_off_asks_for_nothing_and_keeps_nothing() {
    let route: Arc<str> = "his".into();
    let trace = Tracer::off().begin(|| panic!("nobody needs the time"), begun(&route, None));
    trace.tell(|| panic!("nobody needs to know"));
    assert!(!trace.is_on());
}

#[test]
fn the_senders_word_on_what_is_traced_comes_before_the_gates_share() {
    let route: Arc<str> = "his".into();
    let parent = Parent::read(FIELD).unwrap();
    for percent in [0, 100] {
        let (tracer, mut traces) = Tracer::new(percent);
        drop(tracer.begin(at, begun(&route, Some(parent))));
        let done = traces.try_recv().unwrap();
        assert_eq!((done.trace, done.parent), (parent.trace, Some(parent.span)));
        assert_ne!(done.span, parent.span);
        drop(tracer.begin(at, begun(&route, Some(Parent { sampled: false, ..parent }))));
        assert!(traces.try_recv().is_err());
        drop(tracer.begin(at, begun(&route, None)));
        assert_eq!(traces.try_recv().is_ok(), percent == 100);
    }
}

#[test]
fn a_share_of_messages_is_about_that_share() {
    let (tracer, mut traces) = Tracer::new(25);
    let route: Arc<str> = "his".into();
    let kept = (0..4_000).filter(|_| {
        drop(tracer.begin(at, begun(&route, None)));
        traces.try_recv().is_ok()
    });
    // 1,000 are expected; less or more than these once in 10^12 runs.
    let kept = kept.count();
    assert!((800..1_200).contains(&kept), "{kept}");
}

#[test]
fn a_queue_that_nobody_empties_takes_so_many_and_no_more() {
    let (tracer, mut traces) = Tracer::new(100);
    let route: Arc<str> = "his".into();
    for _ in 0..WAITING_MAX + 10 {
        drop(tracer.begin(at, begun(&route, None)));
    }
    let held = std::iter::from_fn(|| traces.try_recv().ok()).count();
    assert_eq!(held, WAITING_MAX);
}

#[test]
fn a_request_to_a_collector_has_the_form_of_otlp() {
    let body: Value = serde_json::from_slice(&request("gate-1", &[finished()])).unwrap();
    let resource = &body["resourceSpans"][0]["resource"]["attributes"];
    let instance = json!({ "key": "service.instance.id", "value": { "stringValue": "gate-1" } });
    assert_eq!(resource[2], instance);
    let spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap();
    assert_eq!(spans.len(), 3);
    let root = &spans[0];
    assert_eq!(root["traceId"], "ab".repeat(16).as_str());
    assert_eq!(
        (&root["spanId"], &root["parentSpanId"]),
        (&json!("f".repeat(16)), &json!("01".repeat(8)))
    );
    assert_eq!((&root["kind"], &root["startTimeUnixNano"]), (&json!(2), &json!("1000")));
    let attributes = root["attributes"].as_array().unwrap();
    let of = |key: &str| attributes.iter().find(|a| a["key"] == key).map(|a| a["value"].clone());
    assert_eq!(of("orgate.message.bytes"), Some(json!({ "intValue": "1024" })));
    let rules = json!({ "arrayValue": { "values": [{ "stringValue": "grant-missing" }] } });
    assert_eq!(of("orgate.rules"), Some(rules));
    assert_eq!((of("orgate.gaps"), of("orgate.urgency")), (None, None));
    let upstream = &spans[2];
    assert_eq!(upstream["spanId"], "fffffffffffffffd");
    assert_eq!(
        (&upstream["parentSpanId"], &upstream["traceId"]),
        (&root["spanId"], &root["traceId"])
    );
    assert_eq!((&upstream["kind"], &upstream["status"]), (&json!(3), &json!({ "code": 2 })));
    assert!(spans[1].get("status").is_none());
}

#[test]
fn a_field_that_is_no_traceparent_is_none() {
    let parent = Parent::read(FIELD).unwrap();
    assert_eq!((parent.trace[0], parent.span[7], parent.sampled), (0x4b, 0xb7, true));
    assert!(!Parent::read(&FIELD.replace("-01", "-00")).unwrap().sampled);
    assert!(Parent::read(&format!("{}-later", FIELD.replacen("00", "01", 1))).is_some());
    for wrong in [
        "",
        "00",
        &FIELD.to_uppercase(),
        &FIELD.replacen("00", "ff", 1),
        &format!("{FIELD}-more"),
        &FIELD.replace("4bf9", "4bfg"),
        &FIELD.replace("00f067aa0ba902b7", "0000000000000000"),
        &FIELD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
        &FIELD.replace("-01", "-1"),
        &format!(" {FIELD}"),
    ] {
        assert_eq!(Parent::read(wrong), None, "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_field_whatever_it_holds_does_harm(field in "[-0-9a-f]{0,80}|\\PC{0,80}") {
        let _ = Parent::read(&field);
    }
}
