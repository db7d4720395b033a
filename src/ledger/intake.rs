//! The handle through which everybody else gives entries to the one writer, and what both sides share.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot, watch};

use crate::clock::Clock;
use crate::ledger::chain::Head;
use crate::ledger::entry::{Draft, Kind, Prepared};
use crate::ledger::receipt::Receipt;
use crate::ledger::recover::{self, Recovered};
use crate::ledger::store::Store;
use crate::ledger::writer::{Holder, Message, Queued, Writer};
use crate::ledger::{Config, LINE_BYTES_MAX, LedgerError};

/// What an append waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// The entry and everything before it are on disk.
    OnDisk,
    /// The queue has the entry; it is on disk within [`Config::soon`], and kept if the disk fails meanwhile.
    Soon,
}

/// How the ledger fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Why entries cannot be written at present; `None` = healthy.
    pub fault: Option<io::ErrorKind>,
    /// Since when it has been so.
    pub since: Timestamp,
    /// Entries handed over with [`Ledger::append_later`] that found no room, or were left at the end.
    pub lost: u64,
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Figures {
    entries: AtomicU64,
    syncs: AtomicU64,
    last_sync_us: AtomicU64,
}

impl Figures {
    /// Entries made durable, anchors included.
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// How many syncs that took.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// How long the last of them took, in microseconds.
    pub fn last_sync_us(&self) -> u64 {
        self.last_sync_us.load(Ordering::Relaxed)
    }

    pub(in crate::ledger) fn synced(&self, entries: u64, took: Duration) {
        self.entries.fetch_add(entries, Ordering::Relaxed);
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.last_sync_us.store(micros, Ordering::Relaxed);
    }
}

/// What the handle and the writer share.
pub(in crate::ledger) struct Shared {
    pub(in crate::ledger) config: Config,
    pub(in crate::ledger) clock: Clock,
    pub(in crate::ledger) room: Arc<Semaphore>,
    pub(in crate::ledger) figures: Figures,
    node: String,
    lane: Mutex<Lane>,
    head: watch::Sender<Head>,
    status: watch::Sender<Status>,
}

/// Entries for which nobody waits: they lie here until the writer looks, and seldom wake it.
#[derive(Default)]
struct Lane {
    waiting: VecDeque<Queued>,
    /// Of those handed over later, waiting or taken by the writer but not yet written.
    bytes: usize,
    /// The writer will look by itself within [`Config::soon`].
    watched: bool,
    closed: bool,
}

impl Lane {
    /// Takes an entry in; whether the writer must be told.
    fn enter(&mut self, queued: Queued) -> bool {
        self.waiting.push_back(queued);
        !std::mem::replace(&mut self.watched, true)
    }
}

impl Shared {
    fn new(config: Config, clock: Clock) -> Self {
        let status = Status { fault: None, since: clock.now(), lost: 0 };
        Self {
            room: Arc::new(Semaphore::new(room_total(&config))),
            node: serde_json::Value::from(config.node.as_str()).to_string(),
            config,
            clock,
            figures: Figures::default(),
            lane: Mutex::new(Lane::default()),
            head: watch::Sender::new(Head::GENESIS),
            status: watch::Sender::new(status),
        }
    }

    pub(in crate::ledger) fn prepare(&self, draft: &Draft) -> Prepared {
        Prepared::new(draft, &self.node, &self.config.zone)
    }

    pub(in crate::ledger) fn today(&self) -> Date {
        self.config.zone.to_datetime(self.clock.now()).date()
    }

    pub(in crate::ledger) fn set_head(&self, head: Head) {
        self.head.send_replace(head);
    }

    pub(in crate::ledger) fn fault(&self) -> Option<io::ErrorKind> {
        self.status.borrow().fault
    }

