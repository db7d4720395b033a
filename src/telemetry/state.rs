//! How things stand when somebody asks, as gauges.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

fn flag(holds: bool) -> f64 {
    if holds { 1.0 } else { 0.0 }
}

/// What counts entries and versions; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "gauges are floating point; no ledger is that long")]
fn count(number: u64) -> f64 {
    number as f64
}

/// The register: whether it answers, its version, and how long ago it last answered.
pub fn register(answers: bool, version: i64, confirmed: Duration) {
    gauge!("orgate_register_answers").set(flag(answers));
    gauge!("orgate_register_version").set(count(u64::try_from(version).unwrap_or_default()));
    gauge!("orgate_register_age_seconds").set(confirmed.as_secs_f64());
}

/// Pulls from a FHIR server: how long ago the last one was applied, by whichever gate; of none, nothing. And whether pulls
/// fail now, as far as this gate knows.
pub fn pulls(age: Option<Duration>, failing: bool) {
    if let Some(age) = age {
        gauge!("orgate_fhir_pull_age_seconds").set(age.as_secs_f64());
    }
    gauge!("orgate_fhir_pull_failing").set(flag(failing));
}

/// The ledger: whether it can write, its last entry, and entries that found no room while it could not.
pub fn ledger(writes: bool, seq: u64, lost: u64) {
    gauge!("orgate_ledger_writes").set(flag(writes));
    gauge!("orgate_ledger_seq").set(count(seq));
    gauge!("orgate_ledger_lost_entries").set(count(lost));
}

/// The ledger wrote so many entries and made them durable.
pub fn synced(entries: u64, took: Duration) {
    counter!("orgate_ledger_entries_total").increment(entries);
    histogram!("orgate_ledger_sync_seconds").record(took);
}

/// A feed: entries between its place and the end of the ledger, wanted or not.
pub fn feed(feed: &str, behind: u64) {
    gauge!("orgate_feed_backlog_entries", "feed" => feed.to_owned()).set(count(behind));
}

/// An index of the ledger: what of it is not in there yet.
pub fn index(index: &'static str, behind: u64) {
    gauge!("orgate_index_backlog_entries", "index" => index).set(count(behind));
}

/// A route: whether its downstream system could be reached when it was last needed, and whether it acts on verdicts.
pub fn route(route: &str, up: bool, enforces: bool) {
    gauge!("orgate_route_up", "route" => route.to_owned()).set(flag(up));
    gauge!("orgate_route_enforces", "route" => route.to_owned()).set(flag(enforces));
}

/// Whether the configuration on the disk is the one in force.
pub fn configuration(in_force: bool) {
    gauge!("orgate_configuration_in_force").set(flag(in_force));
}
