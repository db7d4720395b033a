//! Follows register and ledger while the gate runs: changes are entered, failures and returns are told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::background;
use crate::cases::error::CasesError;
use crate::feed::watch::{Light, Watch, What};
use crate::gate::Gate;
use crate::ledger::{self, Body, Filter, Kind, Ledger, LedgerError, Status};
use crate::register::State;
use crate::register::error::RegisterError;
use crate::register::sources::sql::SqlSource;
use crate::telemetry::events;

/// Of a change that stops more, the rest is counted: the register has them all.
const CONSEQUENCES: usize = 200;
/// Orders and notices named with each.
const HITS: usize = 100;
/// What flaps is looked at so often.
const SETTLE_EVERY: Duration = Duration::from_secs(5);
/// What went unanswered is asked again so often.
const RETRY: Duration = Duration::from_secs(2);

/// What is followed.
pub(super) struct Followed {
    source: Arc<SqlSource>,
    register: watch::Receiver<State>,
    ledger: watch::Receiver<Status>,
    ledger_folder: PathBuf,
}

impl Followed {
    /// The gate's register with where it lives, and its ledger with its files.
    pub(super) fn of(source: Arc<SqlSource>, gate: &Gate, ledger: &Ledger, folder: &Path) -> Self {
        let (register, ledger) = (gate.register().watch(), ledger.status());
        Self { source, register, ledger, ledger_folder: folder.to_owned() }
    }
}

/// Follows everything, each in a task of its own, until the gate stops.
pub(super) fn all(
    tasks: &mut JoinSet<()>,
    gate: &Arc<Gate>,
    followed: Followed,
    watch: Watch,
    stop: &watch::Receiver<bool>,
) {
    let Followed { source, register: state, ledger: status, ledger_folder } = followed;
    let light = watch.light(What::Register, "register");
    tasks.spawn(register(Arc::clone(gate), (source, ledger_folder), state, light, stop.clone()));
    let light = watch.light(What::Ledger, "ledger");
    tasks.spawn(ledger(status, light, stop.clone()));
    tasks.spawn(watched(watch, stop.clone()));
}

/// Enters every new version of the register, with who made it and what it did, until the gate stops. Begins after
/// the last one that the ledger tells of, so that what was changed while the gate stood still is told too.
async fn register(
    gate: Arc<Gate>,
    (source, folder): (Arc<SqlSource>, PathBuf),
    mut state: watch::Receiver<State>,
    light: Light,
    mut stop: watch::Receiver<bool>,
) {
    let Some(last) = last_entered(&gate, &folder, &mut stop).await else { return };
    // Of a register that was never read, nothing can be said yet.
    let mut known = None;
    let (mut answered, mut opened) = (true, false);
    light.works();
    loop {
        let now = state.borrow_and_update().clone();
        if now.answers != answered {
            answered = now.answers;
            if answered {
                light.works();
                events::RegisterBack {}.emit();
            } else {
                light.fails("it does not answer");
                events::RegisterDown { why: now.why.as_deref().unwrap_or_default() }.emit();
            }
        }
        if let Some(newest) = now.version {
            let from = *known.get_or_insert_with(|| last.unwrap_or(newest).min(newest));
            if newest != from {
                match enter(&gate, &source, from, newest).await {
                    Ok(()) => {
                        known = Some(newest);
                        events::RegisterChanged { version: newest }.emit();
                    }
                    Err(error) => events::RegisterUnentered { error: &error }.emit(),
                }
            }
            if known == now.version && !opened {
                // Only now: where the next start begins, nothing must be missing before.
                note(&gate, json!({ "opened_at_version": newest }));
                opened = true;
            }
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = state.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(RETRY), if known != now.version => {}
        }
    }
}

/// The version that the ledger's last entry of the register tells of; read until it can be. `None` if the gate stops.
async fn last_entered(
    gate: &Gate,
    folder: &Path,
    stop: &mut watch::Receiver<bool>,
) -> Option<Option<i64>> {
    loop {
        let (folder, now) = (folder.to_owned(), gate.clock().now());
        let read = tokio::task::spawn_blocking(move || last_told(&folder, now)).await;
        match read {
            Ok(Ok(version)) => return Some(version),
            Ok(Err(error)) => events::RegisterUnentered { error: &error }.emit(),
            Err(_) => {}
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

/// The newest days are read first: a ledger may be long, and every start leaves such an entry.
fn last_told(folder: &Path, now: Timestamp) -> Result<Option<i64>, LedgerError> {
    for days in [Some(1), Some(32), None] {
        let since = days.map(|days| {
            let since = now.saturating_sub(SignedDuration::from_hours(24 * days));
            since.unwrap_or(Timestamp::MIN)
        });
        let filter = Filter { since, kinds: vec![Kind::Register], ..Filter::default() };
        let mut last = None;
        for entry in ledger::entries(folder, filter)? {
            let body: Value = serde_json::from_str(entry?.body()).unwrap_or_default();
            let told = ["version", "opened_at_version"].map(|key| body.get(key)?.as_i64());
            last = told.into_iter().flatten().next().or(last);
        }
        if last.is_some() {
            return Ok(last);
        }
    }
    Ok(None)
}

/// Why versions of the register cannot be entered yet.
#[derive(Debug, thiserror::Error)]
enum EnterError {
    #[error(transparent)]
    Register(#[from] RegisterError),
    #[error(transparent)]
    Cases(#[from] CasesError),
    #[error("the orders that are hit cannot be looked up: {0}")]
    BrokeOff(#[from] JoinError),
}

/// Enters the versions after `known`, up to `newest`: all of them or none.
async fn enter(gate: &Gate, source: &SqlSource, known: i64, newest: i64) -> Result<(), EnterError> {
    let versions = source.versions_after(known).await?;
    let stopped = stopped(gate, source, known).await?;
    for made in versions.into_iter().filter(|made| made.version <= newest) {
        let (at, who, what) = (made.at, made.who, made.what);
        let mut body = json!({ "at": at, "version": made.version, "what": what, "who": who });
        if let (Some(own), Some(body)) = (stopped.get(&made.version), body.as_object_mut()) {
            let told: Vec<_> = own.iter().take(CONSEQUENCES).cloned().collect();
            body.insert("more".to_owned(), json!(own.len() - told.len()));
            body.insert("consequences".to_owned(), json!(told));
        }
        note(gate, body);
    }
    Ok(())
}

/// What the versions after `known` stop, each with the open orders and notices that it hits, by version.
async fn stopped(
    gate: &Gate,
    source: &SqlSource,
    known: i64,
) -> Result<BTreeMap<i64, Vec<Value>>, EnterError> {
    let made = source.consequences_after(known).await?;
    let mut out: BTreeMap<i64, Vec<Value>> = BTreeMap::new();
    if made.is_empty() {
        return Ok(out);
    }
    let now = gate.clock().now();
    let today = gate.zone().to_datetime(now).date();
    let (cases, all) =
        (gate.cases().clone(), made.iter().map(|(_, own)| own.clone()).collect::<Vec<_>>());
    // It reads through every open order, and none waits for it.
    let open =
        background::run(async move { cases.open_documents(today, now, &all).await }).await??;
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
    Ok(out)
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
