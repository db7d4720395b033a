//! Every address bound, and then served: routes, and on the console port health, pages and what may be asked.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accounts::oidc::Oidc;
use crate::app::{AppError, explain};
use crate::config::Console;
use crate::feed::watch::{Light, Watch, What};
use crate::gate::Gate;
use crate::gate::office::Office;
use crate::inbound::cds_hooks;
use crate::inbound::console::bounds::Bounds;
use crate::inbound::console::pages::operations::Plant;
use crate::inbound::console::pages::{self, Desk};
use crate::inbound::console::{self, Health};
use crate::inbound::decision_api;
use crate::inbound::fhir;
use crate::inbound::mllp;
use crate::inbound::mllp::connection::Route;
use crate::inbound::mllp::listener;
use crate::telemetry::events;

/// An HL7 route whose address is bound, and whether its upstream can be reached.
pub(super) type BoundMllp = (Arc<mllp::Config>, TcpListener, Light);

/// Every address of the gate, bound.
pub(super) struct Bound {
    pub(super) mllp: Vec<BoundMllp>,
    pub(super) fhir: Vec<(Arc<str>, fhir::listener::Bound)>,
    pub(super) console: Option<TcpListener>,
}

/// Binds every address, or none.
pub(super) async fn bind(
    (mllp, fhir, console): (&[Arc<mllp::Config>], &[Arc<fhir::Config>], Option<SocketAddr>),
    gate: &Arc<Gate>,
    watch: &Watch,
) -> Result<Bound, AppError> {
    let mut bound = Bound { mllp: Vec::new(), fhir: Vec::new(), console: None };
    for config in mllp {
        let listener = listener::bind(config).map_err(|error| AppError::Bind {
            what: config.name.to_string(),
            address: config.listen,
            error,
        })?;
        let upstream = watch.light(What::Route, &config.name);
        bound.mllp.push((Arc::clone(config), listener, upstream));
    }
    for config in fhir {
        let name = Arc::clone(&config.name);
        let upstream = watch.light(What::Route, &config.name);
        let route = fhir::listener::bind(Arc::clone(config), Arc::clone(gate), upstream)
            .map_err(|error| AppError::Fhir(name.to_string(), error))?;
        bound.fhir.push((name, route));
    }
    if let Some(address) = console {
        let listening = TcpListener::bind(address).await;
        bound.console = Some(listening.map_err(|error| AppError::Bind {
            what: "console".to_owned(),
            address,
            error,
        })?);
    }
    Ok(bound)
}

/// Serves every route; its name and the address it is bound to.
pub(super) fn routes(
    tasks: &mut JoinSet<()>,
    (mllp, fhir): (Vec<BoundMllp>, Vec<(Arc<str>, fhir::listener::Bound)>),
    gate: &Arc<Gate>,
    stopped: &watch::Receiver<bool>,
) -> Vec<(Arc<str>, SocketAddr)> {
    let mut routes = Vec::new();
    for (config, listener, upstream) in mllp {
        routes.push((Arc::clone(&config.name), listener.local_addr().unwrap_or(config.listen)));
        let route = Route { config, gate: Arc::clone(gate), upstream };
        tasks.spawn(listener::run(route, listener, stopped.clone()));
    }
    for (name, route) in fhir {
        routes.push((name, route.address()));
        tasks.spawn(route.run(stopped.clone()));
    }
    routes
}

/// Serves the console port: health, what may be asked, and the pages.
pub(super) fn console(
    tasks: &mut JoinSet<()>,
    listener: TcpListener,
    all: (&Console, &[Arc<mllp::Config>], &[Arc<fhir::Config>]),
    office: &Arc<Office>,
    (health, plant): (Health, Plant),
) -> Result<(), AppError> {
    if let Some(listen) = address(Some(&listener)) {
        events::ConsoleListening { listen }.emit();
    }
    let asked = inquiries(all, &health.gate).merge(pages(office, &health, all.0, plant)?);
    tasks.spawn(console::serve(listener, all.0.tls.clone(), health, asked));
    Ok(())
}

/// Where it listens.
pub(super) fn address(listener: Option<&TcpListener>) -> Option<SocketAddr> {
    listener.and_then(|listener| listener.local_addr().ok())
}

/// The pages of the console.
fn pages(
    office: &Arc<Office>,
    health: &Health,
    console: &Console,
    plant: Plant,
) -> Result<axum::Router, AppError> {
    let oidc = console.oidc.clone().map(|settings| Oidc::new(settings, office.gate().clock()));
    let oidc = oidc.transpose().map_err(AppError::Oidc)?;
    let names = health.routes.iter().map(|(name, _)| Arc::clone(name)).collect();
    let (public_url, drain) = (console.public_url.as_deref(), health.drain.clone());
    let desk = Desk::new(Arc::clone(office), names, public_url, drain).with(plant);
    Ok(pages::router(desk.with_oidc(oidc).by_tls(console.tls.is_some())))
}

/// What may be asked on the console port.
fn inquiries(
    (console, hl7, fhir): (&Console, &[Arc<mllp::Config>], &[Arc<fhir::Config>]),
    gate: &Arc<Gate>,
) -> axum::Router {
    let bounds = Bounds::default();
    let Console { cds_hooks, decision_api, .. } = console;
    let hl7 = hl7.iter().map(|route| explain::hl7(route, gate));
    let fhir = fhir.iter().map(|route| explain::fhir(route, gate));
    let explainers = hl7.chain(fhir).chain([explain::drafts(cds_hooks, gate)]).collect();
    cds_hooks::router(cds_hooks, gate, &bounds).merge(decision_api::router(
        decision_api,
        gate,
        &bounds,
        explainers,
    ))
}
