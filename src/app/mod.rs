//! Settings → running program → drain. Everything is opened and bound before anything is served.

pub mod backup;
mod catch_up;
pub(crate) mod certificates;
mod configuration;
mod explain;
mod follow;
mod gauges;
mod office;
mod others;
mod outage;
mod overdue;
mod plant;
mod port;
mod pulled;
mod recall;
mod reload;
mod retention;
mod routes;
mod shared;
mod traces;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::accounts::error::AccountsError;
use crate::app::catch_up::CatchUpError;
use crate::app::follow::Followed;
use crate::app::gauges::{Gauges, Seen};
use crate::app::reload::Reloading;
use crate::app::routes::Bound;
use crate::app::shared::Needed;
use crate::cases::Cases;
use crate::cases::error::CasesError;
use crate::clock::Clock;
use crate::config::Settings;
use crate::feed::{FeedError, Feeds};
use crate::gate::office::{Office, Works};
use crate::gate::stances::{Restored, Stances, StancesUnread};
use crate::gate::terms::{Configuration, Terms};
use crate::gate::{Gate, Parts};
use crate::inbound::console::{self, Health};
use crate::inbound::fhir;
use crate::ledger::{FileStore, Ledger, LedgerError, Recovered};
use crate::net::client::ClientError;
use crate::overrides::error::OverridesError;
use crate::register::Register;
use crate::register::error::RegisterError;
use crate::register::sources::postgres::duty::Duties;
use crate::register::sources::sql::SqlSource;
use crate::search::error::SearchError;
use crate::telemetry::events;
use crate::telemetry::office as office_events;
use crate::telemetry::trace::Tracer;

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
    /// The collector of traces could never be reached.
    #[error("[telemetry]: {0}")]
    Traces(ClientError),
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
    /// A restore broke off.
    #[error("a restore into `{0}` has not ended: empty the folder and restore again")]
    Unfinished(PathBuf),
    /// The admin channel cannot be made.
    #[error(
        "the admin channel {socket} cannot be made ({error}): its folder must be the gate's own, and the \
         path no longer than a socket's may be (107 bytes), give a shorter data_dir"
    )]
    Admin {
        /// The socket.
        socket: String,
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
    duties: Duties,
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
    if backup::unfinished(&settings.node.data_dir) {
        return Err(AppError::Unfinished(settings.node.data_dir));
    }
    let cases = shared::cases(&settings, Needed::InTime, clock.now()).await?;
    let store = FileStore::open(&settings.node.data_dir)?;
    let (ledger, recovered) = Ledger::open(store, settings.ledger.clone(), clock)?;
    let feeds = Feeds::open(settings.feeds.clone(), settings.feed_ground(clock), &ledger)?;
    let watch = feeds.watch().clone();
    let certificates = certificates::watched(&settings.certificates(), &watch);
    let (desk, duties) = office::open(&settings).await?;
    let (kept_in, due_days) = (settings.stances_file(), settings.report_due_days);
    let ladder = settings.ladder.clone();
    let source = Arc::new(settings.register_at.open().await?);
    let (bypass, socket) = (outage::bypass(&settings, clock), outage::bind(&settings)?);
    let (started, configuration) = configuration::begun(&settings.written, clock.now());
    let known = (cases, ledger.clone(), Arc::clone(&source));
    let (tracer, exporter) = traces::begin(&settings).map_err(AppError::Traces)?;
    let gate = made(&settings, known, (configuration, tracer), clock).await?;
    let gate = Arc::new(gate.with(bypass));
    let pruner = retention::pruner((&settings.ledger_dir, settings.retention_days), &gate, &ledger);
    retention::tell_restored(&settings.node.data_dir, &gate, &ledger).await;
    let switches = routes::switches(&settings.mllp, &settings.fhir);
    let (stances, restored) = Stances::restore(&kept_in, switches)?;
    restored.iter().for_each(tell_stance);
    recall::recall(&gate, &recovered, &stances, clock.now())?;
    ledger.append_later(started);
    let hears = others::at_start(&gate, (&settings.ledger_dir, duties.are_shared())).await?;
    let works = Works { stances: stances.clone(), ledger: ledger.clone(), due_days };
    let parts = desk.parts(&gate, &source, &settings.ledger_dir, ladder, works);
    let office = Arc::new(Office::new(parts));
    tell(&recovered);
    let lives = Arc::new(routes::lives(&settings, &gate.terms()));
    let Bound { mllp, fhir, console: console_listener } =
        routes::bind(&lives, settings.console.listen, &gate, &watch).await?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    traces::follow(&mut tasks, exporter, &stopped);
    tasks.spawn(certificates::follow(certificates, clock, stopped.clone()));
    let folder = settings.ledger_dir.clone();
    let known = (&source, &duties);
    let pulls = pulled::begin(&mut tasks, &settings, known, (&watch, clock), &stopped);
    let followed = Followed::of(source, &gate, &ledger, &folder);
    follow::all(&mut tasks, &gate, followed, watch.clone(), &stopped);
    let days = overdue::days(&gate, feeds.overdue(), &duties, due_days);
    tasks.spawn(overdue::follow(days, stopped.clone()));
    let reloading = (feeds.run(&ledger)?, settings.written, settings.watch);
    let Reloading { reload, board, configured } =
        reload::begin(&mut tasks, &office, &lives, reloading, &stopped);
    let (feeds, search) = (board.clone(), office.search().clone());
    let seen = Seen { feeds, search, configured: configured.clone(), pulls: pulls.clone() };
    let metrics = Gauges::new(&gate, &ledger, &stances, seen, &watch).before(metrics);
    outage::follow(&mut tasks, &gate, (&lives.mllp, pruner), socket, &stopped);
    office::follow(&mut tasks, &office, &ledger, (&folder, &duties), &stopped);
    others::follow(&mut tasks, hears, &gate, folder, &stopped);
    let routes = routes::serve(&mut tasks, (mllp, fhir), &gate, &stopped);
    let console = console_listener.as_ref().and_then(|listener| listener.local_addr().ok());
    if let (Some(listener), Some(listen)) = (console_listener, console) {
        events::ConsoleListening { listen }.emit();
        let (gate, routes) = (Arc::clone(&gate), routes.clone());
        let plant = plant::plant(&lives, &routes, &watch, (board, configured.clone()));
        let health = Health { gate, routes, configured, pulls, metrics, drain: stopped };
        let more = port::everything_asked((&settings.console, &lives), &office, &health, plant)?;
        tasks.spawn(console::serve(listener, settings.console.tls.clone(), health, more));
    }
    let drain = settings.drain;
    Ok(Running { gate, duties, ledger, office, routes, console, stop, reload, tasks, drain })
}

