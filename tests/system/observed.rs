//! What is measured, and that dashboard and alert rules speak of nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::certificates::Authority;
use crate::support::client::Client;
use crate::support::console::post;
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::http::Client as HttpClient;
use crate::support::message::{Draft, admission};
use crate::support::reply::code;
use crate::support::resource;
use crate::support::server::Server;
use crate::support::upstream::Upstream;
use crate::support::{bytes_of, repository};

/// A gate with a route of each kind and a feed, through which a little has gone.
fn after_some_traffic() -> (Hospital, Gate, Upstream, Server) {
    let (upstream, server) = (Upstream::accepting(), Server::storing());
    let base = Hospital::new();
    let path = base.path("alerts.jsonl");
    let feed = format!("[[feed]]\nname = \"office\"\nkind = \"file\"\npath = {path:?}");
    let [cert, key] = base.pair("gate", &Authority::new("house").issue("gate"));
    let tls = format!("[mllp.tls]\ncert = {cert:?}\nkey = {key:?}");
    let hospital = base
        .set(&feed)
        .route("his", upstream.address, &[])
        .route("his-tls", upstream.address, &[&tls])
        .fhir("fhir", server.address, &[]);
    let gate = hospital.start();
    let mut client = Client::connect(gate.route("his"));
    for (payload, expected) in [
        (Draft::clean("O1").bytes(), "AA"),
        (Draft::clean("O2").bytes(), "AA"),
        (Draft::refused("O3").bytes(), "AE"),
        (admission("O4"), "AA"),
    ] {
        assert_eq!(code(&client.ask(&payload)), expected);
    }
    let mut client = HttpClient::connect(gate.route("fhir"));
    let order = resource::clean("O5").to_string();
    assert_eq!(client.write("POST", "/fhir/ServiceRequest", &order).status(), 201);
    let question = serde_json::json!({
        "subject": { "type": "surgeon", "id": "D1005" },
        "action": { "name": "perform" },
        "resource": { "type": "procedure", "id": "52.7x00" },
    });
    assert_eq!(post(gate.console(), "/access/v1/evaluation", &question).status, 200);
    (hospital, gate, upstream, server)
}

/// The value of a series, as it is written.
fn value(gate: &Gate, series: &str) -> Option<f64> {
    let (_, metrics) = gate.page("/metrics");
    let line = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.and_then(|value| value.parse().ok())
}

fn is(gate: &Gate, series: &str, expected: f64) {
    eventually(&format!("{series} {expected}"), || {
        (value(gate, series) == Some(expected)).then_some(())
    });
}

#[test]
fn what_goes_through_the_gate_is_counted_and_timed() {
    let (_hospital, gate, _upstream, _server) = after_some_traffic();
    let count = |decision: &str, stance: &str, expected: f64| {
        let labels = format!("route=\"his\",decision=\"{decision}\",stance=\"{stance}\"");
        is(&gate, &format!("orgate_messages_total{{{labels}}}"), expected);
    };
    count("forward", "enforce", 2.0);
    count("block", "enforce", 1.0);
    count("not-surgical", "", 1.0);
    is(&gate, "orgate_added_seconds_count{route=\"his\"}", 4.0);
    is(&gate, "orgate_upstream_seconds_count{route=\"his\"}", 3.0);
    is(&gate, "orgate_added_seconds_count{route=\"fhir\"}", 1.0);
    is(&gate, "orgate_upstream_seconds_count{route=\"fhir\"}", 1.0);
    // The connections of the traffic are closed.
    is(&gate, "orgate_connections{route=\"his\"}", 0.0);
    let client = Client::connect(gate.route("his"));
    is(&gate, "orgate_connections{route=\"his\"}", 1.0);
    drop(client);
    is(&gate, "orgate_connections{route=\"his\"}", 0.0);
    is(&gate, "orgate_gaps_total{gap=\"ledger-unavailable\"}", 0.0);
    is(&gate, "orgate_feed_backlog_entries{feed=\"office\"}", 0.0);
    is(&gate, "orgate_route_up{route=\"his\"}", 1.0);
    is(&gate, "orgate_route_enforces{route=\"his\"}", 1.0);
    is(&gate, "orgate_ledger_writes", 1.0);
    is(&gate, "orgate_register_answers", 1.0);
    let known = |from: &str| {
        value(&gate, &format!("orgate_register_lookups_total{{from=\"{from}\"}}")).expect("it")
    };
    assert!(known("memory") >= 1.0 && known("source") >= 2.0);
    let syncs = value(&gate, "orgate_ledger_sync_seconds_count").expect("it");
    let entries = value(&gate, "orgate_ledger_entries_total").expect("it");
    assert!(syncs >= 5.0 && entries >= syncs, "{syncs} {entries}");
}

#[test]
fn a_downstream_system_that_is_away_shows_and_so_does_its_return() {
    let hospital = Hospital::new().route("his", crate::support::upstream::nobody(), &[]);
    let gate = hospital.start();
    is(&gate, "orgate_route_up{route=\"his\"}", 1.0);
    let mut client = gate.connect();
    client.try_send(&Draft::clean("A1").frame());
    client.rest();
    is(&gate, "orgate_route_up{route=\"his\"}", 0.0);
    is(&gate, "orgate_upstream_failures_total", 1.0);
}

/// Every name of a metric of ours in a text.
fn names(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices("orgate_").filter_map(|(at, _)| text.get(at..));
    let own = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = |rest: &str| rest.split(|c| !own(c)).next().unwrap_or_default().to_owned();
    starts.map(name).collect()
}

/// Every query in a dashboard.
fn queries(dashboard: &Value, found: &mut Vec<String>) {
    match dashboard {
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "expr" || key == "query" => {
                        found.push(text.clone());
                    }
                    value => queries(value, found),
                }
            }
        }
        Value::Array(all) => all.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

#[test]
fn dashboard_and_alert_rules_name_only_what_a_running_gate_tells() {
    let (_hospital, gate, _upstream, _server) = after_some_traffic();
    is(&gate, "orgate_feed_backlog_entries{feed=\"office\"}", 0.0);
    let (_, metrics) = gate.page("/metrics");
    let told: BTreeSet<&str> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(['{', ' ']).next())
        .collect();

    let dashboard = bytes_of("docker/grafana/orgate.json");
    let dashboard: Value = serde_json::from_slice(&dashboard).expect("the dashboard is JSON");
    let mut expressions = Vec::new();
    queries(&dashboard, &mut expressions);
    let rules = std::fs::read_to_string(repository("docker/prometheus/rules.yml")).expect("it");
    let lines = rules.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let alerts: Vec<&str> = lines.collect();
    assert!(expressions.len() > 20 && alerts.len() > 15, "both speak of something");
    for (place, expression) in expressions
        .iter()
        .map(|own| ("the dashboard", own.as_str()))
        .chain(alerts.iter().map(|own| ("the rules", *own)))
    {
        for name in names(expression) {
            assert!(told.contains(name.as_str()), "{place} speak of {name}, which nobody tells");
        }
        // Literal labels must be labels that exist, too.
        for key in ["gap", "from", "decision"] {
            for rest in expression.split(&format!("{key}=\"")).skip(1) {
                let value = rest.split('"').next().unwrap_or_default();
                let label = format!("{key}=\"{value}\"");
                assert!(metrics.contains(&label), "{place} speak of {label}");
            }
        }
    }
}
