//! One answer per question in memory (a surgeon, a patient's discussions), with its age.
//!
//! The key of an entry holds the *floor*: the version from which on the answer must have been read
//! (`snapshot.rs`). A change raises the floor, so an older entry is not found any more, whoever put it
//! there and whenever: a load that began before the change cannot bring a revoked grant back.
//! INVARIANT: an entry's version is never below the floor in its key.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::clock;
use crate::domain::discussion::Discussion;
use crate::domain::surgeon::{PersonKey, Surgeon, SurgeonId};
use crate::register::error::RegisterError;
use crate::register::source::{Bearers, Question};
use crate::register::{Config, Inner, Patience};
use crate::telemetry::register::Lookups;

/// Reloads behind answers that may run at once, so that they do not crowd out orders that wait.
const MAX_RELOADS: usize = 8;

/// How often an answer may be overtaken by changes before it counts as unavailable.
const MAX_OVERTAKEN: u32 = 3;

/// What is known.
#[derive(Clone, Debug)]
pub enum Known {
    /// Of an id: the surgeon, or nobody.
    Surgeon(Option<Arc<Surgeon>>),
    /// Of a name.
    Bearers(Bearers),
    /// Which discussions were held.
    Discussions(Vec<Discussion>),
    /// Who else may.
    Colleagues(Vec<(SurgeonId, String)>),
}

/// An answer in memory.
#[derive(Debug)]
pub struct Held {
    /// What is known.
    pub known: Known,
    /// The register version it was read at.
    pub version: i64,
    /// When reading began.
    read_at: Instant,
}

impl Held {
    /// Known of the source at a version, in a reading that began at an instant.
    pub fn new(known: Known, version: i64, read_at: Instant) -> Self {
        Self { known, version, read_at }
    }

    /// How old the answer is.
    pub fn age(&self) -> Duration {
        clock::monotonic().saturating_duration_since(self.read_at)
    }

    /// Whether the answer is a no, which refuses orders and so must not be old.
    fn is_none(&self) -> bool {
        match &self.known {
            Known::Surgeon(surgeon) => surgeon.is_none(),
            Known::Bearers(bearers) => *bearers == Bearers::Nobody,
            Known::Discussions(held) => held.is_empty(),
            Known::Colleagues(_) => false,
        }
    }
}

type Key = (Question, i64);

/// Only for memory; whether an answer is still usable is decided by its own age. Most patients have no discussion, each is
/// asked for, and a no serves for seconds: kept as long as the rest, they alone would fill memory within hours.
struct Usable {
    usable: Duration,
    nobody: Duration,
}

impl Usable {
    fn of(&self, held: &Held) -> Duration {
        if held.is_none() { self.nobody } else { self.usable }
    }
}

impl Expiry<Key, Arc<Held>> for Usable {
    fn expire_after_create(&self, _: &Key, held: &Arc<Held>, _: Instant) -> Option<Duration> {
        Some(self.of(held))
    }

    fn expire_after_update(
        &self,
        _: &Key,
        held: &Arc<Held>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(self.of(held))
    }
}

/// How well memory serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Answers held, about.
    pub answers: u64,
    /// Questions answered from memory.
    pub hits: u64,
    /// Questions that went to the source.
    pub misses: u64,
}

