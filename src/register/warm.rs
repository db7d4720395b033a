//! Brings every surgeon of a source over the network into memory before anybody asks: an emergency does not wait for the
//! network, and a source that goes down leaves the gate with all it needs. A local source is asked when it is needed.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::clock;
use crate::domain::discussion::Discussion;
use crate::domain::order::Redacted;
use crate::domain::surgeon::{PersonKey, Surgeon, fold_name};
use crate::register::Inner;
use crate::register::cache::{Held, Known};
use crate::register::error::RegisterError;
use crate::register::follow::bounded;
use crate::register::source::{About, Bearers, MAX_DISCUSSIONS, Question, Reading};
use crate::telemetry::shared as events;

/// Surgeons of one question: a few hundred kilobytes, so that orders in between do not wait for long.
const PAGE: u32 = 500;
/// Discussions in memory, some 500 bytes each: those of months, in a large house.
const DISCUSSIONS: u32 = 20_000;
/// Longest time for one page. Nobody waits for it.
const PAGE_WITHIN: Duration = Duration::from_secs(30);
/// How often it is looked whether there is something to read.
const EVERY: Duration = Duration::from_millis(100);
/// A source that failed is asked again after this.
const RETRY: Duration = Duration::from_secs(2);
/// Everybody is read again so often, so that what is in memory is far from `usable_h` when the source goes down.
const AGAIN: Duration = Duration::from_secs(3600);

/// What is to be read.
#[derive(Debug, Default)]
pub struct Warm {
    touched: Mutex<BTreeSet<PersonKey>>,
    discussed: ArcSwapOption<Discussed>,
    /// How often everything was forgotten.
    forgotten: AtomicU64,
}

/// The latest discussions.
#[derive(Debug)]
struct Discussed {
    version: i64,
    read_at: Instant,
    /// Whether these are all.
    whole: bool,
    held: Vec<Discussion>,
}

impl Warm {
    /// These have changed: what memory has of them counts no more.
    pub(super) fn touched(&self, keys: impl IntoIterator<Item = PersonKey>) {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.extend(keys);
    }

    /// Nothing read until now counts any more: the source was put back from a copy.
    pub(super) fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        self.discussed.store(None);
    }

    fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::Acquire)
    }

    /// The discussions asked for, as far as memory knows: read at `floor` or later, and no longer than `usable` ago.
    pub(super) fn discussions(
        &self,
        about: &About,
        floor: i64,
        usable: Duration,
    ) -> Option<Vec<Discussion>> {
        let discussed = self.discussed.load_full()?;
        let age = clock::monotonic().duration_since(discussed.read_at);
        if discussed.version < floor || age > usable {
            return None;
        }
        let same = |own: Option<&Redacted>, asked: &Option<Redacted>| {
            own.zip(asked.as_ref()).is_some_and(|(own, asked)| own == asked)
        };
        let number =
            |d: &Discussion| about.number.as_ref().is_some_and(|number| number.reveal() == d.id);
        let asked = discussed.held.iter().filter(|discussion| {
            same(Some(&discussion.patient), &about.patient)
                || number(discussion)
                || same(discussion.order_no.as_ref(), &about.order_no)
        });
        let found: Vec<Discussion> = asked.take(MAX_DISCUSSIONS).cloned().collect();
        (discussed.whole || !found.is_empty()).then_some(found)
    }

    fn take(&self) -> BTreeSet<PersonKey> {
        std::mem::take(&mut *self.touched.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs until the register is dropped.
pub(super) async fn run(register: Weak<Inner>) {
    let mut whole: Option<((i64, u64), Instant)> = None;
    loop {
        tokio::time::sleep(EVERY).await;
        let Some(register) = register.upgrade() else { return };
        let state = register.state.load_full();
        let again = AGAIN.min(register.config.usable / 4);
        let since = (state.everybody(), register.warm.forgotten());
        let stands = whole
            .is_some_and(|(own, at)| own == since && clock::monotonic().duration_since(at) < again);
        let good = if !state.read {
            true
        } else if stands {
            renew(&register).await && discussed(&register, again).await
        } else {
            let began = clock::monotonic();
            let read = everybody(&register).await.is_ok();
            whole = read.then_some((since, began)).or(whole);
            read
        };
        drop(register);
        if !good {
            tokio::time::sleep(RETRY).await;
        }
    }
}

/// Those that have changed; whether the source answered.
async fn renew(register: &Inner) -> bool {
    let mut left = register.warm.take();
    while let Some(key) = left.pop_first() {
        match register.renew(Question::Person(key.clone())).await {
            Ok(()) => {}
            // It will be no better the next time, and others wait behind it.
            Err(error @ RegisterError::Row { .. }) => unreadable(&error),
            Err(_) => {
                left.insert(key);
                register.warm.touched(left);
                return false;
            }
        }
    }
    true
}

/// The latest discussions, where they have changed, or for their age; whether the source answered.
async fn discussed(register: &Inner, again: Duration) -> bool {
    let floor = register.state.load().floor(&Question::Discussions(About::default()));
    let stands = register.warm.discussed.load().as_ref().is_some_and(|discussed| {
        discussed.version >= floor && clock::monotonic().duration_since(discussed.read_at) < again
    });
    if stands {
        return true;
    }
    let (read_at, forgotten) = (clock::monotonic(), register.warm.forgotten());
    let read = register.source.latest_discussions(DISCUSSIONS);
    let Ok(Reading { version, value: latest }) = bounded(PAGE_WITHIN, read).await else {
        return false;
    };
    latest.unread.iter().for_each(unreadable);
    let discussed = Discussed { version, read_at, whole: latest.whole, held: latest.discussions };
    register.warm.discussed.store(Some(Arc::new(discussed)));
    if register.warm.forgotten() != forgotten {
        register.warm.discussed.store(None);
    }
    true
}

/// All surgeons, page by page, and by which names they go.
async fn everybody(register: &Inner) -> Result<(), RegisterError> {
    let began = clock::monotonic();
    let mut names: HashMap<String, Bearers> = HashMap::new();
    let (mut after, mut oldest, mut unread): (Option<String>, _, _) = (None, i64::MAX, Vec::new());
    loop {
        let read_at = clock::monotonic();
        let page = bounded(PAGE_WITHIN, register.source.page(after.as_deref(), PAGE)).await?;
        let Reading { version, value: page } = page;
        oldest = oldest.min(version);
        for surgeon in page.surgeons {
            name(&mut names, &surgeon);
            let question = Question::Person(PersonKey::Id(surgeon.id.clone()));
            let known = Known::Surgeon(Some(Arc::new(surgeon)));
            keep(register, question, Held::new(known, version, read_at)).await;
        }
        unread.extend(page.unread);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    // Whose name it is cannot be said where one of its bearers cannot be read.
    for (name, error) in unread {
        names.remove(&fold_name(&name));
        unreadable(&error);
    }
    for (name, bearers) in names {
        let held = Held::new(Known::Bearers(bearers), oldest, began);
        keep(register, Question::Person(PersonKey::Name(name)), held).await;
    }
    Ok(())
}

fn unreadable(error: &RegisterError) {
    events::RegisterRowUnreadable { error }.emit();
}

fn name(names: &mut HashMap<String, Bearers>, surgeon: &Surgeon) {
    let one = Bearers::One(surgeon.id.clone());
    names.entry(fold_name(&surgeon.name)).and_modify(|b| *b = Bearers::Several).or_insert(one);
}

async fn keep(register: &Inner, question: Question, held: Held) {
    let floor = register.state.load().floor(&question);
    register.answers.keep(question, floor, held).await;
}
