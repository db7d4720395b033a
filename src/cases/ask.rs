//! The questions that judging asks: stories, bookings, overrides. All of them wait only so long.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cases::document::{Asked, Belongs, Document};
use crate::cases::error::CasesError;
use crate::cases::fold::{Kept, Thread, Threads};
use crate::cases::overlay::Key;
use crate::cases::store::Span;
use crate::cases::{Cases, STORY_DAYS};
use crate::domain::order::Stage;
use crate::domain::story::{Booking, Story};
use crate::domain::surgeon::SurgeonId;
use crate::telemetry::events;

/// Documents of one look-up, and keys that it follows; beyond, the rest is not looked at.
const DOCUMENTS_MAX: usize = 5_000;
const KEYS_MAX: usize = 200;

impl Cases {
    /// How long a message waits for the index.
    pub fn patience(&self, emergency: bool) -> Duration {
        let config = &self.inner.config;
        if emergency { config.emergency_wait } else { config.wait }
    }

    /// What is known of the case that a message belongs to. Not known where the index does not answer in
    /// time, and where an emergency would have to wait for a network.
    pub async fn story(&self, asked: &Asked) -> Story {
        let found = self.bounded(asked, async {
            let threads = self.threads(keys(asked), Vec::new(), since(asked.now)).await?;
            let (order, notice) = threads.story(&asked.belongs());
            let chapter = |thread: &Thread| Some(thread.standing()?.document.chapter());
            let (order, notice) = (order.and_then(chapter), notice.and_then(chapter));
            Ok(Story { known: true, order, notice })
        });
        found.await.unwrap_or_default()
    }

    /// Notices in force of other orders that book any of `surgeons` between `from` and `to`. Empty where the
    /// index does not answer.
    pub async fn bookings(
        &self,
        surgeons: &[SurgeonId],
        from: Timestamp,
        to: Timestamp,
        asked: &Asked,
    ) -> Vec<Booking> {
        let found = self.bounded(asked, self.booked(surgeons, Span { from, to }, asked));
        found.await.unwrap_or_default()
    }

    async fn booked(
        &self,
        surgeons: &[SurgeonId],
        span: Span,
        asked: &Asked,
    ) -> Result<Vec<Booking>, CasesError> {
        let overlaps = |from: Timestamp, to: Timestamp| from < span.to && span.from < to;
        let mut found = Vec::new();
        for surgeon in surgeons {
            found.extend(self.inner.overlay.find(&Key::Surgeon(surgeon.clone())));
            found.extend(self.inner.store.booking(surgeon, span).await?);
        }
        found.retain(|kept| kept.document.booked().any(|b| overlaps(b.from, b.to)));
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let keys = found.iter().flat_map(|kept| document_keys(&kept.document)).collect();
        let threads = self.threads(keys, found, since(asked.now)).await?;
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
    /// 0 where the index does not answer.
    pub async fn overrides(&self, surgeon: &SurgeonId, since: Timestamp, asked: &Asked) -> u32 {
        let found = self.bounded(asked, async {
            // Memory first: a correction that is written between the two look-ups is seen twice, never not.
            let corrected = self.inner.overlay.all();
            let corrected = corrected.iter().filter_map(|kept| kept.document.supersedes.as_ref());
            let corrected: HashSet<&String> = corrected.collect();
            let mut found = self.inner.overlay.find(&Key::Surgeon(surgeon.clone()));
            found.extend(self.inner.store.overriding(surgeon, since).await?);
            found.retain(|kept| {
                let document = &kept.document;
                document.at >= since
                    && !corrected.contains(&document.entry)
                    && document.overriding().any(|own| own == surgeon)
            });
            Ok(operations(&found, asked))
        });
        found.await.unwrap_or_default()
    }

    /// Waits for the index no longer than the asker can.
    async fn bounded<T>(
        &self,
        asked: &Asked,
        answer: impl Future<Output = Result<T, CasesError>>,
    ) -> Option<T> {
        let config = &self.inner.config;
        if asked.emergency && !config.local {
            return None;
        }
        let wait = self.patience(asked.emergency);
        let answer = tokio::time::timeout(wait, answer).await;
        match answer.unwrap_or(Err(CasesError::Slow(wait))) {
            Ok(answer) => Some(answer),
            Err(error) => {
                events::CasesUnanswered { error: &error }.emit();
                None
            }
        }
    }

    /// What stands of the cases that any of `keys` is about, given documents that are known already.
    /// Numbers lead to patients and patients to numbers until nothing new is found.
    pub(in crate::cases) async fn threads(
        &self,
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
            fresh.extend(keys.iter().flat_map(|key| self.inner.overlay.find(key)));
            fresh.extend(self.inner.store.find(&keys, since).await?);
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

/// Each patient and operation once: documents of one number, or of one patient, code and day, are one.
fn operations(documents: &[Arc<Kept>], asked: &Asked) -> u32 {
    let one = |a: &Belongs<'_>, b: &Belongs<'_>| a.with(b) || a.same_operation(b);
    let mut sorted: Vec<&Arc<Kept>> = documents.iter().collect();
    sorted.sort_by_key(|kept| kept.position());
    sorted.dedup_by_key(|kept| (&kept.document.entry, kept.document.nth));
    let own = asked.belongs();
    let mut groups: Vec<Vec<Belongs<'_>>> = vec![vec![own]];
    for kept in sorted {
        let belongs = kept.document.belongs();
        let (same, mut rest): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|group| group.iter().any(|other| one(other, &belongs)));
        let mut joined: Vec<_> = same.into_iter().flatten().collect();
        joined.push(belongs);
        rest.push(joined);
        groups = rest;
    }
    u32::try_from(groups.len() - 1).unwrap_or(u32::MAX)
}
