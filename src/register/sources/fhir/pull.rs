//! One pull after the other: what has changed since the last one, or everything when that is in doubt.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use orgate_fhir_sdk::server::Server;
use rustls::client::Resumption;

use crate::clock::{self, Clock};
use crate::net::client::{ClientError, roots_or_none};
use crate::net::tls::ClientTls;
use crate::register::error::RegisterError;
use crate::register::import::policy::Policy;
use crate::register::sources::fhir::apply::{self, Applied, ApplyError, How, Pull};
use crate::register::sources::fhir::facts::{Facts, Kind, Resource};
use crate::register::sources::fhir::fault::Fault;
use crate::register::sources::fhir::fetch::{Fetch, FetchError, Listing, REACH};
use crate::register::sources::fhir::keep::{self, Known, State};
use crate::register::sources::fhir::loss::{self, Loss};
use crate::register::sources::fhir::reading::Reading;
use crate::register::sources::sql::SqlSource;

/// So much before the last pull the next one begins: a resource's time is that of the beginning of the server's
/// transaction, and it is seen at its end.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// Where to pull from, and how.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long after a pull the next one begins.
    pub poll: Duration,
    /// Everything is pulled so often.
    pub full: Duration,
    /// The file that holds the bearer token; read at each pull.
    pub token_file: Option<PathBuf>,
    /// TLS by files of its own; absent: the system's roots.
    pub tls: Option<ClientTls>,
    /// Resources of a page, as asked for.
    pub page: u64,
    /// The most rows that may stop permitting at once, in percent.
    pub loss_max_percent: u64,
    /// The words, and the FHIR base.
    pub reading: Reading,
}

/// What is wanted of a pull besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Do everything except commit.
    pub dry_run: bool,
    /// Somebody has looked, and more may end than `loss_max_percent` allows.
    pub accept_losses: bool,
}

/// What a pull did.
#[derive(Clone, Debug)]
pub struct Pulled {
    /// Why everything was pulled; none: only what had changed.
    pub full: Option<&'static str>,
    /// How many resources came.
    pub listed: usize,
    /// What became of them.
    pub applied: Applied,
}

/// Why a pull came to nothing. The register stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The token cannot be read.
    #[error("token_file {0} cannot be read ({1})")]
    Token(PathBuf, std::io::ErrorKind),
    /// There is no TLS.
    #[error("{0}")]
    Tls(#[from] ClientError),
    /// The server cannot be asked, or its answers not be used.
    #[error("{0}")]
    Fetch(#[from] FetchError),
    /// Resources have faults.
    #[error("{} faults in what the FHIR server holds, the first: {}", .0.len(), first(.0))]
    Faults(Vec<Fault>),
    /// More would end than may.
    #[error("{0}")]
    Loss(#[from] Loss),
    /// Another pull was applied meanwhile.
    #[error("another pull was applied meanwhile")]
    Overtaken,
    /// The register.
    #[error("{0}")]
    Register(#[from] RegisterError),
}

fn first(faults: &[Fault]) -> String {
    faults
        .first()
        .map(|fault| format!("{}: {}", fault.resource, fault.wording.en))
        .unwrap_or_default()
}

impl PullError {
    /// Whether somebody must do something about it: it will be no better the next time.
    pub fn refused(&self) -> bool {
        matches!(self, Self::Faults(_) | Self::Loss(_))
    }
}

impl From<ApplyError> for PullError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Faults(faults) => Self::Faults(faults),
            ApplyError::Loss(loss) => Self::Loss(loss),
            ApplyError::Overtaken => Self::Overtaken,
            ApplyError::Register(error) => Self::Register(error),
        }
    }
}

/// How far this puller has come; what others have pulled, it does not know.
#[derive(Clone, Debug)]
struct Cursor {
    /// When the last pull began, by the server's clock.
    began: Timestamp,
    /// When the last full one began, by the own.
    full_at: Instant,
    /// The pulls that had been applied then.
    seq: i64,
    /// How many more resources the server counts than it lists, where it counts.
    apart: BTreeMap<Kind, i128>,
}

/// Pulls.
pub struct Puller {
    settings: Settings,
    source: SqlSource,
    policy: Policy,
    clock: Clock,
    who: String,
    cursor: Option<Cursor>,
}

/// What an incremental pull came to.
enum Outcome {
    Pulled(Box<Pulled>),
    /// It cannot be said what has changed.
    InDoubt(&'static str),
}

impl Puller {
    /// Into `source`; `who` stands in the history.
    pub fn new(
        settings: Settings,
        source: SqlSource,
        policy: Policy,
        clock: Clock,
        who: String,
    ) -> Self {
        Self { settings, source, policy, clock, who, cursor: None }
    }

    /// How far pulls have come, whoever pulled.
    ///
    /// # Errors
    /// The register does not answer.
    pub async fn state(&self) -> Result<State, RegisterError> {
        let mut transaction = self.source.read().await?;
        keep::state(&mut transaction).await
    }

    /// The next pull is a full one: another gate may have pulled meanwhile.
    pub fn forget(&mut self) {
        self.cursor = None;
    }

