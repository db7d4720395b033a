//! Who may: surgeons, grants, catalogue, lists, discussions and calendar, cached, with their age.
//!
//! [`Register`] answers from memory and asks its [`source::Source`] behind or, bounded, before the answer.
//! Reading order: `table`, `record` (what a row is) · `source`, `sources/` (where rows come from) ·
//! `snapshot`, `cache`, `follow`, `warm` (what is in memory, and when it is no longer good) · `import/`, `export`.
//!
//! History is kept: an import ends rows and begins others under a new version, and never deletes.

pub mod cache;
pub mod change;
pub mod error;
pub mod export;
pub mod follow;
pub mod import;
pub mod look;
pub mod migrate;
pub mod record;
pub mod roster;
pub mod rows;
pub mod snapshot;
pub mod source;
pub mod sources;
pub mod table;
pub mod warm;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::clock;
use crate::domain::calendar::Calendar;
use crate::domain::catalogue::Catalogue;
use crate::domain::discussion::Discussion;
use crate::domain::order::Redacted;
pub use crate::domain::surgeon::PersonKey;
use crate::domain::surgeon::{Lookup, SurgeonId};
use crate::domain::technique::Lists;
pub use crate::register::cache::Remembered;
use crate::register::cache::{Answers, Held, Known};
use crate::register::error::RegisterError;
use crate::register::roster::Roster;
use crate::register::snapshot::Snapshot;
use crate::register::source::{About, Bearers, Question, Sought, Source};
use crate::register::warm::Warm;
use crate::telemetry::shared as events;

/// How long things hold. Every limit has a default; see [`Config::default`].
#[derive(Clone, Debug)]
pub struct Config {
    /// `fresh_s`: an older answer is given and reloaded behind.
    pub fresh: Duration,
    /// `usable_h`: with the source down, an older answer counts as none.
    pub usable: Duration,
    /// How long "nobody" holds. Not given when older, even with the source down: it refuses orders.
    pub nobody: Duration,
    /// How long an elective order waits for the source.
    pub wait: Duration,
    /// How long an emergency waits for a local source.
    pub emergency_wait: Duration,
    /// How often the source is asked for its version, whether it told of a change or not.
    pub poll: Duration,
    /// Whether all that a source over the network holds is brought into memory before anybody asks.
    pub warm: bool,
    /// How long a start waits for a source that may be down; then the gate starts without.
    pub start_wait: Duration,
    /// Surgeons and grants held in memory, about 200 bytes each. The default holds a million grants
    /// whole in 230 MB, so that a source that goes down leaves every surgeon in memory.
    pub capacity_rows: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            fresh: Duration::from_secs(30),
            usable: Duration::from_secs(24 * 3600),
            nobody: Duration::from_secs(5),
            wait: Duration::from_millis(1500),
            emergency_wait: Duration::from_millis(500),
            poll: Duration::from_millis(250),
            warm: true,
            start_wait: Duration::from_secs(3),
            capacity_rows: 1_100_000,
        }
    }
}

/// How long the asker can wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// May wait for the source, bounded.
    Elective,
    /// Memory, or a local source; never the network (design invariant 5).
    Emergency,
}

/// What the register says of a person.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Who it is.
    pub lookup: Lookup,
    /// How old the answer is; zero when there is none.
    pub age: Duration,
    /// The register version it was read at; the newest known when there is none.
    pub version: i64,
}

/// How the register and its source are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Whether the source answered when last asked.
    pub answers: bool,
    /// The newest version seen.
    pub version: i64,
    /// How long ago the source last confirmed the version.
    pub confirmed: Duration,
    /// Whether verdicts can rest on what is in memory: it was read, and confirmed within `usable`.
    pub usable: bool,
}

/// What tells surgical messages from others, of one moment.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The catalogue.
    pub catalogue: Arc<Catalogue>,
    /// Technique lists.
    pub lists: Arc<Lists>,
    /// [`Register::usable`], of the same moment.
    pub usable: bool,
}

/// What [`Register::watch`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether the source answered when last asked.
    pub answers: bool,
    /// Why it did not, when it had answered before.
    pub why: Option<Arc<str>>,
    /// The newest version seen; none: the source was never read.
    pub version: Option<i64>,
}

