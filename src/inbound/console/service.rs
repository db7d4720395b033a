//! `GET /livez`, `/readyz`, `/metrics` (contract §7).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::gate::Gate;
use crate::inbound::console::configured::Configured;
use crate::inbound::console::{listener, respond};
use crate::net::tls::ServerTls;
use crate::register::Readiness;
use crate::register::sources::fhir::status::{Pulls, Standing};

/// What health is told from.
#[derive(Clone)]
pub struct Health {
    /// The gate, for its register and ledger.
    pub gate: Arc<Gate>,
    /// Every route and where it listens.
    pub routes: Vec<(Arc<str>, SocketAddr)>,
    /// Whether the configuration on the disk is in force.
    pub configured: Configured,
    /// How pulls from a FHIR server stand, where there is one.
    pub pulls: Option<Pulls>,
    /// Renders all counters.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// True as soon as the gate stops.
    pub drain: watch::Receiver<bool>,
}

/// Serves health and metrics, and `more`, until the gate stops; by TLS where there is one.
pub async fn serve(listener: TcpListener, tls: Option<ServerTls>, health: Health, more: Router) {
    let drain = health.drain.clone();
    let app = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(health)
        .merge(more);
    listener::run(listener, tls, app, drain).await;
}

async fn livez() -> Response {
    respond::alive()
}

async fn readyz(State(health): State<Health>) -> Response {
    let mut checks = Vec::new();
    let draining = *health.drain.borrow();
    for (route, listen) in &health.routes {
        checks.push((format!("route {route} on {listen}"), !draining));
    }
    checks.push(register(health.gate.register().readiness()));
    checks.extend(health.pulls.as_ref().map(|pulls| pulled(&pulls.now(), &health.gate)));
    checks.push(("ledger".to_owned(), health.gate.ledger_writes()));
    respond::ready(&checks, health.configured.refused().as_ref())
}

/// A register that does not answer is used as it was last confirmed, for a while: that it is so must be seen.
fn register(state: Readiness) -> (String, bool) {
    let Readiness { answers, version, confirmed, usable } = state;
    let seconds = confirmed.as_secs();
    let name = match (answers, usable) {
        (true, true) => "register".to_owned(),
        (false, true) => {
            format!("register version {version}, does not answer, confirmed {seconds} s ago")
        }
        (_, false) => "register, does not answer".to_owned(),
    };
    (name, usable)
}

/// The register goes on without the server it is pulled from: how old what was pulled is must be seen.
fn pulled(standing: &Standing, gate: &Gate) -> (String, bool) {
    let Standing { pulled_at, failing } = standing;
    let age = pulled_at.map(|at| gate.clock().now().duration_since(at).as_secs());
    let last = age.map_or("never".to_owned(), |age| format!("last {age} s ago"));
    let why = failing.as_ref().map(|why| format!(", fails now: {why}")).unwrap_or_default();
    (format!("register pulled by FHIR {last}{why}"), true)
}

async fn metrics(State(health): State<Health>) -> Response {
    respond::metrics((health.metrics)())
}
