//! An edited configuration taken up while the gate runs: all of it that can be, or nothing.
//!
//! Read and checked as at the start, compared with what is in force, entered in the ledger, and only then swapped in;
//! connections stay as they are. What cannot change without a restart is named.

mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{mpsc, watch as channel};
use tokio::task::JoinSet;

use crate::app::configuration::Reload;
use crate::app::reload::watch::look;
use crate::config::fault::Fault;
use crate::config::written::{Difference, Written};
use crate::config::{self, Settings};
use crate::feed::running::{Board, Plan, Running as Feeds};
use crate::gate::office::Office;
use crate::gate::stance::{RouteStance, StanceSwitch};
use crate::gate::stances::Written as WrittenStance;
use crate::gate::terms::{Configuration, Terms};
use crate::inbound::console::configured::{Configured, Refused};
use crate::inbound::live::Live;
use crate::inbound::{cds_hooks, fhir, mllp};
use crate::telemetry::office as office_events;
use crate::telemetry::reload as events;

/// How often the files are looked at; what was touched is read once it has lain still so long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What the ledger could not record is tried again after this.
const RETRY: Duration = Duration::from_secs(10);
/// Of a file with more faults the first are told.
const FAULTS_TOLD: usize = 20;

/// What the routes and the console go by.
pub(super) struct Lives {
    pub(super) mllp: Vec<Live<mllp::Config>>,
    pub(super) fhir: Vec<Live<fhir::Config>>,
    pub(super) cds: Live<cds_hooks::Config>,
}

/// What others need of it: how to ask for a reload, which feeds run, and whether the files are in force.
pub(super) struct Reloading {
    pub(super) reload: mpsc::Sender<()>,
    pub(super) board: Board,
    pub(super) configured: Configured,
}

/// Follows the files of a gate that runs by `written`, by itself if it `watches`, until the gate stops.
pub(super) fn begin(
    tasks: &mut JoinSet<()>,
    office: &Arc<Office>,
    lives: &Arc<Lives>,
    (feeds, written, watches): (Feeds, Written, bool),
    stop: &channel::Receiver<bool>,
) -> Reloading {
    let (board, configured) = (feeds.board(), Configured::default());
    let (reload, asked) = mpsc::channel(1);
    let reloader = Reloader {
        office: Arc::clone(office),
        lives: Arc::clone(lives),
        feeds,
        configured: configured.clone(),
        begun: written.clone(),
        last: written,
        at_fault: Vec::new(),
        watches,
    };
    tasks.spawn(reloader.run(asked, stop.clone()));
    Reloading { reload, board, configured }
}

/// Takes up configurations.
struct Reloader {
    office: Arc<Office>,
    lives: Arc<Lives>,
    feeds: Feeds,
    configured: Configured,
    /// What the gate was started with: what needs a restart still goes by it.
    begun: Written,
    /// What was taken up last.
    last: Written,
    /// Files that faults are in, besides those in force.
    at_fault: Vec<PathBuf>,
    watches: bool,
}

/// How a reload ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    Done,
    /// The ledger could not record it.
    Unrecorded,
}

