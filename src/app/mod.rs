//! Settings → running program → drain. Everything is opened and bound before anything is served.

mod catch_up;
mod configuration;
mod explain;
mod follow;
mod gauges;
mod office;
mod overdue;
mod plant;
mod recall;
mod reload;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::accounts::error::AccountsError;
use crate::accounts::oidc::Oidc;
use crate::app::catch_up::CatchUpError;
use crate::app::follow::Followed;
use crate::app::gauges::Gauges;
use crate::app::reload::{Lives, Reloader};
use crate::cases::error::CasesError;
use crate::cases::{self, Cases};
use crate::clock::Clock;
use crate::config::{Console, Settings};
use crate::feed::watch::{Light, Watch, What};
use crate::feed::{FeedError, Feeds};
use crate::gate::office::{Office, Works};
use crate::gate::stance::StanceSwitch;
use crate::gate::stances::{Restored, Stances, StancesUnread};
use crate::gate::terms::Terms;
use crate::gate::{Gate, Parts};
use crate::inbound::cds_hooks;
use crate::inbound::console::bounds::Bounds;
use crate::inbound::console::configured::Configured;
use crate::inbound::console::pages::operations::Plant;
use crate::inbound::console::pages::{self, Desk};
use crate::inbound::console::{self, Health};
use crate::inbound::decision_api;
use crate::inbound::fhir;
use crate::inbound::live::Live;
use crate::inbound::mllp;
use crate::inbound::mllp::connection::Route;
use crate::inbound::mllp::listener;
use crate::ledger::{FileStore, Ledger, LedgerError, Recovered};
use crate::net::client::ClientError;
use crate::overrides::error::OverridesError;
use crate::register::Register;
use crate::register::error::RegisterError;
use crate::register::sources::sqlite::{self, Keeping};
use crate::search::error::SearchError;
use crate::telemetry::events;
use crate::telemetry::office as office_events;