/// The answers in memory and the reloads under way.
#[derive(Debug)]
pub struct Answers {
    held: Cache<Key, Arc<Held>>,
    reloading: Mutex<HashSet<Key>>,
    reloads: Arc<Semaphore>,
    lookups: Lookups,
    /// Questions that memory could answer, and those it could not.
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Answers {
    /// Memory for about `config.capacity_rows` surgeons and grants.
    pub fn new(config: &Config) -> Self {
        let weigh = |_: &Key, held: &Arc<Held>| match &held.known {
            Known::Surgeon(Some(s)) => u32::try_from(s.grants.len() + 1).unwrap_or(u32::MAX),
            Known::Discussions(held) => u32::try_from(held.len() * 2 + 1).unwrap_or(u32::MAX),
            _ => 1,
        };
        let held = Cache::builder()
            .max_capacity(config.capacity_rows)
            .weigher(weigh)
            .expire_after(Usable { usable: config.usable, nobody: config.nobody })
            .build();
        let reloading = Mutex::new(HashSet::new());
        Self {
            held,
            reloading,
            reloads: Arc::new(Semaphore::new(MAX_RELOADS)),
            lookups: Lookups::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Answers in memory, and how often they were enough since the start.
    pub fn figures(&self) -> Remembered {
        Remembered {
            answers: self.held.entry_count(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    /// Keeps an answer that nobody has asked for yet.
    pub async fn keep(&self, question: Question, floor: i64, held: Held) {
        if held.version >= floor {
            self.held.insert((question, floor), Arc::new(held)).await;
        }
    }

    /// Lets go at once of what has expired, which otherwise happens as answers come and go.
    #[cfg(test)]
    pub(in crate::register) async fn settle(&self) {
        self.held.run_pending_tasks().await;
    }

    /// Forgets everything, for a source that was put back from a copy.
    pub fn forget(&self) {
        self.held.invalidate_all();
    }
}

impl Inner {
    /// The answer to `question`; `None` when it cannot be known within the patience given.
    pub async fn known(
        self: &Arc<Self>,
        question: Question,
        patience: Patience,
    ) -> Option<Arc<Held>> {
        let held = self.in_time(question, patience).await;
        if held.is_none() {
            self.answers.lookups.unknown();
        }
        held
    }

    async fn in_time(
        self: &Arc<Self>,
        question: Question,
        patience: Patience,
    ) -> Option<Arc<Held>> {
        let wait = match patience {
            Patience::Elective => self.config.wait,
            Patience::Emergency => self.config.emergency_wait.min(self.config.wait),
        };
        let mut asked = None;
        let mut at = (question, 0);
        for _ in 0..MAX_OVERTAKEN {
            at.1 = self.state.load().floor(&at.0);
            if let Some(held) = self.in_memory(&at).await {
                self.answers.lookups.in_memory(held.age());
                self.answers.hits.fetch_add(1, Ordering::Relaxed);
                return Some(held);
            }
            self.answers.misses.fetch_add(1, Ordering::Relaxed);
            if patience == Patience::Emergency && !self.source.is_local() {
                self.reload_behind(at);
                return None;
            }
            let began = *asked.get_or_insert_with(clock::monotonic);
            let left = wait.saturating_sub(clock::monotonic().saturating_duration_since(began));
            let load = self.answers.held.try_get_with(at.clone(), self.load(&at));
            let held = timeout(left, load).await.ok()?.ok()?;
            // A change may have been seen while the answer was on its way.
            if held.version >= self.state.load().floor(&at.0) {
                self.answers.lookups.loaded();
                return Some(held);
            }
        }
        None
    }

    /// An answer that may be given as it is. One past its freshness is reloaded behind.
    async fn in_memory(self: &Arc<Self>, at: &Key) -> Option<Arc<Held>> {
        let held = self.answers.held.get(at).await?;
        let age = held.age();
        let usable = if held.is_none() { self.config.nobody } else { self.config.usable };
        if age > usable {
            self.answers.held.invalidate(at).await;
            return None;
        }
        if age > self.config.fresh {
            self.reload_behind(at.clone());
        }
        Some(held)
    }

    async fn load(&self, (question, floor): &Key) -> Result<Arc<Held>, RegisterError> {
        let read_at = clock::monotonic();
        let read = async {
            Ok(match question {
                Question::Person(PersonKey::Id(id)) => {
                    let reading = self.source.surgeon(id).await?;
                    (Known::Surgeon(reading.value.map(Arc::new)), reading.version)
                }
                Question::Person(PersonKey::Name(name)) => {
                    let reading = self.source.bearers(name).await?;
                    (Known::Bearers(reading.value), reading.version)
                }
                Question::Discussions(about) => {
                    let reading = self.source.discussions(about).await?;
                    (Known::Discussions(reading.value), reading.version)
                }
                Question::Colleagues(sought) => {
                    let reading = self.source.colleagues(sought).await?;
                    (Known::Colleagues(reading.value), reading.version)
                }
            })
        };
        let limit = self.config.wait;
        let (known, version) =
            timeout(limit, read).await.map_err(|_| RegisterError::Slow(limit)).flatten()?;
        if version < *floor {
            return Err(RegisterError::Behind { got: version, needed: *floor });
        }
        Ok(Arc::new(Held { known, version, read_at }))
    }

    /// Reads an answer anew.
    ///
    /// # Errors
    /// The source does not answer, or what it holds cannot be read.
    pub async fn renew(&self, question: Question) -> Result<(), RegisterError> {
        let floor = self.state.load().floor(&question);
        let at = (question, floor);
        let held = self.load(&at).await?;
        self.answers.held.insert(at, held).await;
        Ok(())
    }

    /// Reloads an answer without anybody waiting; at most once at a time per key.
    fn reload_behind(self: &Arc<Self>, at: Key) {
        let Ok(permit) = Arc::clone(&self.answers.reloads).try_acquire_owned() else {
            return;
        };
        let Some(turn) = Turn::take(self, &at) else { return };
        tokio::spawn(async move {
            let _permit = permit;
            // On failure the old answer stays, with its true age.
            if let Ok(held) = turn.inner.load(&at).await {
                turn.inner.answers.held.insert(at, held).await;
            }
        });
    }
}

/// The right to reload one key; given back however the reload ends.
struct Turn {
    inner: Arc<Inner>,
    at: Key,
}

impl Turn {
    fn take(inner: &Arc<Inner>, at: &Key) -> Option<Self> {
        let mut under_way = inner.answers.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let first = under_way.insert(at.clone());
        first.then(|| Self { inner: Arc::clone(inner), at: at.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut under_way =
            self.inner.answers.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.remove(&self.at);
    }
}
