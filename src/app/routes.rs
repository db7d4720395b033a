//! Routes: what they go by, their addresses bound, and served.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::AppError;
use crate::app::reload::Lives;
use crate::config::Settings;
use crate::feed::watch::{Light, Watch, What};
use crate::gate::Gate;
use crate::gate::stance::StanceSwitch;
use crate::gate::terms::Terms;
use crate::inbound::fhir;
use crate::inbound::live::Live;
use crate::inbound::mllp;
use crate::inbound::mllp::connection::Route;
use crate::inbound::mllp::listener;

/// Every route's name and the switch of its stance.
pub(super) fn switches(
    mllp: &[Arc<mllp::Config>],
    fhir: &[Arc<fhir::Config>],
) -> Vec<(Arc<str>, StanceSwitch)> {
    let hl7 = mllp.iter().map(|route| (Arc::clone(&route.name), route.stance.clone()));
    let fhir = fhir.iter().map(|route| (Arc::clone(&route.name), route.stance.clone()));
    hl7.chain(fhir).collect()
}

/// What every route and the console go by, to begin with.
pub(super) fn lives(settings: &Settings, terms: &Arc<Terms>) -> Lives {
    let Settings { mllp, fhir, console, .. } = settings;
    let mllp = mllp.iter().map(|route| Live::new(Arc::clone(route), Arc::clone(terms)));
    let fhir = fhir.iter().map(|route| Live::new(Arc::clone(route), Arc::clone(terms)));
    let cds = Live::new(Arc::clone(&console.cds_hooks), Arc::clone(terms));
    Lives { mllp: mllp.collect(), fhir: fhir.collect(), cds }
}

/// An HL7 route whose address is bound, and whether its upstream can be reached.
type BoundMllp = (Live<mllp::Config>, TcpListener, Light);

/// Every address of the gate, bound.
pub(super) struct Bound {
    pub(super) mllp: Vec<BoundMllp>,
    pub(super) fhir: Vec<(Arc<str>, fhir::listener::Bound)>,
    pub(super) console: Option<TcpListener>,
}

/// Binds every address.
///
/// # Errors
/// One cannot be bound.
pub(super) async fn bind(
    lives: &Lives,
    console: Option<SocketAddr>,
    gate: &Arc<Gate>,
    watch: &Watch,
) -> Result<Bound, AppError> {
    let mut bound = Bound { mllp: Vec::new(), fhir: Vec::new(), console: None };
    for live in &lives.mllp {
        let config = live.now().config;
        let listener = listener::bind(&config).map_err(|error| AppError::Bind {
            what: config.name.to_string(),
            address: config.listen,
            error,
        })?;
        let upstream = watch.light(What::Route, &config.name);
        bound.mllp.push((live.clone(), listener, upstream));
    }
    for live in &lives.fhir {
        let config = live.now().config;
        let name = Arc::clone(&config.name);
        let upstream = watch.light(What::Route, &config.name);
        let route = fhir::listener::bind(live.clone(), Arc::clone(gate), upstream)
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
pub(super) fn serve(
    tasks: &mut JoinSet<()>,
    (mllp, fhir): (Vec<BoundMllp>, Vec<(Arc<str>, fhir::listener::Bound)>),
    gate: &Arc<Gate>,
    stopped: &watch::Receiver<bool>,
) -> Vec<(Arc<str>, SocketAddr)> {
    let mut routes = Vec::new();
    for (live, listener, upstream) in mllp {
        let config = live.now().config;
        routes.push((Arc::clone(&config.name), listener.local_addr().unwrap_or(config.listen)));
        let route = Route::new(live, Arc::clone(gate), upstream);
        tasks.spawn(listener::run(route, listener, stopped.clone()));
    }
    for (name, route) in fhir {
        routes.push((name, route.address()));
        tasks.spawn(route.run(stopped.clone()));
    }
    routes
}
