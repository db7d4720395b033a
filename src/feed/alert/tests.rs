//! Entries as the gate writes them, and the alerts they are.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::feed::tests::{at, entries};

fn decision(decision: &str, stage: &str, rules: &[(&str, &str, bool)]) -> Value {
    let findings: Vec<Value> = rules
        .iter()
        .map(|(rule, effect, lifted)| {
            json!({"rule": rule, "effect": effect, "lifted": lifted, "cites": ["SG 16"],
                   "text_zh": "示例", "text_en": "sample"})
        })
        .collect();
    json!({
        "route": "his", "control_id": "C1",
        "facts": {"orders": [{
            "patient": "P7731", "encounter": "E7732", "stage": stage,
            "groups": [{
                "action": "new", "department": "0301", "order_no": " SQ7733 ", "lines": [],
                "attested_by": "D9", "attested_reason": "呼吸骤停",
                "ordering_doctor": {"id": "D1", "name": ["沈若川"]}
            }]
        }]},
        "verdict": {
            "decision": decision, "stance": "enforce", "stage": stage, "gaps": [],
            "cases": [{"surgeon": {"id": "D1005", "name": "秦可欣"},
                       "procedure": {"code": "52.7x00", "grade": 4, "name": "示例术"},
                       "findings": findings}]
        }
    })
}

fn alerts(kind: Kind, body: Value) -> Vec<Alert> {
    let entries = entries(&[(kind, body)]);
    entries.iter().flat_map(Alert::of_entry).collect()
}

fn told(body: Value) -> Vec<(AlertKind, Severity, String)> {
    let alerts = alerts(Kind::Decision, body);
    alerts.into_iter().map(|alert| (alert.kind, alert.severity, alert.rule)).collect()
}

#[track_caller]
fn one(body: Value, kind: AlertKind, severity: Severity, rule: &str) {
    assert_eq!(told(body), [(kind, severity, rule.to_owned())]);
}

#[test]
fn a_decision_is_the_alert_of_its_kind_with_the_rule_that_makes_it_so() {
    use AlertKind::*;
    use Severity::*;
    let flag = |rule| (rule, "flag", true);
    one(
        decision("block", "order", &[flag("grade-understated"), ("grant-missing", "block", true)]),
        OrderBlocked,
        Medium,
        "grant-missing",
    );
    one(
        decision("block", "order", &[("technique-prohibited", "block", false)]),
        OrderBlocked,
        High,
        "technique-prohibited",
    );
    one(
        decision(
            "override",
            "order",
            &[("grant-missing", "overridden", true), flag("emergency-override")],
        ),
        OverrideOpened,
        High,
        "emergency-override",
    );
    one(
        decision("forward-flagged", "notice", &[flag("evaluation-overdue")]),
        OrderFlagged,
        Low,
        "evaluation-overdue",
    );
    one(
        decision("forward-flagged", "record", &[flag("operator-changed")]),
        RecordDeviation,
        Medium,
        "operator-changed",
    );
    one(
        decision("forward-flagged", "record", &[flag("technique-stopped")]),
        RecordDeviation,
        High,
        "technique-stopped",
    );
    one(
        decision("forward-flagged", "record", &[flag("emergency-surgery")]),
        OrderFlagged,
        Low,
        "emergency-surgery",
    );
    assert_eq!(told(decision("forward", "order", &[])), []);
    assert_eq!(told(json!({"verdict": "of another version"})), []);
}

#[test]
fn a_case_that_must_be_reported_is_an_alert_of_its_own() {
    let mut body = decision(
        "forward-flagged",
        "order",
        &[("technique-restricted", "flag", false), ("grade-understated", "flag", false)],
    );
    body["reportable"] = json!([{"case": 0, "city_monitored": false, "technique": "G05"}]);
    let told: Vec<_> = told(body.clone()).into_iter().map(|(kind, _, rule)| (kind, rule)).collect();
    assert_eq!(
        told,
        [
            (AlertKind::OrderFlagged, "grade-understated".to_owned()),
            (AlertKind::RestrictedCase, "technique-restricted".to_owned())
        ]
    );
    let alerts = alerts(Kind::Decision, body);
    assert_eq!(alerts[1].data["techniques"], json!(["G05"]));
}

#[test]
fn a_gap_is_told_beside_the_decision_and_ids_are_unique_and_stable() {
    let mut body = decision("block", "order", &[("grant-missing", "block", true)]);
    body["verdict"]["gaps"] = json!(["calendar-unknown"]);
    body["without_ledger"] = json!({"gap": "ledger-unavailable", "moved": false});
    body["reportable"] = json!([{"case": 0, "city_monitored": true, "technique": "C1"}]);
    let entries = entries(&[(Kind::Decision, body)]);
    let (first, again) = (Alert::of_entry(&entries[0]), Alert::of_entry(&entries[0]));
    assert_eq!(first, again);
    let ids: HashSet<&str> = first.iter().map(|alert| alert.id.as_str()).collect();
    assert_eq!(ids.len(), 3);
    let entry = entries[0].id.to_string();
    assert!(ids.iter().all(|id| id.starts_with(&format!("{entry}-"))), "{ids:?}");
}

