//! Commands of this machine to the running gate, by a Unix socket in the data directory: `orgate bypass`,
//! `orgate replay --record`, `orgate ledger prune`, `orgate backup`, `orgate health`.
//!
//! A socket and no port: it works when console, accounts and register do not; there is nothing to configure, no
//! certificate to expire and no token to leak; who may use it, the operating system decides (mode 0600 in a folder of
//! mode 0700: the user of the gate, and root), and it says who it was.
//!
//! One JSON object a line each way, in turns. After a `record` follow as many bytes as it says.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `listener` | accepts and bounds connections, answers them |
//! | `client` | the other end, for the commands |

pub mod client;
pub mod listener;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::gate::Gate;
use crate::gate::afterwards::Afterwards;
use crate::gate::bypass::{Kept, Switched};

/// What a command asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// Let everything pass for a time.
    BypassOn {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// For how long.
        for_s: u64,
    },
    /// Act again.
    BypassOff {
        /// Who.
        by: String,
        /// Why; may be empty.
        reason: String,
    },
    /// Whether it is on.
    BypassStatus,
    /// Judge and record a message that has passed without a gate.
    Record {
        /// The route it would have come in by.
        route: String,
        /// Who.
        by: String,
        /// Why there was no gate.
        reason: String,
        /// As of when it is judged; its own time if absent.
        at: Option<Timestamp>,
        /// How many bytes follow: one message, or a batch, without a frame.
        bytes: usize,
    },
    /// How far the ledger is on disk for sure.
    Head,
    /// Whether it can do all its work.
    Health,
    /// Give away the ledger's files whose retention has ended.
    Prune {
        /// Who.
        by: String,
    },
}

/// What the gate answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Answer {
    /// The switch was turned.
    Switched {
        /// The ledger entry.
        entry: String,
        /// Whether it is in the ledger already; else it follows.
        recorded: bool,
        /// Whether it holds after a restart too.
        kept: bool,
    },
    /// How the switch stands.
    Bypass {
        /// What is in force.
        on: Option<Kept>,
        /// Seconds that are left of it.
        left_s: i64,
        /// The longest that one may last, in seconds.
        longest_s: i64,
    },
    /// Judged and in the ledger.
    Recorded(Recorded),
    /// In the ledger since before.
    Already {
        /// The entry.
        entry: String,
    },
    /// None of the gate's business.
    NotSurgical,
    /// The ledger's head.
    Head {
        /// `SEQ:HASH`
        head: String,
    },
    /// It runs, and so stand what it judges by and what it enters decisions in.
    Health {
        /// Whether the register answers.
        register: bool,
        /// Whether the ledger can be written.
        ledger: bool,
    },
    /// These were given away; none: no retention has ended.
    Pruned {
        /// Names of the ledger's files.
        files: Vec<String>,
    },
    /// It was not done.
    Refused {
        /// Why, Chinese.
        zh: String,
        /// Why.
        en: String,
    },
}

/// A message that was recorded afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Its entry.
    pub entry: String,
    /// As of when it was judged.
    pub at: Timestamp,
    /// MSH-10, or the like.
    pub control_id: String,
    /// What would have been decided.
    pub decision: String,
    /// Rules that found something, and gaps.
    pub found: Vec<String>,
}

impl From<Switched> for Answer {
    fn from(switched: Switched) -> Self {
        let Switched { entry, recorded, kept } = switched;
        Self::Switched { entry, recorded, kept }
    }
}

impl Answer {
    fn refused(zh: impl Into<String>, en: impl ToString) -> Self {
        Self::Refused { zh: zh.into(), en: en.to_string() }
    }
}

/// Work whose answer is waited for.
pub type Recording = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// How a route records messages that have passed without it.
#[derive(Clone)]
pub struct Recorder {
    /// The route.
    pub route: Arc<str>,
    /// The longest message that the route takes now, in bytes.
    pub max_bytes: Arc<dyn Fn() -> usize + Send + Sync>,
    /// Reads, judges and records one.
    pub record: Arc<dyn Fn(Bytes, Option<Timestamp>, Afterwards) -> Recording + Send + Sync>,
}

/// Gives away what its retention is over of, for somebody.
pub type Pruner = Arc<dyn Fn(String) -> Recording + Send + Sync>;

/// What commands can do.
#[derive(Clone)]
pub struct Doors {
    /// The gate.
    pub gate: Arc<Gate>,
    /// By route.
    pub recorders: Vec<Recorder>,
    /// For the end of retention.
    pub pruner: Pruner,
}

/// Where the socket is below a data directory.
pub fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("admin").join("socket")
}