    pub(in crate::ledger) fn set_fault(&self, fault: Option<io::ErrorKind>) {
        let now = self.clock.now();
        self.status.send_if_modified(|status| {
            let changed = status.fault != fault;
            if changed {
                (status.fault, status.since) = (fault, now);
            }
            changed
        });
    }

    /// Counts lost entries; gives the total.
    pub(in crate::ledger) fn lose(&self, entries: u64) -> u64 {
        if entries > 0 {
            self.status.send_modify(|status| status.lost += entries);
        }
        self.status.borrow().lost
    }

    pub(in crate::ledger) fn room_is_empty(&self) -> bool {
        self.room.available_permits() == room_total(&self.config)
    }

    pub(in crate::ledger) fn take_lane(&self) -> VecDeque<Queued> {
        std::mem::take(&mut lock(&self.lane).waiting)
    }

    /// Whether the writer must look again: it may rest once it has looked and found nothing.
    pub(in crate::ledger) fn watch_lane(&self, found_nothing: bool) -> bool {
        let mut lane = lock(&self.lane);
        lane.watched &= !(found_nothing && lane.waiting.is_empty());
        lane.watched
    }

    pub(in crate::ledger) fn close_lane(&self) -> VecDeque<Queued> {
        lock(&self.lane).closed = true;
        self.take_lane()
    }

    pub(in crate::ledger) fn leave_lane(&self, written: &Prepared) {
        lock(&self.lane).bytes -= written.bytes();
    }

    /// Whether the lane took it, and the writer must be told.
    fn enter_lane(&self, prepared: Prepared) -> Option<bool> {
        let mut lane = lock(&self.lane);
        if lane.closed || lane.bytes + prepared.bytes() > self.config.later_bytes {
            return None;
        }
        lane.bytes += prepared.bytes();
        Some(lane.enter(Queued { prepared, holder: Holder::Lane }))
    }

