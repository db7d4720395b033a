//! The questions that judging asks: stories, bookings, overrides. All of them wait only so long.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::cases::document::{Asked, Document};
use crate::cases::error::CasesError;
use crate::cases::fold::{Kept, Thread, Threads};
use crate::cases::overlay::Key;
use crate::cases::store::Span;
use crate::cases::{Cases, Inner, STORY_DAYS};
use crate::domain::order::{Redacted, Stage};
use crate::domain::procedure::ProcedureCode;
use crate::domain::story::{Booking, Story};
use crate::domain::surgeon::SurgeonId;
use crate::telemetry::events;

/// Documents of one look-up, and keys that it follows; beyond, the rest is not looked at.
const DOCUMENTS_MAX: usize = 5_000;
const KEYS_MAX: usize = 200;

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cases) enum From {
    /// Memory and the tables.
    Index,
    /// Memory alone.
    Memory,
}

impl Cases {
    /// How long a message waits for the index.
    pub fn patience(&self, emergency: bool) -> Duration {
        let config = &self.inner.config;
        if emergency { config.emergency_wait } else { config.wait }
    }

    /// What is known of the case that a message belongs to. From memory alone, where the index does not answer in time
    /// or an emergency would have to wait for a network: then it is known only if memory has the order.
    pub async fn story(&self, asked: &Asked) -> Story {
        let index = self.story_from(From::Index, asked);
        let found = self.bounded(asked, index, self.story_from(From::Memory, asked));
        found.await.filter(|story| story.known).unwrap_or_default()
    }

    async fn story_from(&self, from: From, asked: &Asked) -> Result<Story, CasesError> {
        let threads = self.threads(from, keys(asked), Vec::new(), since(asked.now)).await?;
        let (order, notice) = threads.story(&asked.belongs());
        let chapter = |thread: &Thread| Some(thread.standing()?.document.chapter());
        let (order, notice) = (order.and_then(chapter), notice.and_then(chapter));
        Ok(Story { known: from == From::Index || order.is_some(), order, notice })
    }

    /// Notices in force of other orders that book any of `surgeons` between `from` and `to`. Those in memory where the
    /// index does not answer.
    pub async fn bookings(
        &self,
        surgeons: &[SurgeonId],
        from: Timestamp,
        to: Timestamp,
        asked: &Asked,
    ) -> Vec<Booking> {
        let span = Span { from, to };
        let index = self.booked(From::Index, surgeons, span, asked);
        let memory = self.booked(From::Memory, surgeons, span, asked);
        let found = self.bounded(asked, index, memory);
        found.await.unwrap_or_default()
    }

    async fn booked(
        &self,
        from: From,
        surgeons: &[SurgeonId],
        span: Span,
        asked: &Asked,
    ) -> Result<Vec<Booking>, CasesError> {
        let overlaps = |from: Timestamp, to: Timestamp| from < span.to && span.from < to;
        let mut found = Vec::new();
        for surgeon in surgeons {
            found.extend(self.remembered(&Key::Surgeon(surgeon.clone())));
            if from == From::Index {
                found.extend(self.inner.store.booking(surgeon, span).await?);
            }
        }
        found.retain(|kept| kept.document.booked().any(|b| overlaps(b.from, b.to)));
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let keys = found.iter().flat_map(|kept| document_keys(&kept.document)).collect();
        let threads = self.threads(from, keys, found, since(asked.now)).await?;
        let own = asked.belongs();
        let others = threads.all(Stage::Notice).filter(|thread| !thread.belongs().with(&own));
        let booked = others.filter_map(|thread| thread.accepted.as_ref());
        let booked = booked.flat_map(|kept| kept.document.booked());
        let mut booked: Vec<Booking> =
            booked.filter(|b| surgeons.contains(&b.surgeon) && overlaps(b.from, b.to)).collect();
        booked.sort_by(|a, b| (a.from, &a.entry).cmp(&(b.from, &b.entry)));
        Ok(booked)
    }

    /// How many operations a surgeon's overrides were opened for since `since`, that of `asked` not counted.
    /// Those in memory where the index does not answer.
    pub async fn overrides(&self, surgeon: &SurgeonId, since: Timestamp, asked: &Asked) -> u32 {
        let index = self.overriding(From::Index, surgeon, since, asked);
        let memory = self.overriding(From::Memory, surgeon, since, asked);
        self.bounded(asked, index, memory).await.unwrap_or_default()
    }

    async fn overriding(
        &self,
        from: From,
        surgeon: &SurgeonId,
        since: Timestamp,
        asked: &Asked,
    ) -> Result<u32, CasesError> {
        // Memory first: a correction that is written between the two look-ups is seen twice, never not.
        let corrected = self.inner.overlay.all();
        let corrected = corrected.iter().filter_map(|kept| kept.document.supersedes.as_ref());
        let corrected: HashSet<&String> = corrected.collect();
        let mut found = self.remembered(&Key::Surgeon(surgeon.clone()));
        if from == From::Index {
            found.extend(self.inner.store.overriding(surgeon, since).await?);
        }
        found.retain(|kept| {
            let document = &kept.document;
            document.at >= since
                && !corrected.contains(&document.entry)
                && !self.inner.recent.corrects(&document.entry)
                && document.overriding().any(|own| own == surgeon)
        });
        Ok(operations(&found, asked))
    }

