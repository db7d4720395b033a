//! The outage switch (IS Q6): for a time everything passes, unstopped and recorded. Ends by itself.
//!
//! Who and why stand in the ledger before it is in force; should the ledger be what is sick, they follow afterwards,
//! for this switch must work when nothing else does. It is kept in one file of the data directory, so that a restart
//! in the middle of an outage changes nothing.

mod switch;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwapOption;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use crate::clock;
use crate::gate::stance::RouteStance;
use crate::telemetry::outage as events;

/// What is in force, as the file keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Who.
    pub by: String,
    /// The ledger entry.
    pub entry: String,
    /// Why.
    pub reason: String,
    /// From when.
    pub since: Timestamp,
    /// Until when at most.
    pub until: Timestamp,
}

/// A bypass that is on.
#[derive(Debug)]
pub struct On {
    kept: Kept,
    /// The same end by a clock that nobody sets.
    deadline: Instant,
    stance: Arc<RouteStance>,
}

impl On {
    fn new(kept: Kept, now: Timestamp) -> Self {
        let whole = kept.until.duration_since(kept.since);
        let left = kept.until.duration_since(now).min(whole);
        let left = std::time::Duration::try_from(left).unwrap_or_default();
        let deadline = clock::monotonic() + left;
        Self { kept, deadline, stance: Arc::new(RouteStance::bypass()) }
    }

    /// Who, why, until when.
    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The ledger entry.
    pub fn entry(&self) -> &str {
        &self.kept.entry
    }

    /// What is done with verdicts.
    pub fn stance(&self) -> &Arc<RouteStance> {
        &self.stance
    }

    fn holds(&self, now: Timestamp) -> bool {
        now < self.kept.until && clock::monotonic() < self.deadline
    }
}

/// The switch.
#[derive(Debug)]
pub struct Bypass {
    kept_in: Option<PathBuf>,
    longest: SignedDuration,
    on: ArcSwapOption<On>,
    /// One act at a time.
    turn: Mutex<()>,
    changed: Notify,
}

/// Who switches, and by which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The name that is given.
    pub by: String,
    /// The account of the console.
    pub account: Option<String>,
    /// The user of the operating system, where a command was used.
    pub uid: Option<u32>,
}

/// Why nothing is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BypassError {
    /// Nobody can ask later who it was.
    #[error("a name is needed: who switches")]
    NoName,
    /// Nobody can ask later why.
    #[error("a reason is needed")]
    NoReason,
    /// No time at all.
    #[error("a bypass lasts at least a second")]
    TooShort,
    /// Longer than configured.
    #[error(
        "a bypass lasts at most {0} hours (node.bypass_max_h), switch it on again when it ends"
    )]
    TooLong(i64),
    /// There is none.
    #[error("the bypass is not on")]
    NotOn,
}

impl BypassError {
    /// For people.
    pub fn text_zh(self) -> String {
        match self {
            Self::NoName => "请填写操作人。".to_owned(),
            Self::NoReason => "请填写理由。".to_owned(),
            Self::TooShort => "时长不足一秒。".to_owned(),
            Self::TooLong(hours) => format!("旁路最长 {hours} 小时，到期可再次开启。"),
            Self::NotOn => "旁路未开启。".to_owned(),
        }
    }
}

/// What was switched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// The ledger entry.
    pub entry: String,
    /// Whether it is in the ledger already; else it follows.
    pub recorded: bool,
    /// Whether it holds after a restart too.
    pub kept: bool,
}

impl Bypass {
    /// One that is off and keeps nothing.
    pub fn none() -> Self {
        Self {
            kept_in: None,
            longest: SignedDuration::ZERO,
            on: ArcSwapOption::empty(),
            turn: Mutex::new(()),
            changed: Notify::new(),
        }
    }

    /// As it was when the gate stopped: the file `kept_in` tells. One that cannot be read leaves the gate acting.
    pub fn restore(kept_in: &Path, longest: SignedDuration, now: Timestamp) -> Self {
        let kept: Option<Kept> = match std::fs::read(kept_in) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(kept) => Some(kept),
                Err(error) => {
                    events::BypassUnread { error: &error }.emit();
                    None
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                events::BypassUnread { error: &error }.emit();
                None
            }
        };
        let on = kept.map(|kept| Arc::new(On::new(kept, now)));
        let own = Self { kept_in: Some(kept_in.to_owned()), longest, ..Self::none() };
        if let Some(on) = on.as_ref().filter(|on| on.holds(now)) {
            events::BypassKept { entry: on.entry() }.emit();
        }
        events::bypass_is(on.as_ref().is_some_and(|on| on.holds(now)));
        // One that ended while the gate stood still is entered as ended by whoever follows.
        own.on.store(on);
        own
    }

    /// What is in force.
    pub fn now(&self, now: Timestamp) -> Option<Arc<On>> {
        let on = self.on.load();
        on.as_ref().filter(|on| on.holds(now)).map(Arc::clone)
    }

    /// The longest that it lasts.
    pub fn longest(&self) -> SignedDuration {
        self.longest
    }

    /// Keeps what is in force for the next start.
    fn keep(&self, on: Option<&Kept>) -> io::Result<()> {
        let Some(path) = &self.kept_in else { return Ok(()) };
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        match on {
            Some(kept) => {
                let mut file = tempfile::NamedTempFile::new_in(folder)?;
                serde_json::to_writer_pretty(&mut file, kept)?;
                file.write_all(b"\n")?;
                file.as_file().sync_all()?;
                file.persist(path).map_err(|error| error.error)?;
            }
            None => match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
        std::fs::File::open(folder)?.sync_all()
    }
}
