//! Pulls surgeons and grants from a FHIR server while the gate runs; of several gates that share a register, one does.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::background;
use crate::clock::Clock;
use crate::config::Settings;
use crate::feed::watch::{Light, Watch, What};
use crate::register::sources::fhir::apply::Applied;
use crate::register::sources::fhir::pull::{PullError, Pulled, Puller, Wish};
use crate::register::sources::fhir::status::Pulls;
use crate::register::sources::postgres::duty::Duties;
use crate::register::sources::sql::SqlSource;
use crate::telemetry::pulled as events;

/// The duty to pull.
const DUTY: &str = "fhir-pull";
/// While a pull goes on, the duty is kept so often; well before it would be lost.
const KEEP_EVERY: Duration = Duration::from_secs(3);
/// Whose pulls these are is looked at so often, and how old the last one is.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After failures, pulls are further and further apart, up to this.
const APART_MAX: Duration = Duration::from_secs(300);
/// A pull that breaks off once is tried again before anybody is told.
const TOLD_FROM: u32 = 2;
/// Of more faults the first are logged; `orgate register pull --dry-run` lists all.
const FAULTS_TOLD: usize = 20;

/// A puller that runs.
struct Pulling {
    puller: Puller,
    duties: Duties,
    pulls: Pulls,
    light: Light,
    poll: Duration,
    failures: u32,
}

/// Pulls until the gate stops, where a server is configured; how pulls stand.
pub(super) fn begin(
    tasks: &mut JoinSet<()>,
    settings: &Settings,
    (source, duties): (&Arc<SqlSource>, &Duties),
    (watch, clock): (&Watch, Clock),
    stop: &watch::Receiver<bool>,
) -> Option<Pulls> {
    let own = settings.fhir_source.clone()?;
    let (pulls, poll) = (Pulls::default(), own.poll);
    let who = format!("fhir {}", settings.node.name);
    let policy = settings.import_policy();
    let pulling = Pulling {
        puller: Puller::new(own, SqlSource::clone(source), policy, clock, who),
        duties: duties.clone(),
        pulls: pulls.clone(),
        light: watch.light(What::Source, "register.fhir"),
        poll,
        failures: 0,
    };
    // It reads much at a time, and no order waits for it.
    tasks.spawn_on(pulling.run(stop.clone()), &background::handle());
    Some(pulls)
}

impl Pulling {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut due = Duration::ZERO;
        loop {
            let round = async {
                match self.duties.hold(DUTY).await {
                    Ok(Some(_)) if due.is_zero() => {
                        self.pull().await;
                        due = self.pause();
                    }
                    Ok(Some(_)) => {}
                    outcome => {
                        // Whoever pulls meanwhile leaves this gate's knowledge behind.
                        self.puller.forget();
                        due = Duration::ZERO;
                        if outcome.is_ok() {
                            self.anothers();
                        }
                    }
                }
                if let Ok(state) = self.puller.state().await {
                    self.pulls.pulled(state.pulled_at);
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = round => {}
            }
            let pause = LOOK_EVERY.min(if due.is_zero() { LOOK_EVERY } else { due });
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(pause) => due = due.saturating_sub(pause),
            }
        }
    }

    /// How long after this pull the next one begins.
    fn pause(&self) -> Duration {
        let apart = self.poll.saturating_mul(1 << self.failures.saturating_sub(1).min(6));
        if self.failures == 0 { self.poll } else { apart.min(APART_MAX.max(self.poll)) }
    }

    /// Pulls once, and keeps the duty meanwhile; a pull whose duty is another gate's by now is given up.
    async fn pull(&mut self) {
        let duties = self.duties.clone();
        let keeping = async {
            loop {
                tokio::time::sleep(KEEP_EVERY).await;
                if let Ok(None) = duties.hold(DUTY).await {
                    return;
                }
            }
        };
        let outcome = tokio::select! {
            outcome = self.puller.pull(Wish::default()) => outcome,
            () = keeping => Err(PullError::Overtaken),
        };
        match outcome {
            Ok(pulled) => self.well(&pulled),
            Err(error) => self.badly(&error),
        }
    }

    /// Another gate pulls; how that goes, it tells.
    fn anothers(&mut self) {
        self.failures = 0;
        self.light.works();
        self.pulls.failing(None);
    }

    fn well(&mut self, pulled: &Pulled) {
        self.failures = 0;
        self.light.works();
        self.pulls.failing(None);
        let full = pulled.full.unwrap_or("no, only what has changed");
        events::FhirPulled { full, resources: pulled.listed }.emit();
        let Applied { changed, version, surgeons, grants, .. } = pulled.applied;
        if changed {
            let rows = [surgeons, grants].iter().map(|c| c.added + c.changed + c.ended).sum();
            events::FhirChanged { version, rows }.emit();
        }
    }

    fn badly(&mut self, error: &PullError) {
        self.failures = self.failures.saturating_add(1);
        if error.refused() {
            events::FhirRefused { error }.emit();
        } else {
            events::FhirFailed { error }.emit();
        }
        if let PullError::Faults(faults) = error {
            for fault in faults.iter().take(FAULTS_TOLD) {
                events::FhirFault { fault }.emit();
            }
        }
        self.pulls.failing(Some(error.to_string()));
        if error.refused() || self.failures >= TOLD_FROM {
            self.light.fails(&error.to_string());
        }
    }
}
