//! One story per case: order, notice and record joined by order number, or by patient, code and day.
//!
//! The index is derived from the decision entries of the ledger and can be rebuilt from them; it decides
//! nothing by itself and holds up nobody. Reading order: `document` (what a case is made of) · `fold` (what
//! stands, pure) · `overlay`, `writer`, `store`, `rows` (memory, then tables) · `report`, `figures`.
//!
//! **Where it lives.** In tables of its own, in the embedded gate in a file of its own (`data_dir/cases.db`)
//! beside the register's: an import may hold the register for half a minute and its rows are precious,
//! while these may be deleted at any time, are written all day, and need no sync of their own – a
//! power cut loses at most the newest transactions, and the ledger has their entries. Gates that share a
//! database share the stories; each derives its own rows (`node`).
//!
//! **How it keeps up.** [`Cases::enter`] puts the documents of an entry into memory, where the next message
//! finds them, and a task writes them behind. The cursor says up to which entry the ledger was taken over;
//! a start reads on from there, with an overlap, and entering twice changes nothing. With the database
//! down, documents wait in bounded memory; what finds no room is left to the ledger
//! ([`Cases::behind`]), and the cursor stays before it.

pub mod document;
pub mod error;
pub mod figures;
pub mod report;

mod fold;
mod open;
mod overlay;
mod rows;
mod store;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::AnyPool;
use tokio::sync::watch;

use crate::cases::document::{Asked, Document};
use crate::cases::error::CasesError;
use crate::cases::fold::{Kept, Threads};
pub use crate::cases::open::OpenDocument;
use crate::cases::overlay::{Key, Overlay};
use crate::cases::store::{Span, Store};
use crate::domain::order::Stage;
use crate::domain::story::{Booking, Story};
use crate::domain::surgeon::SurgeonId;
use crate::telemetry::events;

/// Entries that may lie between one that was entered and an older one that was not when the gate stopped:
/// no more than the ledger's queue holds.
pub const OVERLAP: u64 = 10_000;

/// How far back a story reaches. Orders are operated within weeks; hospitals begin order numbers anew.
pub const STORY_DAYS: i64 = 400;

/// How long `override-frequent` looks back (rules.md §4).
pub const OVERRIDE_DAYS: i64 = 30;

/// Documents of one look-up, and keys that it follows; beyond, the rest is not looked at.
const DOCUMENTS_MAX: usize = 5_000;
const KEYS_MAX: usize = 200;

/// What the index is made of, and how long things may take.
#[derive(Clone, Debug)]
pub struct Config {
    /// The gate's name, as in its ledger.
    pub node: String,
    /// Whether the database is inside this machine: then emergencies may ask it.
    pub local: bool,
    /// Starts a transaction that may write.
    pub begin_write: &'static str,
    /// How long a look-up waits.
    pub wait: Duration,
    /// How long one of an emergency waits.
    pub emergency_wait: Duration,
    /// How long the writer lets documents gather: nobody waits for it.
    pub gather: Duration,
    /// Documents in memory that are not written yet, about 1 KB each.
    pub pending_max: usize,
}

impl Config {
    /// For an embedded database.
    pub fn embedded(node: impl Into<String>) -> Self {
        Self {
            node: node.into(),
            local: true,
            begin_write: "begin immediate",
            wait: Duration::from_millis(500),
            emergency_wait: Duration::from_millis(100),
            gather: Duration::from_millis(20),
            pending_max: 20_000,
        }
    }
}

/// The case index. Clones share everything.
#[derive(Clone)]
pub struct Cases {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    store: Store,
    overlay: Overlay,
    waiting: watch::Sender<usize>,
}

impl Inner {
    /// Tells how many documents wait. Counted inside the closure, so that the last word is the true one.
    fn tell(&self) {
        self.waiting.send_modify(|waiting| *waiting = self.overlay.waiting());
    }
}

/// A catching up that has begun, see [`Cases::begin_catch_up`].
#[derive(Clone, Copy, Debug)]
pub struct CatchUp {
    /// After which entry the ledger must be read on.
    pub after: u64,
    left_out: u64,
}

impl fmt::Debug for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cases").field("waiting", &*self.inner.waiting.borrow()).finish()
    }
}

impl Cases {
    /// Makes the tables if need be, and writes behind until the last clone is dropped.
    ///
    /// # Errors
    /// The database cannot be used, or is of a newer program.
    pub async fn open(pool: AnyPool, config: Config) -> Result<Self, CasesError> {
        let store = Store::open(pool, config.begin_write, config.node.clone()).await?;
        let overlay = Overlay::new(config.pending_max, store.arrivals().await?);
        let waiting = watch::Sender::new(0);
        let inner = Arc::new(Inner { config, store, overlay, waiting });
        tokio::spawn(writer::run(Arc::downgrade(&inner)));
        Ok(Self { inner })
    }

    /// Takes the documents of one entry; found at once, written behind. `seq` is the entry's place in the
    /// ledger, where known. Entering them again changes nothing. Never waits: without room they are left
    /// to the ledger.
    pub fn enter(&self, documents: Vec<Document>, seq: Option<u64>) {
        let count = documents.len();
        if count == 0 {
            return;
        }
        if self.inner.overlay.enter(documents, seq) {
            self.inner.tell();
        } else {
            events::CasesLeftOut { documents: count }.emit();
        }
    }

    /// Whether the ledger must be read on: always at first, and when documents were left out for want of
    /// room. Until then the cursor stays.
    pub fn behind(&self) -> bool {
        self.inner.overlay.behind()
    }