    /// Pulls once.
    ///
    /// # Errors
    /// Why nothing was applied.
    pub async fn pull(&mut self, wish: Wish) -> Result<Pulled, PullError> {
        let server = self.server().await?;
        let before = self.state().await?;
        let now = clock::monotonic();
        let why = match self.cursor.clone() {
            None => "first",
            Some(cursor) if cursor.seq != before.seq => "another has pulled",
            Some(cursor) if now.duration_since(cursor.full_at) >= self.settings.full => {
                "its time has come"
            }
            Some(cursor) => match self.incremental(&server, &before, cursor, wish).await? {
                Outcome::Pulled(pulled) => return Ok(*pulled),
                Outcome::InDoubt(why) => why,
            },
        };
        self.cursor = None;
        self.full(&server, &before, why, wish).await
    }

    async fn server(&self) -> Result<Server, PullError> {
        let token = match &self.settings.token_file {
            None => None,
            Some(file) => {
                let read = tokio::fs::read_to_string(file).await;
                let unread = |error: std::io::Error| PullError::Token(file.clone(), error.kind());
                Some(read.map_err(unread)?.trim().to_owned())
            }
        };
        let url = &self.settings.reading.base;
        let mut tls = match &self.settings.tls {
            Some(tls) => (*tls.config()).clone(),
            None => roots_or_none(url.starts_with("https://"))?,
        };
        // A session that goes on would not have the server's certificate looked at again.
        tls.resumption = Resumption::disabled();
        let server = Server::new(url, token.as_deref(), tls, REACH);
        server.map_err(|error| PullError::Fetch(FetchError::Server(error)))
    }

    /// What was changed since the last pull.
    async fn incremental(
        &mut self,
        server: &Server,
        before: &State,
        cursor: Cursor,
        wish: Wish,
    ) -> Result<Outcome, PullError> {
        let reading = self.settings.reading.clone();
        let mut fetch = Fetch::new(server, &reading);
        let since = cursor.began.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
        let query = [self.page(), ("_lastUpdated", format!("ge{since}"))];
        let (mut changed, mut listed, mut faults) = (Vec::new(), 0, Vec::new());
        let mut began = None;
        for kind in Kind::ALL {
            let listing = fetch.list(kind, &query, &|_| true).await?;
            began = began.or(listing.time);
            listed += listing.listed.len();
            faults.extend(listing.faults);
            changed.extend(listing.resources);
        }
        let Some(began) = began else { return Ok(Outcome::InDoubt("the server tells no time")) };
        if began < cursor.began {
            return Ok(Outcome::InDoubt("the server's time went back"));
        }
        if self.changed_only(&mut changed, &cursor.apart, &mut fetch).await? {
            return Ok(Outcome::InDoubt("the server holds another number of resources"));
        }
        self.add_strangers(&mut changed, &mut faults, &mut fetch).await?;
        if !faults.is_empty() {
            return Err(PullError::Faults(faults));
        }
        let pull = Pull { full: false, changed, gone: Vec::new(), ..self.begun(before) };
        let applied = apply::apply(&self.source, &pull, &self.how(wish)).await?;
        if !wish.dry_run {
            self.cursor = Some(Cursor { began, seq: applied.state.seq, ..cursor });
        }
        Ok(Outcome::Pulled(Box::new(Pulled { full: None, listed, applied })))
    }

