//! Follows register and ledger while the gate runs: changes are entered, failures and returns are told.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::feed::watch::{Light, Watch, What};
use crate::gate::Gate;
use crate::ledger::{Body, Kind, Status};
use crate::register::State;
use crate::register::sources::sql::SqlSource;
use crate::telemetry::events;

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
                for made in versions {
                    let (at, who, what) = (made.at, made.who, made.what);
                    note(
                        &gate,
                        json!({ "at": at, "version": made.version, "what": what, "who": who }),
                    );
                }
            }
            Err(_) => note(&gate, json!({ "version": now.version })),
        }
        known = now.version;
    }
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