/// The gate, which does not know yet what came before.
async fn made(
    settings: &Settings,
    (cases, ledger, source): (Cases, Ledger, Arc<SqlSource>),
    (configuration, tracer): (Configuration, Tracer),
    clock: Clock,
) -> Result<Gate, AppError> {
    let (policy, keep_message_max) = (settings.policy.clone(), settings.keep_message_max);
    Ok(Gate::new(Parts {
        register: Register::open(settings.register.clone(), source).await?,
        cases,
        ledger,
        terms: Arc::new(Terms { policy, keep_message_max, configuration }),
        zone: settings.node.zone.clone(),
        clock,
        sync_every: settings.sync_every,
        tracer,
    }))
}

impl From<CatchUpError> for AppError {
    fn from(error: CatchUpError) -> Self {
        match error {
            CatchUpError::Ledger(error) => error.into(),
            CatchUpError::Cases(error) => error.into(),
        }
    }
}

/// The case index of the configured gate, for a command; its tables are made if need be.
///
/// # Errors
/// It cannot be used, or is of a newer program.
pub async fn open_cases(settings: &Settings) -> Result<Cases, AppError> {
    shared::cases(settings, Needed::Now, Clock::System.now()).await
}

pub use office::{open_search, reindex};
pub use shared::{check_shared, copy_precious, open_accounts};

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
        self.duties.give_back().await;
        self.ledger.close().await;
        self.gate.cases().close(self.drain).await;
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