/// The register. Clones share everything.
#[derive(Clone)]
pub struct Register {
    inner: Arc<Inner>,
}

/// What the clones share.
pub struct Inner {
    config: Config,
    source: Arc<dyn Source>,
    state: ArcSwap<Snapshot>,
    answers: Answers,
    catching_up: tokio::sync::Mutex<()>,
    checked: ArcSwap<Instant>,
    told: watch::Sender<State>,
    warm: Warm,
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").field("version", &self.version()).finish_non_exhaustive()
    }
}

/// Longest time for the first reading of catalogue, lists, calendar and roster.
const OPEN_WITHIN: Duration = Duration::from_secs(30);

impl Register {
    /// Reads catalogue, lists, calendar and roster, and follows the source until the last clone is dropped.
    ///
    /// A source over the network may be down: then the register begins empty and not [`Register::usable`], and is
    /// read as soon as the source answers.
    ///
    /// # Errors
    /// A local source does not answer: that is repaired before a gate starts.
    pub async fn open(config: Config, source: Arc<dyn Source>) -> Result<Self, RegisterError> {
        let began = clock::monotonic();
        let limit = if source.is_local() { OPEN_WITHIN } else { config.start_wait };
        let (first, why) = match follow::bounded(limit, source.since(None)).await {
            Ok(update) => (Snapshot::first(update), None),
            Err(error) if source.is_local() => return Err(error),
            Err(error) => {
                events::RegisterAbsent { error: &error }.emit();
                (Snapshot::unread(), Some(error.to_string().into()))
            }
        };
        let version = first.read.then_some(first.version);
        let (told, _) = watch::channel(State { answers: why.is_none(), why, version });
        let poll = config.poll;
        let inner = Arc::new(Inner {
            answers: Answers::new(&config),
            config,
            source,
            state: ArcSwap::from_pointee(first),
            catching_up: tokio::sync::Mutex::new(()),
            checked: ArcSwap::from_pointee(began),
            told,
            warm: Warm::default(),
        });
        tokio::spawn(follow::follow(Arc::downgrade(&inner), poll));
        if inner.config.warm && !inner.source.is_local() {
            tokio::spawn(warm::run(Arc::downgrade(&inner)));
        }
        Ok(Self { inner })
    }

    /// What tells surgical messages from others.
    pub fn in_force(&self) -> InForce {
        // Before the state is looked at: what was not usable then may be empty now.
        let usable = self.usable();
        let state = self.inner.state.load();
        let (catalogue, lists) = (Arc::clone(&state.catalogue), Arc::clone(&state.lists));
        InForce { catalogue, lists, usable }
    }