    /// The same for an entry that has room in the queue.
    fn enter_lane_with_room(
        &self,
        prepared: Prepared,
        room: OwnedSemaphorePermit,
    ) -> Result<bool, LedgerError> {
        let mut lane = lock(&self.lane);
        if lane.closed {
            return Err(LedgerError::Closed);
        }
        Ok(lane.enter(Queued { prepared, holder: Holder::Queue { _room: room } }))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each critical section leaves its value whole, so a poisoned lock protects nothing.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn room_total(config: &Config) -> usize {
    config.queue_bytes.clamp(1, Semaphore::MAX_PERMITS.min(1 << 30))
}

/// The ledger, as the gate holds it. Clones share one writer.
#[derive(Clone)]
pub struct Ledger {
    inbox: Sender<Message>,
    shared: Arc<Shared>,
}

impl Ledger {
    /// Checks what is there, cuts a torn last line, and starts the writer. A disk that is full does not
    /// keep the ledger from opening: it opens unhealthy, see [`status`](Self::status).
    ///
    /// # Errors
    /// [`LedgerError::Broken`] if the newest file is broken elsewhere than in a torn last line, or does not
    /// follow the one before; [`LedgerError::Storage`] if files cannot be read, or no thread be started.
    pub fn open(
        mut store: impl Store,
        config: Config,
        clock: Clock,
    ) -> Result<(Self, Recovered), LedgerError> {
        let found = recover::recover(&mut store)?;
        let sync_time = store.sync_time().ok();
        let recovered = Recovered {
            head: found.head,
            files: found.files,
            torn: found.torn.clone(),
            sync_time,
            source: store.files(),
        };
        let shared = Arc::new(Shared::new(config, clock));
        shared.set_head(found.head);
        let writer = Writer::start(store, Arc::clone(&shared), &found, sync_time);
        let (inbox, queue) = mpsc::channel();
        thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run(&queue))
            .map_err(|error| LedgerError::storage("start the writer of", "", &error))?;
        Ok((Self { inbox, shared }, recovered))
    }

    /// Records a draft; the receipt says that it has the durability asked for.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] if the disk does not take it: it is then not in the ledger and will not
    /// be later (unless the machine stops between a failed sync and its repair).
    /// [`LedgerError::Overloaded`] if the queue stays full; [`LedgerError::TooLong`],
    /// [`LedgerError::Reserved`] for drafts that no ledger takes; [`LedgerError::Closed`].
    pub async fn append(
        &self,
        draft: Draft,
        durability: Durability,
    ) -> Result<Receipt, LedgerError> {
        if let Some(kind) = self.shared.fault() {
            return Err(LedgerError::Unavailable { kind });
        }
        let prepared = self.prepare(&draft)?;
        let room = self.room(prepared.bytes()).await?;
        match durability {
            Durability::Soon => {
                if self.shared.enter_lane_with_room(prepared, room)? {
                    self.inbox.send(Message::Lane).map_err(|_| LedgerError::Closed)?;
                }
                Ok(Receipt::queued(draft.id))
            }
            Durability::OnDisk => {
                let (reply, receipt) = oneshot::channel();
                let holder = Holder::Caller { reply, _room: room };
                let message = Message::Draft(Queued { prepared, holder });
                self.inbox.send(message).map_err(|_| LedgerError::Closed)?;
                receipt.await.unwrap_or(Err(LedgerError::Closed))
            }
        }
    }

    /// Hands a draft over without waiting: what became of a message, or an emergency entered afterwards. It
    /// is kept in memory until the disk takes it; beyond [`Config::later_bytes`] it is counted as lost.
    pub fn append_later(&self, draft: Draft) {
        let entered = self.prepare(&draft).ok().and_then(|ready| self.shared.enter_lane(ready));
        match entered {
            // A writer that has ended counted what was in the lane.
            Some(true) => drop(self.inbox.send(Message::Lane)),
            Some(false) => {}
            None => drop(self.shared.lose(1)),
        }
    }

    /// Whether entries can be written at present.
    pub fn healthy(&self) -> bool {
        self.shared.fault().is_none() && !self.shared.room.is_closed()
    }

    /// How the ledger fares, now and at every change.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// The last entry on disk, for whoever notes it outside.
    pub fn head(&self) -> Head {
        *self.shared.head.borrow()
    }

    /// The last entry on disk, now and whenever it is another: wakes whoever follows the files.
    pub fn heads(&self) -> watch::Receiver<Head> {
        self.shared.head.subscribe()
    }

    /// Counts since the start.
    pub fn figures(&self) -> &Figures {
        &self.shared.figures
    }

    /// Writes what is queued, ends the writer and frees the directory; gives the number of entries lost
    /// since the start. Appends fail from now on.
    pub async fn close(&self) -> u64 {
        let (reply, closed) = oneshot::channel();
        if self.inbox.send(Message::Close(reply)).is_err() {
            return self.shared.lose(0);
        }
        closed.await.unwrap_or_else(|_| self.shared.lose(0))
    }

    fn prepare(&self, draft: &Draft) -> Result<Prepared, LedgerError> {
        if draft.kind == Kind::Anchor {
            return Err(LedgerError::Reserved);
        }
        if draft.body.as_str().len() > LINE_BYTES_MAX / 2 {
            return Err(LedgerError::TooLong { bytes: draft.body.as_str().len() });
        }
        Ok(self.shared.prepare(draft))
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, LedgerError> {
        // An entry larger than the whole queue may still go, alone.
        let bytes = u32::try_from(bytes.min(room_total(&self.shared.config))).unwrap_or(u32::MAX);
        let room = &self.shared.room;
        match Arc::clone(room).try_acquire_many_owned(bytes) {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(LedgerError::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        let acquire = Arc::clone(room).acquire_many_owned(bytes);
        match tokio::time::timeout(self.shared.config.queue_wait, acquire).await {
            Ok(acquired) => acquired.map_err(|_| LedgerError::Closed),
            Err(_) => Err(LedgerError::Overloaded),
        }
    }
}