    /// What is in memory of a key: not written yet, and the newest of a shared index.
    fn remembered(&self, key: &Key) -> Vec<Arc<Kept>> {
        let mut found = self.inner.overlay.find(key);
        found.extend(self.inner.recent.find(key));
        found
    }

    /// Waits for the index no longer than the asker can; a shared one that does not answer is made up for by memory.
    async fn bounded<T>(
        &self,
        asked: &Asked,
        index: impl Future<Output = Result<T, CasesError>>,
        memory: impl Future<Output = Result<T, CasesError>>,
    ) -> Option<T> {
        let Inner { config, recent, .. } = &*self.inner;
        if !config.local && (asked.emergency || recent.must_do()) {
            return memory.await.ok();
        }
        let whole = self.patience(asked.emergency);
        // Of what a message may wait, some is left for what memory has to say.
        let wait = if config.local { whole } else { whole / 2 };
        match tokio::time::timeout(wait, index).await.unwrap_or(Err(CasesError::Slow(wait))) {
            Ok(answer) => Some(answer),
            Err(error) => {
                events::CasesUnanswered { error: &error }.emit();
                if config.local {
                    return None;
                }
                recent.not_answered();
                memory.await.ok()
            }
        }
    }

    /// What stands of the cases that any of `keys` is about, given documents that are known already.
    /// Numbers lead to patients and patients to numbers until nothing new is found.
    pub(in crate::cases) async fn threads(
        &self,
        from: From,
        keys: Vec<Key>,
        known: Vec<Arc<Kept>>,
        since: Timestamp,
    ) -> Result<Threads, CasesError> {
        let mut found: HashMap<(String, u32), Arc<Kept>> = HashMap::new();
        let mut seen: HashSet<Key> = keys.iter().cloned().collect();
        let keys_max = seen.len() + KEYS_MAX;
        let mut next: Vec<Key> = seen.iter().cloned().collect();
        let mut fresh = known;
        loop {
            for kept in fresh.drain(..) {
                for key in document_keys(&kept.document) {
                    if seen.len() < keys_max && seen.insert(key.clone()) {
                        next.push(key);
                    }
                }
                let name = (kept.document.entry.clone(), kept.document.nth);
                found.insert(name, kept);
            }
            if next.is_empty() || found.len() >= DOCUMENTS_MAX {
                break;
            }
            // Memory first: what is written between the two look-ups is found twice, never not at all.
            let keys = std::mem::take(&mut next);
            fresh.extend(keys.iter().flat_map(|key| self.remembered(key)));
            if from == From::Index {
                fresh.extend(self.inner.store.find(&keys, since).await?);
            }
        }
        Ok(Threads::of(found.into_values().collect()))
    }
}

/// How far back a story reaches.
pub(in crate::cases) fn since(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * STORY_DAYS)).unwrap_or(Timestamp::MIN)
}

fn keys(asked: &Asked) -> Vec<Key> {
    let order = asked.order_no.iter().cloned().map(Key::Order);
    order.chain(asked.patient.iter().cloned().map(Key::Patient)).collect()
}

/// What a document is looked for by.
pub(in crate::cases) fn document_keys(document: &Document) -> impl Iterator<Item = Key> {
    let order = document.order_no.iter().cloned().map(Key::Order);
    order.chain(document.patient.iter().cloned().map(Key::Patient))
}

/// Each patient and operation once: documents of one number, or of one patient, code and day, are one, and so are those
/// that others join: what [`Belongs`](crate::cases::document::Belongs) says of two documents, as names. Each document goes
/// by its names to the first of that name: a surgeon may have many.
fn operations(documents: &[Arc<Kept>], asked: &Asked) -> u32 {
    let mut known = HashSet::new();
    let documents = documents.iter().map(|kept| &kept.document);
    let documents = documents.filter(|document| known.insert((&document.entry, document.nth)));
    let documents = documents.map(Document::belongs);
    let mut by_number: HashMap<&Redacted, usize> = HashMap::new();
    let mut by_likeness: HashMap<(&Redacted, Date, &ProcedureCode), usize> = HashMap::new();
    let mut joined = Joined::default();
    for belongs in std::iter::once(asked.belongs()).chain(documents) {
        let own = joined.one_more();
        let number = belongs.order_no.map(|number| *by_number.entry(number).or_insert(own));
        let alike = belongs
            .patient
            .into_iter()
            .flat_map(|patient| belongs.codes.iter().map(move |code| (patient, belongs.day, code)));
        let alike = alike.map(|likeness| *by_likeness.entry(likeness).or_insert(own));
        number.into_iter().chain(alike).for_each(|first| joined.join(own, first));
    }
    // That of `asked` is no other.
    joined.sets.saturating_sub(1)
}

/// Disjoint sets: of each member, the one that it was joined to, itself if none.
#[derive(Debug, Default)]
struct Joined {
    to: Vec<usize>,
    sets: u32,
}

impl Joined {
    fn one_more(&mut self) -> usize {
        self.to.push(self.to.len());
        self.sets += 1;
        self.to.len() - 1
    }

    fn first(&self, mut of: usize) -> usize {
        while let Some(to) = self.to.get(of).filter(|to| **to != of) {
            of = *to;
        }
        of
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.first(one), self.first(other));
        if one != other
            && let Some(to) = self.to.get_mut(one.max(other))
        {
            *to = one.min(other);
            self.sets -= 1;
        }
    }
}