    /// Leaves only what says something else than what is kept; whether the server counts resources that it did not
    /// list, or has lost some.
    async fn changed_only(
        &self,
        changed: &mut Vec<Resource>,
        apart: &BTreeMap<Kind, i128>,
        fetch: &mut Fetch<'_>,
    ) -> Result<bool, PullError> {
        let mut new: BTreeMap<Kind, i128> = BTreeMap::new();
        let held = {
            let mut transaction = self.source.read().await?;
            let mut differing = Vec::new();
            for resource in changed.drain(..) {
                let kept = keep::facts(&mut transaction, resource.kind(), &resource.id).await?;
                if kept.is_none() {
                    *new.entry(resource.kind()).or_default() += 1;
                }
                if kept.is_none_or(|kept| kept != resource.written()) {
                    differing.push(resource);
                }
            }
            *changed = differing;
            keep::held(&mut transaction).await?
        };
        for (kind, apart) in apart {
            let own = held.get(kind).copied().unwrap_or_default() + new.get(kind).unwrap_or(&0);
            if fetch.count(*kind).await?.is_some_and(|count| i128::from(count) - own != *apart) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Everything.
    async fn full(
        &mut self,
        server: &Server,
        before: &State,
        why: &'static str,
        wish: Wish,
    ) -> Result<Pulled, PullError> {
        let reading = self.settings.reading.clone();
        let mut fetch = Fetch::new(server, &reading);
        let known = {
            let mut transaction = self.source.read().await?;
            keep::known(&mut transaction).await?
        };
        let query = [self.page(), ("_total", "accurate".to_owned())];
        let wanted = |own: &Resource| {
            let kept = known.get(&(own.kind(), own.id.clone()));
            kept.is_none_or(|kept| *kept != keep::digest(&own.written()))
        };
        let full_at = clock::monotonic();
        let mut pull = Pull { full: true, ..self.begun(before) };
        let (mut faults, mut began, mut held) = (Vec::new(), None, BTreeMap::new());
        for kind in Kind::ALL {
            let listing = fetch.list(kind, &query, &wanted).await?;
            began = began.or(listing.time);
            let gone = self.gone((kind, &known), &listing, wish, &mut fetch, &mut pull).await?;
            held.insert(kind, listing.listed.len() + gone.found);
            faults.extend(listing.faults);
            faults.extend(gone.faults);
            pull.changed.extend(listing.resources);
            pull.gone.extend(gone.gone);
        }
        self.add_strangers(&mut pull.changed, &mut faults, &mut fetch).await?;
        if !faults.is_empty() {
            return Err(PullError::Faults(faults));
        }
        let mut apart = BTreeMap::new();
        for (kind, held) in &held {
            if let Some(count) = fetch.count(*kind).await? {
                apart.insert(*kind, i128::from(count) - i128::try_from(*held).unwrap_or_default());
            }
        }
        let applied = apply::apply(&self.source, &pull, &self.how(wish)).await?;
        if let Some(began) = began.filter(|_| !wish.dry_run) {
            let seq = applied.state.seq;
            self.cursor = Some(Cursor { began, full_at, seq, apart });
        }
        Ok(Pulled { full: Some(why), listed: held.values().sum(), applied })
    }

    /// Known resources that were not listed. Each is asked for by its id before it counts as gone: a page that was
    /// turned while resources changed may have left one out.
    async fn gone(
        &self,
        (kind, known): (Kind, &Known),
        listing: &Listing,
        wish: Wish,
        fetch: &mut Fetch<'_>,
        pull: &mut Pull,
    ) -> Result<Gone, PullError> {
        let all = known.keys().filter(|(own, _)| *own == kind).count();
        let missing: Vec<&String> = known
            .keys()
            .filter(|(own, id)| *own == kind && !listing.listed.contains(id))
            .map(|(_, id)| id)
            .collect();
        let (kind_name, percent) = (kind.as_str(), self.settings.loss_max_percent);
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        if !wish.accept_losses {
            if listing.listed.is_empty() && all > 0 {
                return Err(Loss::Empty { kind: kind_name, known: count(all) }.into());
            }
            if loss::too_many(count(missing.len()), count(all), percent) {
                let (missing, known) = (count(missing.len()), count(all));
                return Err(Loss::Missing { kind: kind_name, missing, known, percent }.into());
            }
        }
        let mut gone = Gone::default();
        for id in missing {
            match fetch.single(kind, id).await? {
                None => gone.gone.push((kind, id.clone())),
                Some(page) => {
                    gone.found += 1;
                    gone.faults.extend(page.faults);
                    pull.changed.extend(page.resources);
                }
            }
        }
        Ok(gone)
    }

    /// Practitioners that changed roles refer to and nobody knows yet: they came after theirs were listed.
    async fn add_strangers(
        &self,
        changed: &mut Vec<Resource>,
        faults: &mut Vec<Fault>,
        fetch: &mut Fetch<'_>,
    ) -> Result<(), PullError> {
        let persons: HashSet<&str> = changed
            .iter()
            .filter(|own| own.kind() == Kind::Practitioner)
            .map(|own| own.id.as_str())
            .collect();
        let granting = changed.iter().filter(|own| match &own.facts {
            Facts::Role(role) => !role.grants.is_empty(),
            Facts::Person(_) => false,
        });
        let named: HashSet<String> = granting
            .map(|own| own.practitioner().to_owned())
            .filter(|own| !own.is_empty() && !persons.contains(own.as_str()))
            .collect();
        for id in named {
            let known = {
                let mut transaction = self.source.read().await?;
                keep::facts(&mut transaction, Kind::Practitioner, &id).await?
            };
            if known.is_none()
                && let Some(page) = fetch.single(Kind::Practitioner, &id).await?
            {
                faults.extend(page.faults);
                changed.extend(page.resources);
            }
        }
        Ok(())
    }

    fn page(&self) -> (&'static str, String) {
        ("_count", self.settings.page.to_string())
    }

    fn begun(&self, before: &State) -> Pull {
        Pull {
            seq: before.seq,
            print: self.settings.reading.print(),
            full: false,
            changed: Vec::new(),
            gone: Vec::new(),
        }
    }

    fn how(&self, wish: Wish) -> How {
        How {
            policy: self.policy.clone(),
            who: self.who.clone(),
            at: self.clock.now(),
            dry_run: wish.dry_run,
            loss_max_percent: self.settings.loss_max_percent,
            accept_losses: wish.accept_losses,
        }
    }
}

/// What became of resources that were not listed.
#[derive(Debug, Default)]
struct Gone {
    /// Those that are no longer there.
    gone: Vec<(Kind, String)>,
    /// How many are there all the same.
    found: usize,
    /// What is wrong with those.
    faults: Vec<Fault>,
}
