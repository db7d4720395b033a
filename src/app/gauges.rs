//! What is looked up when somebody asks for the metrics: how things stand, instead of what happened.

use std::sync::Arc;

use crate::domain::verdict::Stance;
use crate::feed::running::Board;
use crate::feed::watch::{Light, Watch, What};
use crate::gate::Gate;
use crate::gate::stances::Stances;
use crate::inbound::console::configured::Configured;
use crate::ledger::Ledger;
use crate::search::Search;
use crate::telemetry::state;

/// Everything that is looked at.
pub(super) struct Gauges {
    gate: Arc<Gate>,
    ledger: Ledger,
    stances: Stances,
    feeds: Board,
    configured: Configured,
    search: Search,
    routes: Vec<(Arc<str>, Light)>,
}

impl Gauges {
    /// Of a gate that runs.
    pub(super) fn new(
        (gate, search): (&Arc<Gate>, &Search),
        ledger: &Ledger,
        stances: &Stances,
        (feeds, configured): (Board, Configured),
        watch: &Watch,
    ) -> Self {
        let light = |(name, _): (Arc<str>, _)| {
            let light = watch.light(What::Route, &name);
            (name, light)
        };
        let routes = stances.all().into_iter().map(light).collect();
        let (gate, ledger, stances) = (Arc::clone(gate), ledger.clone(), stances.clone());
        Self { gate, ledger, stances, feeds, configured, search: search.clone(), routes }
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
        let (status, head) = (self.ledger.status().borrow().clone(), self.ledger.head().seq);
        state::ledger(status.fault.is_none(), head, status.lost);
        for (feed, seq) in self.feeds.places() {
            state::feed(&feed, head.saturating_sub(seq));
        }
        state::index("search", head.saturating_sub(self.search.place()));
        state::index("cases", u64::try_from(self.gate.cases().backlog()).unwrap_or(u64::MAX));
        for (route, light) in &self.routes {
            let now = self.stances.of(route).map(|switch| switch.now());
            let enforces = now.is_some_and(|now| now.stance == Stance::Enforce);
            state::route(route, light.is_up(), enforces);
        }
        state::configuration(self.configured.refused().is_none());
    }
}