#[test]
fn what_belongs_to_a_patient_is_in_an_event_only_where_the_feed_may_know_it() {
    let body = decision("override", "order", &[("grant-missing", "overridden", true)]);
    let alert = alerts(Kind::Decision, body).remove(0);
    assert_eq!(alert.case(), "SQ7733");
    let rendering = |full| Rendering {
        full,
        pseudonyms: Pseudonyms::with(b"a key of sixteen"),
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
    };
    let hidden = alert.event(&rendering(false));
    for mark in ["P7731", "E7732", "SQ7733", "呼吸骤停"] {
        assert!(!hidden.to_string().contains(mark), "{hidden}");
        assert!(!format!("{alert:?}").contains(mark), "Debug prints {mark}");
    }
    assert_eq!(hidden["data"]["attested"], true);
    assert_eq!(hidden["time"], "2026-03-02T08:30:00.000000+08:00");
    let full = alert.event(&rendering(true));
    assert_eq!(full["data"]["patient"]["id"], "P7731");
    assert_eq!(full["data"]["orders"], json!(["SQ7733"]));
    assert_eq!(full["data"]["patient"]["pseudonym"], hidden["data"]["patient"]["pseudonym"]);
    let other = Pseudonyms::with(b"another key of 16");
    let number = Redacted::new("P7731").unwrap();
    assert_ne!(json!(other.of(&number)), hidden["data"]["patient"]["pseudonym"]);
}

#[test]
fn acts_of_people_and_changes_of_the_register_are_told() {
    let kind = |kind, body| {
        let alerts = alerts(kind, body);
        alerts.iter().map(|alert| alert.kind.as_str()).collect::<Vec<_>>()
    };
    let reviewed = json!({"act": "reviewed", "file": "E", "by": "张三", "outcome": "rejected", "reason": "患者 P7731"});
    assert_eq!(kind(Kind::Override, reviewed.clone()), ["orgate.override.reviewed"]);
    assert!(!format!("{:?}", alerts(Kind::Override, reviewed)).contains("P7731"));
    assert_eq!(
        kind(Kind::Override, json!({"act": "escalated", "file": "E"})),
        ["orgate.override.overdue"]
    );
    assert_eq!(kind(Kind::Override, json!({"act": "attested", "file": "E"})), Vec::<&str>::new());
    assert_eq!(kind(Kind::Bypass, json!({"act": "on", "by": "李四"})), ["orgate.bypass"]);
    let start = json!({"act": "configuration", "by": "start", "files": []});
    assert!(kind(Kind::Bypass, start).is_empty());
    let feeds = json!({"act": "configuration", "applied": ["feed.a"], "stances": []});
    assert!(kind(Kind::Bypass, feeds).is_empty());
    let effects = json!({"act": "configuration", "applied": ["policy.effects.grant-missing"]});
    assert_eq!(kind(Kind::Bypass, effects), ["orgate.bypass"]);
    let stances = json!({"act": "configuration", "applied": [], "stances": [{"route": "his"}]});
    assert_eq!(kind(Kind::Bypass, stances), ["orgate.bypass"]);
    let unusual = json!({"act": "unusual", "account": "li", "patients_within_hour": 61});
    assert_eq!(kind(Kind::Access, unusual), ["orgate.gap"]);
    assert!(kind(Kind::Access, json!({"act": "viewed", "account": "li"})).is_empty());
    assert_eq!(kind(Kind::Register, json!({"version": 4, "who": "x"})), Vec::<&str>::new());
    let stops = json!({"version": 4, "consequences": [
        {"kind": "dossier-stopped", "text": "技术停止开展 dossier-stopped: G05", "hits": ["E"]}]});
    assert_eq!(kind(Kind::Register, stops), ["orgate.technique.stopped"]);
}

#[test]
fn why_the_register_was_changed_is_told_only_where_the_feed_may_know_patients() {
    let stops = json!({
        "version": 4, "who": "x", "what": "suspend grants of D1: 患者 P7731",
        "consequences": [{"kind": "dossier-stopped", "text": "G05", "hits": []}],
    });
    let alert = alerts(Kind::Register, stops).remove(0);
    let event = |full| {
        alert.event(&Rendering {
            full,
            pseudonyms: Pseudonyms::with(b"a key of sixteen"),
            zone: TimeZone::UTC,
        })
    };
    assert!(!event(false).to_string().contains("P7731"), "{}", event(false));
    assert_eq!(event(false)["data"]["version"], 4);
    assert_eq!(event(true)["data"]["what"], "suspend grants of D1: 患者 P7731");
}

#[test]
fn a_notice_survives_its_line() {
    let noticed = Noticed {
        id: "E-down".to_owned(),
        rule: "down".to_owned(),
        kind: AlertKind::RouteDown,
        severity: Severity::High,
        time: at("2026-03-02T00:30:00Z"),
        subject: "route/his".to_owned(),
        departments: vec!["0301".to_owned()],
        zh: "中断".to_owned(),
        en: "down".to_owned(),
        data: Map::new(),
    };
    assert_eq!(Noticed::read(&noticed.line()), Some(noticed));
}
