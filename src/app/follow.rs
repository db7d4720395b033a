//! Follows register and ledger while the gate runs: changes are entered, failures and returns are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::feed::watch::{Light, Watch, What};
use crate::gate::Gate;
use crate::ledger::{Body, Kind, Status};
use crate::register::State;
use crate::register::sources::sql::SqlSource;
use crate::telemetry::events;

/// Of a change that stops more, the rest is counted: the register has them all.
const CONSEQUENCES: usize = 200;
/// Orders and notices named with each.
const HITS: usize = 100;
/// What flaps is looked at so often.
const SETTLE_EVERY: Duration = Duration::from_secs(5);

/// What is followed.
pub(super) struct Followed {
    /// The register's database.
    pub(super) source: Arc<SqlSource>,
    /// Its state.
    pub(super) register: watch::Receiver<State>,
    /// The ledger's.
    pub(super) ledger: watch::Receiver<Status>,
}

/// Follows everything, each in a task of its own, until the gate stops.
pub(super) fn all(
    tasks: &mut JoinSet<()>,
    gate: &Arc<Gate>,
    followed: Followed,
    watch: Watch,
    stop: &watch::Receiver<bool>,
) {
    let Followed { source, register: state, ledger: status } = followed;
    let light = watch.light(What::Register, "register");
    tasks.spawn(register(Arc::clone(gate), source, state, light, stop.clone()));
    let light = watch.light(What::Ledger, "ledger");
    tasks.spawn(ledger(status, light, stop.clone()));
    tasks.spawn(watched(watch, stop.clone()));
}

/// Enters every new version of the register, with who made it and what it did, until the gate stops.
async fn register(
    gate: Arc<Gate>,
    source: Arc<SqlSource>,
    mut state: watch::Receiver<State>,
    light: Light,
    mut stop: watch::Receiver<bool>,
) {
    let mut known = state.borrow_and_update().version;
    note(&gate, json!({ "opened_at_version": known }));
    let mut answered = true;
    light.works();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = state.changed() => if changed.is_err() { return },
        }
        let now = *state.borrow_and_update();
        if now.answers != answered {
            answered = now.answers;
            if answered {
                light.works();
                events::RegisterBack {}.emit();
            } else {
                light.fails("it does not answer");
                events::RegisterDown {}.emit();
            }
        }
        if now.version == known {
            continue;
        }
        events::RegisterChanged { version: now.version }.emit();
        match source.versions_after(known).await {
            Ok(versions) => {
                let stopped = stopped(&gate, &source, known).await;
                for made in versions {
                    let (at, who, what) = (made.at, made.who, made.what);
                    let mut body =
                        json!({ "at": at, "version": made.version, "what": what, "who": who });
                    if let (Some(own), Some(body)) =
                        (stopped.get(&made.version), body.as_object_mut())
                    {
                        let told: Vec<_> = own.iter().take(CONSEQUENCES).cloned().collect();
                        body.insert("more".to_owned(), json!(own.len() - told.len()));
                        body.insert("consequences".to_owned(), json!(told));
                    }
                    note(&gate, body);
                }
            }
            Err(_) => note(&gate, json!({ "version": now.version })),
        }
        known = now.version;
    }
}

/// What the versions after `known` stop, each with the open orders and notices that it hits, by version.
async fn stopped(gate: &Gate, source: &SqlSource, known: i64) -> BTreeMap<i64, Vec<Value>> {
    // Without an answer the change is entered all the same; `orgate import` has printed what it hits.
    let made = source.consequences_after(known).await.unwrap_or_default();
    let mut out: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    if made.is_empty() {
        return out;
    }
    let now = gate.clock().now();
    let today = gate.zone().to_datetime(now).date();
    let open = gate.cases().open_documents(today, now).await.unwrap_or_default();
    for (version, consequence) in made {
        let hit = open.iter().filter(|document| {
            consequence.hits(&document.codes, &document.surgeons, document.grade, document.day)
        });
        let hits: Vec<&str> = hit.map(|document| document.entry.as_str()).take(HITS).collect();
        out.entry(version).or_default().push(json!({
            "hits": hits,
            "kind": consequence.kind.as_str(),
            "text": consequence.to_string(),
        }));
    }
    out
}

fn note(gate: &Gate, value: serde_json::Value) {
    // Texts and whole numbers only, so the body is canonical.
    if let Ok(body) = Body::of(&value) {
        gate.note(Kind::Register, body);
    }
}

/// Tells when the ledger cannot write, and when it can again.
async fn ledger(
    mut status: watch::Receiver<Status>,
    light: Light,
    mut stop: watch::Receiver<bool>,
) {
    let mut down = status.borrow_and_update().fault.is_some();
    if down {
        light.fails("it cannot be written");
    } else {
        light.works();
    }
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = status.changed() => if changed.is_err() { return },
        }
        let now = status.borrow_and_update().clone();
        match (down, now.fault) {
            (false, Some(fault)) => {
                light.fails("it cannot be written");
                events::LedgerDown { fault }.emit();
            }
            (true, None) => {
                light.works();
                events::LedgerBack { lost: now.lost }.emit();
            }
            (true, Some(_)) | (false, None) => {}
        }
        down = now.fault.is_some();
    }
}

/// Tells late changes of what flapped.
async fn watched(watch: Watch, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(SETTLE_EVERY) => watch.settle(),
        }
    }
}
