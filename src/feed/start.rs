//! Settings → feeds that run.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use http::Uri;
use jiff::tz::TimeZone;
use ring::hmac;

use crate::clock::Clock;
use crate::domain::order::Redacted;
use crate::feed::alert::{PseudonymError, Pseudonyms, Rendering};
use crate::feed::cursor::{Cursor, CursorError, Mark};
use crate::feed::filter::Filter;
use crate::feed::kit::Kit;
use crate::feed::notices::Notices;
use crate::feed::overdue::Overdue;
use crate::feed::pace::Backoff;
use crate::feed::reader::Sources;
use crate::feed::running::Running;
use crate::feed::sink::Sink;
use crate::feed::sinks::dingtalk::Dingtalk;
use crate::feed::sinks::feishu::Feishu;
use crate::feed::sinks::fhir::Fhir;
use crate::feed::sinks::file::File;
use crate::feed::sinks::hl7v2::{self, Hl7v2};
use crate::feed::sinks::http::Poster;
use crate::feed::sinks::mail::{self, Mail};
use crate::feed::sinks::nats::{self, Nats};
use crate::feed::sinks::webhook::Webhook;
use crate::feed::sinks::wecom::Wecom;
use crate::feed::watch::{WINDOW, Watch};
use crate::ledger::Ledger;
use crate::net::client::ClientError;

/// One `[[feed]]`.
#[derive(Clone)]
pub struct Config {
    /// In file names, logs and metrics.
    pub name: String,
    /// What tells it apart from the same feed with other settings or secrets.
    pub print: [u8; 32],
    /// To whom.
    pub destination: Destination,
    /// What.
    pub filter: Filter,
    /// What belongs to a patient is given as it is, instead of a pseudonym.
    pub full: bool,
    /// The key of the pseudonyms; `None` = the file in the folder of the feeds.
    pub pseudonym_key: Option<PathBuf>,
    /// A new feed begins at the ledger's beginning instead of its end.
    pub from_start: bool,
    /// What is not grave waits so long for more, to go together.
    pub group: Duration,
    /// Deliveries a minute; `None` = no limit.
    pub per_minute: Option<usize>,
    /// How long the receiver may take.
    pub timeout: Duration,
    /// A letter that the receiver refuses so often is laid aside.
    pub max_attempts: u32,
    /// Waits between attempts.
    pub backoff: Backoff,
}

/// To whom, and how.
#[derive(Clone)]
pub enum Destination {
    /// Standard Webhooks.
    Webhook {
        /// Where.
        uri: Uri,
        /// Signed with this.
        key: Option<hmac::Key>,
    },
    /// 企业微信.
    Wecom {
        /// Where; the robot's key is in it.
        uri: Uri,
    },
    /// 钉钉.
    Dingtalk {
        /// Where; the robot's token is in it.
        uri: Uri,
        /// Signed with this.
        secret: Option<Redacted>,
    },
    /// 飞书.
    Feishu {
        /// Where; the robot's token is in it.
        uri: Uri,
        /// Signed with this.
        secret: Option<Redacted>,
    },
    /// JetStream.
    Nats(nats::Settings),
    /// AuditEvents.
    Fhir {
        /// The base.
        uri: Uri,
        /// Bearer token.
        token: Option<Redacted>,
    },
    /// ORU or MDM over MLLP.
    Hl7v2(hl7v2::Settings),
    /// E-mail.
    Mail(mail::Settings),
    /// JSON Lines.
    File {
        /// Where.
        path: PathBuf,
    },
}

impl Destination {
    /// The word of the settings.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Wecom { .. } => "wecom",
            Self::Dingtalk { .. } => "dingtalk",
            Self::Feishu { .. } => "feishu",
            Self::Nats(_) => "nats",
            Self::Fhir { .. } => "fhir",
            Self::Hl7v2(_) => "hl7v2",
            Self::Mail(_) => "mail",
            Self::File { .. } => "file",
        }
    }
}

// What a receiver is reached by is a secret in most kinds.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("feed::Config")
            .field("name", &self.name)
            .field("kind", &self.destination.kind())
            .field("filter", &self.filter)
            .field("full", &self.full)
            .field("pseudonym_key", &self.pseudonym_key)
            .field("from_start", &self.from_start)
            .field("group", &self.group)
            .field("per_minute", &self.per_minute)
            .field("timeout", &self.timeout)
            .field("max_attempts", &self.max_attempts)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

/// Why feeds cannot start.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The folder.
    #[error(
        "the folder of the feeds `{place}` cannot be used ({kind}), give the gate rights to it"
    )]
    Folder {
        /// Which.
        place: String,
        /// What the system says.
        kind: io::ErrorKind,
    },
    /// A cursor.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// A pseudonym key.
    #[error(transparent)]
    Pseudonym(#[from] PseudonymError),
    /// Mail's TLS.
    #[error("feed `{0}`: TLS cannot be set up for this mail server")]
    Mail(String),
    /// A client.
    #[error("feed `{feed}`: {error}")]
    Poster {
        /// Which feed.
        feed: String,
        /// What is wrong.
        error: ClientError,
    },
}

/// The folder of the feeds below a data directory.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("feeds")
}

/// What feeds stand on.
#[derive(Clone)]
pub struct Ground {
    /// `data_dir/feeds`.
    pub folder: PathBuf,
    /// The ledger's folder.
    pub ledger_folder: PathBuf,
    /// The gate's name.
    pub node: String,
    /// The hospital's.
    pub zone: TimeZone,
    /// The time.
    pub clock: Clock,
}