    /// The catalogue, whole.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.inner.state.load().catalogue)
    }

    /// Who is on site, whole.
    pub fn roster(&self) -> Arc<Roster> {
        Arc::clone(&self.inner.state.load().roster)
    }

    /// Technique lists and dossiers, whole.
    pub fn lists(&self) -> Arc<Lists> {
        Arc::clone(&self.inner.state.load().lists)
    }

    /// The working-day calendar, whole.
    pub fn calendar(&self) -> Arc<Calendar> {
        Arc::clone(&self.inner.state.load().calendar)
    }

    /// Whether any current grant has right `order` (rules.md §3.2 `order-right-missing`).
    pub fn order_rights_in_use(&self) -> bool {
        self.inner.state.load().order_rights_in_use
    }

    /// The newest version seen.
    pub fn version(&self) -> i64 {
        self.inner.state.load().version
    }

    /// Whether the source answers, and when it last did.
    pub fn readiness(&self) -> Readiness {
        let answers = self.inner.told.borrow().answers;
        let checked = **self.inner.checked.load();
        let confirmed = clock::monotonic().saturating_duration_since(checked);
        let state = self.inner.state.load();
        let usable = state.read && confirmed <= self.inner.config.usable;
        Readiness { answers, version: state.version, confirmed, usable }
    }

    /// Whether verdicts can rest on the register: it was read, and was confirmed not too long ago. While it cannot,
    /// nobody knows what is surgical, so nothing may be taken to be none of the gate's business.
    pub fn usable(&self) -> bool {
        self.readiness().usable
    }

    /// How well memory serves, since the start.
    pub fn remembered(&self) -> Remembered {
        self.inner.answers.figures()
    }

    /// Wakes on every new version and whenever the source falls silent or answers again.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.inner.told.subscribe()
    }

    /// Looks for a new version now instead of at the next poll.
    ///
    /// # Errors
    /// The source does not answer.
    pub async fn catch_up(&self) -> Result<i64, RegisterError> {
        self.inner.catch_up().await
    }

    /// Who `who` is and what they hold.
    pub async fn surgeon(&self, who: &PersonKey, patience: Patience) -> Answer {
        let Some(held) = self.inner.known(Question::Person(who.clone()), patience).await else {
            return self.unavailable();
        };
        let id = match &held.known {
            Known::Surgeon(surgeon) => return answer(found(surgeon.as_ref()), &[&held]),
            Known::Bearers(Bearers::Nobody) => return answer(Lookup::Nobody, &[&held]),
            Known::Bearers(Bearers::Several) => return answer(Lookup::Several, &[&held]),
            Known::Bearers(Bearers::One(id)) => PersonKey::Id(id.clone()),
            // Answers to other questions.
            Known::Discussions(_) | Known::Colleagues(_) => return self.unavailable(),
        };
        match self.inner.known(Question::Person(id), patience).await.as_deref() {
            Some(person @ Held { known: Known::Surgeon(surgeon), .. }) => {
                answer(found(surgeon.as_ref()), &[&held, person])
            }
            _ => self.unavailable(),
        }
    }

    /// The discussions of a patient, of a number, or held for an order: whatever any of the three names,
    /// the latest first, at most [`source::MAX_DISCUSSIONS`]. `None` when it cannot be known within the
    /// patience given; waiting and emergencies are as for surgeons.
    pub async fn discussions(
        &self,
        patient: Option<&str>,
        number: Option<&str>,
        order_no: Option<&str>,
        patience: Patience,
    ) -> Option<Vec<Discussion>> {
        let named = |text: Option<&str>| text.and_then(|text| Redacted::new(text.trim()));
        let about =
            About { patient: named(patient), number: named(number), order_no: named(order_no) };
        if about == About::default() {
            return Some(Vec::new());
        }
        let question = Question::Discussions(about.clone());
        match self.inner.known(question.clone(), patience).await.as_deref() {
            Some(Held { known: Known::Discussions(held), .. }) => Some(held.clone()),
            Some(_) => None,
            None => {
                let floor = self.inner.state.load().floor(&question);
                self.inner.warm.discussions(&about, floor, self.inner.config.usable)
            }
        }
    }

    /// Up to [`source::MAX_COLLEAGUES`] surgeons who hold a grant that looks good, those of the department
    /// first. Only a hint for the person refused, so nobody where it cannot be known.
    pub async fn colleagues(&self, sought: Sought, patience: Patience) -> Vec<(SurgeonId, String)> {
        let held = self.inner.known(Question::Colleagues(sought), patience).await;
        match held.as_deref() {
            Some(Held { known: Known::Colleagues(some), .. }) => some.clone(),
            _ => Vec::new(),
        }
    }

    fn unavailable(&self) -> Answer {
        let version = self.version();
        Answer { lookup: Lookup::Unavailable, age: Duration::ZERO, version }
    }
}

fn found(surgeon: Option<&Arc<crate::domain::surgeon::Surgeon>>) -> Lookup {
    surgeon.map_or(Lookup::Nobody, |surgeon| Lookup::Found(Arc::clone(surgeon)))
}

/// An answer is as old as the oldest, and of the version of the last, reading that it rests on.
fn answer(lookup: Lookup, rests_on: &[&Held]) -> Answer {
    Answer {
        lookup,
        age: rests_on.iter().map(|held| held.age()).max().unwrap_or_default(),
        version: rests_on.last().map_or(0, |held| held.version),
    }
}

#[cfg(test)]
mod tests;
