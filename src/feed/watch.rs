//! What is down and what is up: one alert each way, and no flood where something flaps.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, json};

use crate::clock::Clock;
use crate::feed::alert::Noticed;
use crate::feed::alert::kind::{AlertKind, Severity};
use crate::feed::notices::Notices;
use crate::ledger::EntryId;

/// After a change was told, the next one of the same thing is told no sooner: what flaps gives one alert a
/// window, and the last state always comes through.
pub const WINDOW: Duration = Duration::from_secs(60);

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The downstream system of a route.
    Route,
    /// The register's database.
    Register,
    /// The ledger's disk.
    Ledger,
    /// The receiver of a feed.
    Feed,
    /// A certificate that is to be renewed in time.
    Certificate,
    /// Where surgeons and grants are pulled from.
    Source,
}

impl What {
    fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Register => "register",
            Self::Ledger => "ledger",
            Self::Feed => "feed",
            Self::Certificate => "certificate",
            Self::Source => "source",
        }
    }

    fn chinese(self) -> &'static str {
        match self {
            Self::Route => "下游系统，通道",
            Self::Register => "授权库",
            Self::Ledger => "账本磁盘",
            Self::Feed => "告警接收方",
            Self::Certificate => "TLS 证书",
            Self::Source => "授权来源",
        }
    }

    /// What is said of it, in Chinese and English.
    fn words(self, up: bool) -> (&'static str, &'static str) {
        match (self, up) {
            (Self::Certificate, true) => ("已更新", "renewed"),
            (Self::Certificate, false) => ("须更新", "to be renewed"),
            (Self::Source, false) => {
                ("拉取失败，沿用上次拉取的授权", "not pulled, what was pulled last stays in force")
            }
            (_, true) => ("恢复", "up again"),
            (_, false) => ("中断", "down"),
        }
    }

    /// Return and fall are of one severity: no filter must hear the one without the other.
    fn severity(self) -> Severity {
        if self == Self::Certificate { Severity::Medium } else { Severity::High }
    }
}

struct Thing {
    what: What,
    /// The same as `up`, for whoever only looks; changed under the lock of the things.
    seen: Arc<AtomicBool>,
    name: String,
    up: bool,
    since: Timestamp,
    why: String,
    told_up: bool,
    told_at: Option<Timestamp>,
}

impl Thing {
    fn notice(&mut self, now: Timestamp) -> Noticed {
        self.told_up = self.up;
        self.told_at = Some(now);
        let rule = if self.up { "up" } else { "down" };
        let kind = match (self.what, self.up) {
            (What::Ledger, _) => AlertKind::LedgerBroken,
            (What::Certificate, _) => AlertKind::CertificateExpiring,
            (_, true) => AlertKind::RouteUp,
            (_, false) => AlertKind::RouteDown,
        };
        let (zh, en) = self.what.words(self.up);
        let why = if self.up { String::new() } else { format!(" · {}", self.why) };
        let mut data = Map::new();
        data.insert("what".to_owned(), json!(self.what.as_str()));
        data.insert("name".to_owned(), json!(self.name));
        data.insert("state".to_owned(), json!(rule));
        if !self.up {
            data.insert("why".to_owned(), json!(self.why));
        }
        Noticed {
            id: format!("{}-{rule}", EntryId::new(now)),
            rule: rule.to_owned(),
            kind,
            severity: self.what.severity(),
            time: now,
            subject: subject(&(self.what, self.name.clone())),
            departments: Vec::new(),
            zh: format!("{} {} {zh}{why}", self.what.chinese(), self.name),
            en: format!("{} {} is {en}{why}", self.what.as_str(), self.name),
            data,
        }
    }
}

/// How a thing that is watched stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether it works.
    pub up: bool,
    /// Since when; of what works, since it last did not, or since the start.
    pub since: Option<Timestamp>,
    /// Why it does not.
    pub why: String,
}

/// Everything that is watched. Clones share it.
#[derive(Clone)]
pub struct Watch {
    things: Arc<Mutex<HashMap<(What, String), Thing>>>,
    told_down: Arc<HashSet<String>>,
    notices: Notices,
    clock: Clock,
    window: SignedDuration,
}

/// One thing that is watched. Cheap to ask and to tell while nothing changes.
#[derive(Clone)]
pub struct Light {
    up: Arc<AtomicBool>,
    key: (What, String),
    watch: Watch,
}

impl Watch {
    /// Tells into `notices`. What those say is down is still so until it is seen to work.
    pub fn new(notices: Notices, clock: Clock, window: Duration) -> Self {
        let told_down = notices.told_down().into_iter().collect();
        Self {
            things: Arc::default(),
            told_down: Arc::new(told_down),
            notices,
            clock,
            window: SignedDuration::try_from(window).unwrap_or(SignedDuration::MAX),
        }
    }

    /// A thing to be watched; up until it is told otherwise. Several may watch the same.
    pub fn light(&self, what: What, name: &str) -> Light {
        let key = (what, name.to_owned());
        let since = self.clock.now();
        let mut things = lock(&self.things);
        let thing = things.entry(key.clone()).or_insert_with(|| {
            // Told to be down before a restart: nobody knows yet, but its return must be told.
            let up = !self.told_down.contains(&subject(&key));
            Thing {
                what,
                seen: Arc::new(AtomicBool::new(up)),
                name: name.to_owned(),
                up,
                since,
                why: String::new(),
                told_up: up,
                told_at: None,
            }
        });
        Light { up: Arc::clone(&thing.seen), watch: self.clone(), key }
    }

    /// Tells what changed within its window and has stayed so. To be called now and then.
    pub fn settle(&self) {
        let now = self.clock.now();
        let mut things = lock(&self.things);
        for thing in things.values_mut() {
            self.tell(thing, now);
        }
    }

    fn set(&self, key: &(What, String), up: bool, why: &str) {
        let now = self.clock.now();
        let mut things = lock(&self.things);
        let Some(thing) = things.get_mut(key) else { return };
        if thing.up != up {
            thing.since = now;
        }
        thing.up = up;
        thing.seen.store(up, Ordering::Relaxed);
        why.clone_into(&mut thing.why);
        self.tell(thing, now);
    }

    fn standing(&self, key: &(What, String)) -> Standing {
        let things = lock(&self.things);
        let thing = things.get(key);
        thing.map_or(Standing { up: true, since: None, why: String::new() }, |thing| Standing {
            up: thing.up,
            since: Some(thing.since),
            why: thing.why.clone(),
        })
    }

    fn tell(&self, thing: &mut Thing, now: Timestamp) {
        let waits = thing.told_at.is_some_and(|told| now.duration_since(told) < self.window);
        if thing.up != thing.told_up && !waits {
            let noticed = thing.notice(now);
            self.notices.tell(noticed);
        }
    }
}

impl Light {
    /// It works.
    pub fn works(&self) {
        if !self.up.load(Ordering::Relaxed) {
            self.watch.set(&self.key, true, "");
        }
    }

    /// It does not; `why` is of a bounded set, without content of messages.
    pub fn fails(&self, why: &str) {
        if self.up.load(Ordering::Relaxed) {
            self.watch.set(&self.key, false, why);
        }
    }

    /// Whether it works, as far as anybody has seen.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.watch.standing(&self.key)
    }

    /// What alerts about it call it.
    pub fn subject(&self) -> String {
        subject(&self.key)
    }
}

fn subject((what, name): &(What, String)) -> String {
    format!("{}/{name}", what.as_str())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each critical section leaves the things whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
