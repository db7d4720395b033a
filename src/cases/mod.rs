//! One story per case: order, notice and record joined by order number, or by patient, code and day.
//!
//! The index is derived from the decision entries of the ledger and can be rebuilt from them; it decides
//! nothing by itself and holds up nobody. Reading order: `document` (what a case is made of) · `fold` (what
//! stands, pure) · `overlay`, `writer`, `store`, `marks`, `rows` (memory, then tables) · `ask` (stories) · `report`, `figures`, `open`.
//!
//! **Where it lives.** In tables of its own, in the embedded gate in a file of its own (`data_dir/cases.db`)
//! beside the register's: an import may hold the register for half a minute and its rows are precious,
//! while these may be deleted at any time, are written all day, and need no sync of their own – a
//! power cut loses at most the newest transactions, and the ledger has their entries. Gates that share a
//! database share the stories; each derives its own rows (`node`), and hears of those of the others (`others`).
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

mod addresses;
mod ask;
mod fold;
mod marks;
mod open;
mod others;
mod overlay;
mod rebuild;
mod recent;
mod rows;
mod store;
mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::AnyPool;
use tokio::sync::watch;

use crate::cases::addresses::Addresses;
use crate::cases::document::Document;
use crate::cases::error::CasesError;
pub use crate::cases::open::OpenDocument;
pub use crate::cases::others::{Heard, Others};
use crate::cases::overlay::Overlay;
pub use crate::cases::rebuild::Rebuild;
use crate::cases::recent::Recent;
pub use crate::cases::store::MIGRATIONS;
use crate::cases::store::Store;
use crate::telemetry::events;

/// Entries that may lie between one that was entered and an older one that was not when the gate stopped:
/// no more than the ledger's queue holds.
pub const OVERLAP: u64 = 10_000;

/// How far back a story reaches. Orders are operated within weeks; hospitals begin order numbers anew.
pub const STORY_DAYS: i64 = 400;

/// How long `override-frequent` looks back (rules.md §4).
pub const OVERRIDE_DAYS: i64 = 30;

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
    /// Documents that stay in memory after they were written, own ones and those of other gates, likewise: for
    /// emergencies, which do not wait for a network, and for a database that does not answer.
    pub recent_max: usize,
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
            gather: Duration::from_millis(100),
            pending_max: 20_000,
            recent_max: 0,
        }
    }

    /// For a database that gates share.
    pub fn shared(node: impl Into<String>) -> Self {
        Self {
            local: false,
            // Gates write rows of their own only.
            begin_write: "begin",
            // The other gate is to find them at once.
            gather: Duration::from_millis(2),
            recent_max: 20_000,
            ..Self::embedded(node)
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
    recent: Recent,
    addresses: Addresses,
    waiting: watch::Sender<usize>,
}

impl Inner {
    /// Tells how many documents wait. Counted inside the closure, so that the last word is the true one.
    fn tell(&self) {
        self.waiting
            .send_modify(|waiting| *waiting = self.overlay.waiting() + self.addresses.waiting());
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
        let (writer, aside) = (pool.clone(), pool.clone());
        Self::open_apart((pool, writer, aside), config).await
    }

    /// The same: of three pools, the connections of the first read for orders, those of the second write, and those of the
    /// third read for whoever works on threads that give way.
    ///
    /// # Errors
    /// As [`Cases::open`].
    pub async fn open_apart(
        (pool, writer, aside): (AnyPool, AnyPool, AnyPool),
        config: Config,
    ) -> Result<Self, CasesError> {
        let store = Store::open(pool, config.begin_write, config.node.clone()).await?;
        let store = store.apart(writer, aside);
        let arrivals = store.arrivals().await?;
        Ok(Self::begin(store, config, arrivals))
    }

    /// Over a database that gates share, which need not answer yet; whoever connects to it sees to the tables.
    /// Documents are numbered from the moment `now` on, so that no gate needs to ask for the last number.
    pub fn over(pool: AnyPool, config: Config, now: Timestamp) -> Self {
        let store = Store::over(pool, config.begin_write, config.node.clone());
        Self::begin(store, config, now.as_microsecond())
    }

    fn begin(store: Store, config: Config, arrivals: i64) -> Self {
        let overlay = Overlay::new(config.pending_max, arrivals);
        let (recent, waiting) = (Recent::new(config.recent_max), watch::Sender::new(0));
        let addresses = Addresses::new(arrivals);
        let inner = Arc::new(Inner { config, store, overlay, recent, addresses, waiting });
        tokio::spawn(writer::run(Arc::downgrade(&inner)));
        Self { inner }
    }

    /// Takes the documents of one entry; found at once, written behind. `seq` is the entry's place in the
    /// ledger, where known. Entering them again changes nothing. Never waits: without room they are left
    /// to the ledger.
    pub fn enter(&self, documents: Vec<Document>, seq: Option<u64>) {
        let count = documents.len();
        if count == 0 {
            return;
        }
        if let Some(kept) = self.inner.overlay.enter(documents, seq) {
            self.inner.recent.keep(kept);
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

    /// How much was entered and is not on disk yet.
    pub fn backlog(&self) -> usize {
        *self.inner.waiting.borrow()
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
        Ok(Rebuild::new(self.inner.store.clone(), transaction))
    }
}

#[cfg(test)]
mod tests;