/// Why the gate cannot start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The ledger cannot be opened.
    #[error("the ledger cannot be opened: {0}")]
    Ledger(#[from] LedgerError),
    /// The register cannot be opened.
    #[error("the register cannot be opened: {0}")]
    Register(#[from] RegisterError),
    /// The case index cannot be opened.
    #[error("the case index cannot be opened: {0}")]
    Cases(#[from] CasesError),
    /// The feeds cannot be opened.
    #[error("the feeds cannot start: {0}")]
    Feed(#[from] FeedError),
    /// The accounts cannot be opened.
    #[error("the accounts cannot be opened: {0}")]
    Accounts(#[from] AccountsError),
    /// The identity provider could never be asked.
    #[error("[console.oidc]: {0}")]
    Oidc(ClientError),
    /// The search index cannot be opened.
    #[error("the search index cannot be opened: {0}; delete it, it is built anew from the ledger")]
    Search(#[from] SearchError),
    /// The index of override files cannot be opened.
    #[error("{0}; delete it, it is built anew from the ledger")]
    Overrides(#[from] OverridesError),
    /// The changes of stances cannot be read.
    #[error(transparent)]
    Stances(#[from] StancesUnread),
    /// An address cannot be bound.
    #[error("`{what}` cannot listen on {address}: {error}, free the port or change `listen`")]
    Bind {
        /// Route or console.
        what: String,
        /// Where.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// A FHIR route cannot be bound.
    #[error("`{0}`: {1}")]
    Fhir(String, fhir::listener::BindError),
}

/// A gate that runs.
pub struct Running {
    gate: Arc<Gate>,
    cases: Cases,
    ledger: Ledger,
    office: Arc<Office>,
    routes: Vec<(Arc<str>, SocketAddr)>,
    console: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    reload: mpsc::Sender<()>,
    tasks: JoinSet<()>,
    drain: Duration,
}

/// Opens ledger and register, binds every address, and serves.
///
/// # Errors
/// When anything cannot be opened or bound; then nothing is served.
pub async fn start(
    settings: Settings,
    clock: Clock,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
) -> Result<Running, AppError> {
    let store = FileStore::open(&settings.node.data_dir)?;
    let cases = open_cases(&settings).await?;
    let (ledger, recovered) = Ledger::open(store, settings.ledger.clone(), clock)?;
    let feeds = Feeds::open(settings.feeds.clone(), settings.feed_ground(clock), &ledger)?;
    let watch = feeds.watch().clone();
    let desk = office::open(&settings).await?;
    let (kept_in, due_days) = (settings.stances_file(), settings.report_due_days);
    let ladder = settings.ladder.clone();
    let source = Arc::new(sqlite::open(&settings.register_file).await?);
    let register = Register::open(settings.register, Arc::clone(&source) as Arc<_>).await?;
    let (started, configuration) = configuration::begun(&settings.written, clock.now());
    let (policy, keep_message_max) = (settings.policy, settings.keep_message_max);
    let terms = Arc::new(Terms { policy, keep_message_max, configuration });
    let gate = Arc::new(Gate::new(Parts {
        register,
        cases: cases.clone(),
        ledger: ledger.clone(),
        terms: Arc::clone(&terms),
        zone: settings.node.zone,
        clock,
        sync_every: settings.sync_every,
    }));
    let switches = switches(&settings.mllp, &settings.fhir);
    let (stances, restored) = Stances::restore(&kept_in, switches)?;
    restored.iter().for_each(tell_stance);
    recall::recall(&gate, &recovered, &stances, clock.now())?;
    ledger.append_later(started);
    catch_up::catch_up(&cases, &settings.ledger_dir, clock.now()).await?;
    let works = Works { stances: stances.clone(), ledger: ledger.clone(), due_days };
    let parts = desk.parts(&gate, &source, &settings.ledger_dir, ladder, works);
    let office = Arc::new(Office::new(parts));
    tell(&recovered);
    let lives = Arc::new(lives(&settings.mllp, &settings.fhir, &settings.console, &terms));
    let Bound { mllp, fhir, console: console_listener } =
        bind(&lives, settings.console.listen, &gate, &watch).await?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let folder = settings.ledger_dir.clone();
    let followed = Followed::of(source, &gate, &ledger, &folder);
    follow::all(&mut tasks, &gate, followed, watch.clone(), &stopped);
    let days = overdue::days(&gate, feeds.overdue(), settings.report_due_days);
    tasks.spawn(overdue::follow(days, stopped.clone()));
    let feeds = feeds.run(&ledger)?;
    let configured = Configured::default();
    let places = (feeds.places(), configured.clone());
    let gauges = Gauges::new(&gate, &ledger, &stances, places, &watch);
    let metrics = looked_up(gauges, metrics);
    let (reload, asked) = mpsc::channel(1);
    let how = (settings.written, settings.watch);
    let reloader = Reloader::new(&office, &lives, feeds, &configured, how);
    tasks.spawn(reloader.run(asked, stopped.clone()));
    office::follow(&mut tasks, &office, &ledger, &folder, &stopped);
    tasks.spawn(catch_up::follow(cases.clone(), folder, clock, stopped.clone()));
    let mut routes = Vec::new();
    for (live, listener, upstream) in mllp {
        let config = live.now().config;
        routes.push((Arc::clone(&config.name), listener.local_addr().unwrap_or(config.listen)));
        let route = Route::new(live, Arc::clone(&gate), upstream);
        tasks.spawn(listener::run(route, listener, stopped.clone()));
    }
    for (name, route) in fhir {
        routes.push((name, route.address()));
        tasks.spawn(route.run(stopped.clone()));
    }
    let console = console_listener.as_ref().and_then(|listener| listener.local_addr().ok());
    if let Some(listen) = console {
        events::ConsoleListening { listen }.emit();
    }
    if let Some(listener) = console_listener {
        let asked = inquiries(&lives, &settings.console, &gate);
        let health = Health {
            gate: Arc::clone(&gate),
            routes: routes.clone(),
            configured,
            metrics,
            drain: stopped,
        };
        let plant = plant::plant(&lives, &routes);
        let more = asked.merge(pages(&office, &health, &settings.console, plant)?);
        tasks.spawn(console::serve(listener, health, more));
    }
    let drain = settings.drain;
    Ok(Running { gate, cases, ledger, office, routes, console, stop, reload, tasks, drain })
}

impl From<CatchUpError> for AppError {
    fn from(error: CatchUpError) -> Self {
        match error {
            CatchUpError::Ledger(error) => error.into(),
            CatchUpError::Cases(error) => error.into(),
        }
    }
}

/// Every route's name and the switch of its stance.
fn switches(
    mllp: &[Arc<mllp::Config>],
    fhir: &[Arc<fhir::Config>],
) -> Vec<(Arc<str>, StanceSwitch)> {
    let hl7 = mllp.iter().map(|route| (Arc::clone(&route.name), route.stance.clone()));
    let fhir = fhir.iter().map(|route| (Arc::clone(&route.name), route.stance.clone()));
    hl7.chain(fhir).collect()
}

/// What every route and the console go by, to begin with.
fn lives(
    mllp: &[Arc<mllp::Config>],
    fhir: &[Arc<fhir::Config>],
    console: &Console,
    terms: &Arc<Terms>,
) -> Lives {
    let mllp = mllp.iter().map(|route| Live::new(Arc::clone(route), Arc::clone(terms)));
    let fhir = fhir.iter().map(|route| Live::new(Arc::clone(route), Arc::clone(terms)));
    let cds = Live::new(Arc::clone(&console.cds_hooks), Arc::clone(terms));
    Lives { mllp: mllp.collect(), fhir: fhir.collect(), cds }
}

/// The metrics with what is looked up when they are asked for.
fn looked_up(
    gauges: Gauges,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
) -> Arc<dyn Fn() -> String + Send + Sync> {
    Arc::new(move || {
        gauges.look();
        metrics()
    })
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
    Ok(pages::router(desk.with_oidc(oidc)))
}

/// Every address of the gate, bound.
struct Bound {
    mllp: Vec<(Live<mllp::Config>, TcpListener, Light)>,
    fhir: Vec<(Arc<str>, fhir::listener::Bound)>,
    console: Option<TcpListener>,
}

async fn bind(
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

/// What may be asked on the console port.
fn inquiries(lives: &Lives, console: &Console, gate: &Arc<Gate>) -> axum::Router {
    let bounds = Bounds::default();
    let Lives { mllp: hl7, fhir, cds: cds_hooks } = lives;
    let decision_api = &console.decision_api;
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

/// The case index of the configured gate; the file is made if need be.
///
/// # Errors
/// It cannot be used, or is of a newer program.
pub async fn open_cases(settings: &Settings) -> Result<Cases, AppError> {
    let pool = sqlite::connect(&settings.cases_file(), Keeping::Whole).await?;
    Ok(Cases::open(pool, cases::Config::embedded(&settings.node.name)).await?)
}

pub use office::{open_accounts, open_search, reindex};

impl Running {
    /// Every route and the address it is bound to.
    pub fn routes(&self) -> &[(Arc<str>, SocketAddr)] {
        &self.routes
    }

    /// Where health and metrics are served.
    pub fn console(&self) -> Option<SocketAddr> {
        self.console
    }

    /// The gate itself.
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// What people do at the console.
    pub fn office(&self) -> &Arc<Office> {
        &self.office
    }

    /// Has the configuration read again; what is being read already is enough.
    pub fn reload(&self) {
        let _ = self.reload.try_send(());
    }

    /// Stops taking work, finishes what is in flight within the drain time, closes the ledger.
    pub async fn stop(mut self) {
        events::Draining {}.emit();
        let _ = self.stop.send(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        let cut = tokio::time::timeout(self.drain, finished).await.is_err();
        self.tasks.shutdown().await;
        self.ledger.close().await;
        self.cases.close(self.drain).await;
        self.office.search().close().await;
        self.office.accounts().close().await;
        events::Stopped { cut: usize::from(cut) }.emit();
    }
}

/// A stance that people had changed before the gate stopped.
fn tell_stance(restored: &Restored) {
    let route = &*restored.route;
    if restored.in_force {
        office_events::StanceKept { route }.emit();
    } else {
        office_events::StanceForgotten { route }.emit();
    }
}

/// What was found when the ledger was opened.
fn tell(recovered: &Recovered) {
    if let Some(torn) = &recovered.torn {
        events::LedgerTorn { file: &torn.file, bytes: torn.bytes }.emit();
    }
    let sync_us = recovered.sync_time.map_or(0, |time| time.as_micros());
    events::LedgerOpened { seq: recovered.head.seq, sync_us }.emit();
}
