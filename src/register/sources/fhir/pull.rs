//! One pull after the other: what has changed since the last one, or everything when that is in doubt.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustls::client::Resumption;

use crate::clock::{self, Clock};
use crate::net::client::{ClientError, roots_or_none};
use crate::net::tls::ClientTls;
use crate::register::error::RegisterError;
use crate::register::import::policy::Policy;
use crate::register::sources::fhir::apply::{Applied, ApplyError, How, Pull};
use crate::register::sources::fhir::facts::Kind;
use crate::register::sources::fhir::fault::Fault;
use crate::register::sources::fhir::fetch::{FetchError, Way};
use crate::register::sources::fhir::keep::{self, State};
use crate::register::sources::fhir::loss::Loss;
use crate::register::sources::fhir::reading::Reading;
use crate::register::sources::sql::SqlSource;

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
pub(super) struct Cursor {
    /// When the last pull began, by the server's clock.
    pub(super) began: Timestamp,
    /// When the last full one began, by the own.
    pub(super) full_at: Instant,
    /// The pulls that had been applied then.
    pub(super) seq: i64,
    /// How many more resources the server counts than it lists, where it counts.
    pub(super) apart: BTreeMap<Kind, i128>,
}

/// Pulls.
pub struct Puller {
    pub(super) settings: Settings,
    pub(super) source: SqlSource,
    policy: Policy,
    clock: Clock,
    who: String,
    pub(super) cursor: Option<Cursor>,
}

/// What an incremental pull came to.
pub(super) enum Outcome {
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
        let way = self.way().await?;
        let before = self.state().await?;
        let now = clock::monotonic();
        let why = match self.cursor.clone() {
            None => "first",
            Some(cursor) if cursor.seq != before.seq => "another has pulled",
            Some(cursor) if now.duration_since(cursor.full_at) >= self.settings.full => {
                "its time has come"
            }
            Some(cursor) => match self.incremental(&way, &before, cursor, wish).await? {
                Outcome::Pulled(pulled) => return Ok(*pulled),
                Outcome::InDoubt(why) => why,
            },
        };
        self.cursor = None;
        self.full(&way, &before, why, wish).await
    }

    async fn way(&self) -> Result<Way, PullError> {
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
        Way::new(url, token.as_deref(), tls).map_err(PullError::Fetch)
    }

    pub(super) fn page(&self) -> (&'static str, String) {
        ("_count", self.settings.page.to_string())
    }

    pub(super) fn begun(&self, before: &State) -> Pull {
        Pull {
            seq: before.seq,
            print: self.settings.reading.print(),
            full: false,
            changed: Vec::new(),
            gone: Vec::new(),
        }
    }

    pub(super) fn how(&self, wish: Wish) -> How {
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