impl Reloader {
    /// Works until the gate stops; then ends the feeds.
    async fn run(mut self, mut asked: mpsc::Receiver<()>, mut stop: channel::Receiver<bool>) {
        let mut seen = look(self.files()).await;
        let mut before = seen.clone();
        let mut again = None;
        loop {
            let by = tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some(()) = asked.recv() => "signal",
                () = tokio::time::sleep(RETRY), if again.is_some() => again.unwrap_or("watch"),
                () = tokio::time::sleep(LOOK_EVERY), if self.watches && again.is_none() => "watch",
            };
            let now = look(self.files()).await;
            let still = now == before;
            before = now.clone();
            if by == "watch" && again.is_none() && (now == seen || !still) {
                continue;
            }
            again = (self.reload(by).await == Ended::Unrecorded).then_some(by);
            // Other files may be looked at from now on.
            seen = look(self.files()).await.or_before(&now);
            before = seen.clone();
        }
        self.feeds.stop().await;
    }

    /// Takes up what stands in the files.
    async fn reload(&mut self, by: &'static str) -> Ended {
        let Some(file) = self.last.file.clone() else { return Ended::Done };
        let loaded = tokio::task::spawn_blocking(move || config::load(&file)).await;
        let mut settings = match loaded {
            Ok(Ok(settings)) => settings,
            Ok(Err(faults)) => return self.refused(&faults.0),
            Err(_) => return Ended::Done,
        };
        let plan = match self.feeds.plan(std::mem::take(&mut settings.feeds)) {
            Ok(plan) => plan,
            Err(error) => {
                let place = self.last.file.as_deref().unwrap_or_else(|| "".as_ref());
                let (file, text) = (place.display().to_string(), error.to_string());
                return self.refused(&[Fault { file, line: None, text }]);
            }
        };
        self.at_fault.clear();
        if settings.written.digest() == self.last.digest() && plan.is_empty() {
            self.configured.set(None);
            events::ConfigurationUnchanged {}.emit();
            return Ended::Done;
        }
        self.take_up(settings, plan, by).await
    }

    /// Enters it, and swaps it in.
    async fn take_up(&mut self, settings: Settings, plan: Plan, by: &'static str) -> Ended {
        let office = Arc::clone(&self.office);
        let turn = office.hold().await;
        let switches = switches(&settings, &office);
        let changed: Vec<_> =
            switches.iter().filter(|(_, from, switch)| **from != *switch.now()).collect();
        let differ = |older: &Written, at_run_time: bool| {
            let mut all = older.differences(&settings.written);
            all.retain(|one| one.at_run_time == at_run_time);
            all
        };
        let (applied, restart) = (differ(&self.last, true), differ(&self.begun, false));
        let files = self.last.files(&settings.written);
        let reload = Reload {
            by,
            written: &settings.written,
            applied: &applied,
            restart: &restart,
            changed: &files,
            stances: changed
                .iter()
                .map(|(route, from, switch)| {
                    let to = WrittenStance::of(&switch.now());
                    json!({ "from": WrittenStance::of(from), "route": &**route, "to": to })
                })
                .collect(),
        };
        let Ok(entry) = office.enter_configuration(&reload.body()).await else {
            events::ConfigurationUnrecorded {}.emit();
            return Ended::Unrecorded;
        };
        let digest = settings.written.digest().into();
        let configuration = Configuration { entry: entry.as_str().into(), digest };
        self.last = settings.written.clone();
        self.swap(settings, configuration, &switches).await;
        // Before the turn ends: the next act may change them again.
        for (route, _, switch) in &changed {
            let now = switch.now();
            let (stance, departments) = (now.stance.as_str(), now.departments.len());
            office_events::StanceChanged { route, stance, departments }.emit();
        }
        drop(turn);
        self.feeds.take_up(plan).await;
        self.configured.set(None);
        // Last: who reads that it is taken up may count on it.
        tell(&entry, by, (&applied, &restart), &files.iter().map(|f| &*f.path).collect::<Vec<_>>());
        Ended::Done
    }

    /// From here on every message that begins is judged by it.
    async fn swap(
        &self,
        settings: Settings,
        configuration: Configuration,
        switches: &[(Arc<str>, Arc<RouteStance>, StanceSwitch)],
    ) {
        let (policy, keep_message_max) = (settings.policy, settings.keep_message_max);
        let terms = Arc::new(Terms { policy, keep_message_max, configuration });
        let of = |name: &str| {
            let own = switches.iter().find(|(route, ..)| **route == *name);
            own.map(|(_, _, switch)| switch.clone())
        };
        for live in &self.lives.mllp {
            let held = live.now().config;
            let new = settings.mllp.iter().find(|new| new.name == held.name);
            let new = new.zip(of(&held.name));
            let new = new.map(|(new, switch)| Arc::new((**new).clone().taken_up(&held, switch)));
            live.set(new.unwrap_or(held), Arc::clone(&terms));
        }
        for live in &self.lives.fhir {
            let held = live.now().config;
            let new = settings.fhir.iter().find(|new| new.name == held.name);
            let new = new.zip(of(&held.name));
            let new = new.map(|(new, switch)| Arc::new((**new).clone().taken_up(&held, switch)));
            live.set(new.unwrap_or(held), Arc::clone(&terms));
        }
        let held = self.lives.cds.now().config;
        let new = held.taken_up(&settings.console.cds_hooks);
        self.lives.cds.set(Arc::new(new), Arc::clone(&terms));
        let office = Arc::clone(&self.office);
        office.gate().set_terms(terms);
        // Files are made durable on a thread of their own.
        let new = switches.iter().map(|(route, _, switch)| (Arc::clone(route), switch.clone()));
        let new: Vec<_> = new.collect();
        let took = tokio::task::spawn_blocking(move || office.stances().take_up(new)).await;
        let Ok((void, kept)) = took else { return };
        for route in &void {
            office_events::StanceForgotten { route }.emit();
            if let Err(error) = &kept {
                office_events::StanceUnkept { route, error }.emit();
            }
        }
    }

    /// Tells why nothing changes.
    fn refused(&mut self, faults: &[Fault]) -> Ended {
        for fault in faults.iter().take(FAULTS_TOLD) {
            events::ConfigurationFault { fault }.emit();
        }
        events::ConfigurationRefused { faults: faults.len() }.emit();
        let place = faults.first().map(|fault| match fault.line {
            Some(line) => format!("{}:{line}", fault.file),
            None => fault.file.clone(),
        });
        let place = place.unwrap_or_default();
        let told = faults.iter().take(FAULTS_TOLD).map(ToString::to_string).collect();
        let at = self.office.gate().clock().now();
        self.configured.set(Some(Refused { faults: faults.len(), place, at, told }));
        self.at_fault = faults.iter().map(|fault| PathBuf::from(&fault.file)).collect();
        Ended::Done
    }

    /// The files that are looked after.
    fn files(&self) -> Vec<PathBuf> {
        let own = self.last.file.iter().cloned();
        let read = self.last.sources.iter().map(|source| PathBuf::from(&source.path));
        own.chain(read).chain(self.at_fault.iter().cloned()).collect()
    }
}

/// The routes that run, what is in force of each, and its switch by the new configuration.
fn switches(
    settings: &Settings,
    office: &Office,
) -> Vec<(Arc<str>, Arc<RouteStance>, StanceSwitch)> {
    let mllp = settings.mllp.iter().map(|route| (&route.name, &route.stance));
    let fhir = settings.fhir.iter().map(|route| (&route.name, &route.stance));
    let stances = office.stances();
    let of = |(name, new): (&Arc<str>, &StanceSwitch)| {
        let now = stances.of(name)?.now();
        Some((Arc::clone(name), now, stances.edited(name, new.file())?))
    };
    mllp.chain(fhir).filter_map(of).collect()
}

fn tell(
    entry: &str,
    by: &'static str,
    (applied, restart): (&[Difference], &[Difference]),
    files: &[&str],
) {
    let keys: Vec<&str> = applied.iter().map(|one| &*one.key).collect();
    let (keys, files) = (keys.join(","), files.join(","));
    events::ConfigurationTakenUp { entry, by, keys: &keys, files: &files }.emit();
    for difference in restart {
        events::RestartNeeded { key: &difference.key }.emit();
    }
}