/// Feeds that are opened and do not run yet.
pub struct Feeds {
    kit: Kit,
    marks: Vec<(Config, Mark)>,
}

impl Feeds {
    /// Opens cursors and notices. A feed without a cursor begins here: at the end of the ledger, so that nothing
    /// that comes after this can be missed, or at its beginning.
    ///
    /// # Errors
    /// A file cannot be used.
    pub fn open(configs: Vec<Config>, ground: Ground, ledger: &Ledger) -> Result<Self, FeedError> {
        let fault = |error: io::Error| FeedError::Folder {
            place: ground.folder.display().to_string(),
            kind: error.kind(),
        };
        DirBuilder::new().recursive(true).mode(0o750).create(&ground.folder).map_err(fault)?;
        let known = |config: Config| -> Result<(Config, Option<Mark>), FeedError> {
            let mark = Cursor::new(&ground.folder, &config.name).load()?;
            Ok((config, mark))
        };
        let known: Vec<(Config, Option<Mark>)> =
            configs.into_iter().map(known).collect::<Result<_, _>>()?;
        let had = known.iter().filter_map(|(_, mark)| mark.map(|mark| mark.notice));
        let had: Vec<u64> = had.collect();
        let notices = Notices::open(&ground.folder, &had).map_err(fault)?;
        let watch = Watch::new(notices.clone(), ground.clock, WINDOW);
        let sources = Sources {
            folder: ground.ledger_folder.clone(),
            node: ground.node.clone(),
            heads: ledger.heads(),
            notices,
        };
        let kit = Kit { ground, watch, sources, cursors: Mutex::default() };
        let mut marks = Vec::new();
        for (config, _) in known {
            let mark = kit.mark(&config, ledger)?;
            marks.push((config, mark));
        }
        Ok(Self { kit, marks })
    }

    /// What is down and up.
    pub fn watch(&self) -> &Watch {
        &self.kit.watch
    }

    /// The gate's own notices.
    #[cfg(test)]
    pub(in crate::feed) fn notices(&self) -> &Notices {
        &self.kit.sources.notices
    }

    /// Tells late reports.
    pub fn overdue(&self) -> Overdue {
        Overdue::new(self.kit.sources.notices.clone(), &self.kit.ground.folder)
    }

    /// Starts every feed.
    ///
    /// # Errors
    /// A receiver's client cannot be made, or a pseudonym key; then none runs.
    pub fn run(self, ledger: &Ledger) -> Result<Running, FeedError> {
        let Self { kit, marks } = self;
        let ready = |(config, mark): (Config, Mark)| Ok((kit.ready(&config)?, config, mark));
        let all: Vec<_> = marks.into_iter().map(ready).collect::<Result<_, FeedError>>()?;
        let mut running = Running::new(kit, ledger.clone());
        all.into_iter().for_each(|(ready, config, mark)| running.begin(config, ready, mark));
        Ok(running)
    }

    /// The feeds, ready to run; they stop when `stop` says so.
    #[cfg(test)]
    pub(in crate::feed) fn dispatches(
        self,
        stop: &tokio::sync::watch::Receiver<bool>,
    ) -> Vec<crate::feed::dispatch::Dispatch> {
        let Self { kit, marks } = self;
        let of = |(config, mark): (Config, Mark)| {
            let ready = kit.ready(&config).unwrap();
            kit.dispatch(config, ready, (mark, crate::feed::kit::Seen::default()), stop)
        };
        marks.into_iter().map(of).collect()
    }
}

/// How a feed's events are written.
pub(in crate::feed) fn rendering(config: &Config, ground: &Ground) -> Result<Rendering, FeedError> {
    let own = || ground.folder.join("pseudonym.key");
    let key = config.pseudonym_key.clone().unwrap_or_else(own);
    let pseudonyms = Pseudonyms::open(&key)?;
    Ok(Rendering { full: config.full, pseudonyms, zone: ground.zone.clone() })
}

/// A feed's receiver.
///
/// # Errors
/// Its client cannot be made.
pub(in crate::feed) fn sink(config: &Config, ground: &Ground) -> Result<Box<dyn Sink>, FeedError> {
    let poster = |uri: &Uri| {
        Poster::new(uri.clone(), config.timeout)
            .map_err(|error| FeedError::Poster { feed: config.name.clone(), error })
    };
    Ok(match &config.destination {
        Destination::Webhook { uri, key } => {
            Box::new(Webhook::new(poster(uri)?, key.clone(), ground.clock))
        }
        Destination::Wecom { uri } => Box::new(Wecom::new(poster(uri)?)),
        Destination::Dingtalk { uri, secret } => {
            Box::new(Dingtalk::new(poster(uri)?, secret.clone(), ground.clock))
        }
        Destination::Feishu { uri, secret } => {
            Box::new(Feishu::new(poster(uri)?, secret.clone(), ground.clock))
        }
        Destination::Nats(settings) => Box::new(Nats::new(settings.clone())),
        Destination::Fhir { uri, token } => Box::new(Fhir::new(poster(uri)?, token.clone())),
        Destination::Hl7v2(settings) => Box::new(Hl7v2::new(settings.clone(), ground.clock)),
        Destination::Mail(settings) => {
            let mail = Mail::new(config.name.clone(), settings.clone());
            Box::new(mail.map_err(|_| FeedError::Mail(config.name.clone()))?)
        }
        Destination::File { path } => Box::new(File::new(path.clone())),
    })
}
