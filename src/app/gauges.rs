//! What is looked up when somebody asks for the metrics: how things stand, instead of what happened.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::verdict::Stance;
use crate::feed::running::Board;
use crate::feed::watch::{Light, Watch, What};
use crate::gate::Gate;
use crate::gate::stances::Stances;
use crate::inbound::console::configured::Configured;
use crate::ledger::Ledger;
use crate::register::sources::fhir::status::{Pulls, Standing};
use crate::search::Search;
use crate::telemetry::state;

/// Everything that is looked at.
pub(super) struct Gauges {
    gate: Arc<Gate>,
    ledger: Ledger,
    stances: Stances,
    seen: Seen,
    routes: Vec<(Arc<str>, Light)>,
}

/// What stands beside the gate.
pub(super) struct Seen {
    /// How far feeds are.
    pub(super) feeds: Board,
    /// How far the index of entries is.
    pub(super) search: Search,
    /// Whether the configuration on disk is in force.
    pub(super) configured: Configured,
    /// How pulls from a FHIR server go, where there are any.
    pub(super) pulls: Option<Pulls>,
}

impl Gauges {
    /// Of a gate that runs.
    pub(super) fn new(
        gate: &Arc<Gate>,
        ledger: &Ledger,
        stances: &Stances,
        seen: Seen,
        watch: &Watch,
    ) -> Self {
        let light = |(name, _): (Arc<str>, _)| {
            let light = watch.light(What::Route, &name);
            (name, light)
        };
        let routes = stances.all().into_iter().map(light).collect();
        let (gate, ledger, stances) = (Arc::clone(gate), ledger.clone(), stances.clone());
        Self { gate, ledger, stances, seen, routes }
    }

    /// Looks at everything before these metrics are rendered.
    pub(super) fn before(
        self,
        metrics: Arc<dyn Fn() -> String + Send + Sync>,
    ) -> Arc<dyn Fn() -> String + Send + Sync> {
        Arc::new(move || {
            self.look();
            metrics()
        })
    }

    /// Looks at everything.
    fn look(&self) {
        let register = self.gate.register().readiness();
        state::register(register.answers, register.version, register.confirmed);
        if let Some(Standing { pulled_at, failing }) = self.seen.pulls.as_ref().map(Pulls::now) {
            let now = self.gate.clock().now();
            let age = pulled_at.and_then(|at| Duration::try_from(now.duration_since(at)).ok());
            state::pulls(age, failing.is_some());
        }
        let (status, head) = (self.ledger.status().borrow().clone(), self.ledger.head().seq);
        state::ledger(status.fault.is_none(), head, status.lost);
        for (feed, seq) in self.seen.feeds.places() {
            state::feed(&feed, head.saturating_sub(seq));
        }
        state::index("search", head.saturating_sub(self.seen.search.place()));
        state::index("cases", u64::try_from(self.gate.cases().backlog()).unwrap_or(u64::MAX));
        for (route, light) in &self.routes {
            let now = self.stances.of(route).map(|switch| switch.now());
            let enforces = now.is_some_and(|now| now.stance == Stance::Enforce);
            state::route(route, light.is_up(), enforces);
        }
        state::configuration(self.seen.configured.refused().is_none());
    }
}