    /// Begins to read the ledger on from the cursor, with an overlap.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn begin_catch_up(&self) -> Result<CatchUp, CasesError> {
        let left_out = self.inner.overlay.left_out();
        let after = self.inner.store.cursor().await?.saturating_sub(OVERLAP);
        Ok(CatchUp { after, left_out })
    }

    /// As [`Cases::enter`], for an entry read from the ledger: waits for room.
    pub async fn catch_up(&self, documents: Vec<Document>, seq: u64) {
        let room = (self.inner.config.pending_max / 2).max(1);
        // The sender lives in `inner`, so waiting for it cannot fail.
        let _ = self.inner.waiting.subscribe().wait_for(|waiting| *waiting < room).await;
        self.enter(documents, Some(seq));
    }

    /// The ledger was read up to `seq`, its last entry.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn caught_up(&self, begun: CatchUp, seq: u64) -> Result<(), CasesError> {
        self.flush(Duration::from_secs(60)).await?;
        let mut transaction = self.inner.store.begin().await?;
        self.inner.store.advance(&mut transaction, seq).await?;
        transaction.commit().await?;
        self.inner.overlay.made_good(begun.left_out);
        Ok(())
    }

    /// Documents entered and not on disk yet, oldest first.
    pub fn waiting(&self) -> Vec<Document> {
        self.inner.overlay.all().iter().map(|kept| kept.document.clone()).collect()
    }

    /// Waits until everything entered is on disk.
    ///
    /// # Errors
    /// It is not within `limit`.
    pub async fn flush(&self, limit: Duration) -> Result<(), CasesError> {
        let mut waiting = self.inner.waiting.subscribe();
        let empty = waiting.wait_for(|waiting| *waiting == 0);
        tokio::time::timeout(limit, empty).await.map_err(|_| CasesError::Slow(limit))?.ok();
        Ok(())
    }

    /// Writes what waits, within `limit`, and closes the database.
    pub async fn close(&self, limit: Duration) {
        // What is not written by then is in the ledger.
        let _ = self.flush(limit).await;
        self.inner.store.close().await;
    }

    /// Begins to build the own part of the index anew, in one transaction.
    ///
    /// # Errors
    /// The database does not answer, or another writer holds it.
    pub async fn rebuild(&self) -> Result<Rebuild, CasesError> {
        let mut transaction = self.inner.store.begin().await?;
        self.inner.store.drop_own(&mut transaction).await?;
        let store = self.inner.store.clone();
        Ok(Rebuild { store, transaction, batch: Vec::new(), arrivals: 1, documents: 0 })
    }

    /// What is known of the case that a message belongs to. Not known where the index does not answer in
    /// time, and where an emergency would have to wait for a network.
    pub async fn story(&self, asked: &Asked) -> Story {
        let found = self.bounded(asked, async {
            let threads = self.threads(keys(asked), Vec::new(), since(asked.now)).await?;
            let (order, notice) = threads.story(&asked.belongs());
            let chapter = |thread: &fold::Thread| Some(thread.standing()?.document.chapter());
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
            let mut found = self.inner.overlay.find(&Key::Surgeon(surgeon.clone()));
            found.extend(self.inner.store.overriding(surgeon, since).await?);
            let corrected = self.inner.overlay.all();
            let corrected = corrected.iter().filter_map(|kept| kept.document.supersedes.as_ref());
            let corrected: HashSet<&String> = corrected.collect();
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
        let wait = if asked.emergency { config.emergency_wait } else { config.wait };
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
    async fn threads(
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
fn since(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(24 * STORY_DAYS)).unwrap_or(Timestamp::MIN)
}

fn keys(asked: &Asked) -> Vec<Key> {
    let order = asked.order_no.iter().cloned().map(Key::Order);
    order.chain(asked.patient.iter().cloned().map(Key::Patient)).collect()
}

fn document_keys(document: &Document) -> impl Iterator<Item = Key> {
    let order = document.order_no.iter().cloned().map(Key::Order);
    order.chain(document.patient.iter().cloned().map(Key::Patient))
}

/// Each patient and operation once: documents of one number, or of one patient, code and day, are one.
fn operations(documents: &[Arc<Kept>], asked: &Asked) -> u32 {
    let one =
        |a: &document::Belongs<'_>, b: &document::Belongs<'_>| a.with(b) || a.same_operation(b);
    let mut sorted: Vec<&Arc<Kept>> = documents.iter().collect();
    sorted.sort_by_key(|kept| kept.position());
    sorted.dedup_by_key(|kept| (&kept.document.entry, kept.document.nth));
    let own = asked.belongs();
    let mut groups: Vec<Vec<document::Belongs<'_>>> = vec![vec![own]];
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

/// The own part of the index in the making; nothing is changed until [`Rebuild::finish`].
pub struct Rebuild {
    store: Store,
    transaction: sqlx::Transaction<'static, sqlx::Any>,
    batch: Vec<Arc<Kept>>,
    arrivals: i64,
    documents: u64,
}

impl Rebuild {
    /// Takes the documents of the next entry.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn take(&mut self, documents: Vec<Document>) -> Result<(), CasesError> {
        for document in documents {
            let arrival = self.arrivals;
            self.arrivals += 1;
            self.documents += 1;
            self.batch.push(Arc::new(Kept { document, arrival, seq: None }));
        }
        if self.batch.len() >= 500 { self.write().await } else { Ok(()) }
    }

    async fn write(&mut self) -> Result<(), CasesError> {
        let batch = std::mem::take(&mut self.batch);
        self.store.write(&mut self.transaction, &batch).await
    }

    /// Puts the new index in place of the old; `seq` is the last entry read. Gives the number of documents.
    ///
    /// # Errors
    /// The database does not answer; the old index then stays.
    pub async fn finish(mut self, seq: u64) -> Result<u64, CasesError> {
        self.write().await?;
        self.store.advance(&mut self.transaction, seq).await?;
        self.transaction.commit().await?;
        Ok(self.documents)
    }
}
