//! The one writer: a thread that drains everything queued into one write and one fdatasync.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::clock;
use crate::ledger::LedgerError;
use crate::ledger::chain::Head;
use crate::ledger::entry::{Body, Draft, EntryId, Kind, Prepared};
use crate::ledger::intake::Shared;
use crate::ledger::receipt::Receipt;
use crate::ledger::recover::{self, Found};
use crate::ledger::store::{FileName, Store};
use crate::telemetry::state;

/// How long a close waits for appends that are on their way and for a disk that does not answer.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// Who holds an entry that is not on disk yet.
pub(in crate::ledger) enum Holder {
    /// The caller waits. If the write fails the entry is the caller's again, and is never written later.
    Caller { reply: oneshot::Sender<Result<Receipt, LedgerError>>, _room: OwnedSemaphorePermit },
    /// The caller has a receipt for the queue: the ledger must keep the entry until it is written.
    Queue { _room: OwnedSemaphorePermit },
    /// Handed over without waiting: likewise, within the lane's bound.
    Lane,
}

/// An entry on its way to the disk.
pub(in crate::ledger) struct Queued {
    pub(in crate::ledger) prepared: Prepared,
    pub(in crate::ledger) holder: Holder,
}

/// What the writer is told.
#[expect(clippy::large_enum_variant, reason = "nearly all are drafts; a box would cost each one")]
pub(in crate::ledger) enum Message {
    /// An entry for which a caller waits.
    Draft(Queued),
    /// There is something in the lane, which was not watched.
    Lane,
    /// Write what there is and end; answered with the number of entries lost.
    Close(oneshot::Sender<u64>),
}

/// The current file. INVARIANT: `length` is what the last successful sync covered, and ends with the head.
struct Current {
    name: FileName,
    length: u64,
}

/// The disk does not take entries.
struct Trouble {
    /// A sync failed: the file's end may differ from what the kernel shows.
    distrusted: bool,
    retry_at: Instant,
}

/// A write that failed.
struct Failure {
    kind: io::ErrorKind,
    sync: bool,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self { kind: error.kind(), sync: false }
    }
}

pub(in crate::ledger) struct Writer<S> {
    store: S,
    shared: Arc<Shared>,
    current: Option<Current>,
    head: Head,
    head_file: Option<FileName>,
    /// Why an anchor is due, if one is.
    anchor: Option<&'static str>,
    torn_bytes: u64,
    sync_time: Option<Duration>,
    /// Go on in a new part, whatever the size of the current one.
    leave_part: bool,
    pending: VecDeque<Queued>,
    /// Somebody waits for a pending entry.
    urgent: bool,
    /// When the lane must be looked at and what is in it be written.
    soon: Option<Instant>,
    trouble: Option<Trouble>,
    buffer: Vec<u8>,
}

impl<S: Store> Writer<S> {
    /// Goes on where recovery ended; writes the anchor of this start. A disk that does not take it is no
    /// reason not to start: the ledger begins unhealthy and retries.
    pub(in crate::ledger) fn start(
        store: S,
        shared: Arc<Shared>,
        found: &Found,
        sync_time: Option<Duration>,
    ) -> Self {
        let mut writer = Self {
            store,
            shared,
            current: found.file.map(|(name, length)| Current { name, length }),
            head: found.head,
            head_file: found.file.map(|(name, _)| name),
            anchor: Some("start"),
            torn_bytes: found.torn.as_ref().map_or(0, |torn| torn.bytes),
            sync_time,
            leave_part: false,
            pending: VecDeque::new(),
            urgent: false,
            soon: None,
            trouble: Some(Trouble { distrusted: false, retry_at: clock::monotonic() }),
            buffer: Vec::new(),
        };
        writer.heal();
        writer
    }

    pub(in crate::ledger) fn run(mut self, inbox: &Receiver<Message>) {
        let closing = loop {
            let first = match self.wait() {
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => inbox.recv_timeout(wait),
            };
            let mut closing = match first {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break None,
            };
            // INVARIANT: terminates, since queued entries hold room until this turn is over.
            while closing.is_none()
                && let Ok(message) = inbox.try_recv()
            {
                closing = self.take(message);
            }
            self.turn(false);
            if closing.is_some() {
                break closing;
            }
        };
        self.finish(inbox, closing);
    }

    /// How long to wait for the next message; `None` = until it comes.
    fn wait(&self) -> Option<Duration> {
        let at = self.trouble.as_ref().map(|trouble| trouble.retry_at).or(self.soon)?;
        Some(at.saturating_duration_since(clock::monotonic()))
    }

    fn take(&mut self, message: Message) -> Option<oneshot::Sender<u64>> {
        match message {
            Message::Draft(queued) => {
                self.urgent = true;
                self.pending.push_back(queued);
            }
            Message::Lane => self.write_soon(),
            Message::Close(reply) => return Some(reply),
        }
        None
    }

    fn write_soon(&mut self) {
        let latest = self.shared.config.soon;
        self.soon.get_or_insert_with(|| clock::monotonic() + latest);
    }

    /// After each drain of the queue: write, retry, or go on waiting.
    fn turn(&mut self, closing: bool) {
        let now = clock::monotonic();
        if let Some(trouble) = &self.trouble {
            let retry = now >= trouble.retry_at;
            self.refuse_waiting(io::ErrorKind::Other);
            if retry {
                self.heal();
            }
            return;
        }
        if self.urgent || closing || self.soon.is_some_and(|at| now >= at) {
            self.pending.extend(self.shared.take_lane());
            let found_nothing = self.pending.is_empty();
            if let Err(failure) = self.commit() {
                self.fail(&failure);
            }
            if self.shared.watch_lane(found_nothing) {
                self.write_soon();
            }
        }
    }

    fn commit(&mut self) -> Result<(), Failure> {
        (self.urgent, self.soon) = (false, None);
        while !self.pending.is_empty() || self.anchor.is_some() {
            self.write_segment()?;
        }
        Ok(())
    }

    /// One write and one sync: as many pending entries as belong to the current file.
    fn write_segment(&mut self) -> Result<(), Failure> {
        self.ready_file()?;
        let Some(Current { name, length }) = self.current else {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        };
        self.buffer.clear();
        let mut head = self.head;
        if length == 0 || self.anchor.is_some() {
            head = self.prepare_anchor()?.seal(head, &mut self.buffer);
        }
        let first_seq = head.seq + 1;
        let mut count = 0;
        for queued in &self.pending {
            let full = length + bytes(self.buffer.len()) >= self.shared.config.part_bytes;
            if queued.prepared.day > name.day || (full && count > 0) {
                break;
            }
            head = queued.prepared.seal(head, &mut self.buffer);
            count += 1;
        }
        self.store.append(&self.buffer)?;
        let start = clock::monotonic();
        self.store.sync().map_err(|error| Failure { kind: error.kind(), sync: true })?;
        let took = start.elapsed();
        self.shared.figures.synced(head.seq - self.head.seq, took);
        state::synced(head.seq - self.head.seq, took);
        self.current = Some(Current { name, length: length + bytes(self.buffer.len()) });
        (self.head, self.head_file) = (head, Some(name));
        (self.anchor, self.torn_bytes) = (None, 0);
        self.shared.set_head(head);
        for (queued, seq) in self.pending.drain(..count).zip(first_seq..) {
            match queued.holder {
                Holder::Caller { reply, .. } => {
                    // A caller that has gone away needs no receipt.
                    let _ = reply.send(Ok(Receipt::on_disk(queued.prepared.id, seq)));
                }
                Holder::Queue { .. } => {}
                Holder::Lane => self.shared.leave_lane(&queued.prepared),
            }
        }
        Ok(())
    }

    /// Begins another file if the day, the size or a failed sync demands it.
    fn ready_file(&mut self) -> Result<(), Failure> {
        let day = match self.pending.front() {
            Some(queued) => queued.prepared.day,
            None => self.shared.today(),
        };
        let (next, reason) = match &self.current {
            None => (FileName { day, part: 1 }, "start"),
            // Its anchor comes first, whatever the day.
            Some(Current { length: 0, .. }) => return Ok(()),
            Some(current) if day > current.name.day => (FileName { day, part: 1 }, "day"),
            Some(Current { name, length }) => {
                let full = *length >= self.shared.config.part_bytes;
                if !full && !self.leave_part {
                    return Ok(());
                }
                (FileName { day: name.day, part: name.part + 1 }, "size")
            }
        };
        self.store.rotate(next)?;
        self.current = Some(Current { name: next, length: 0 });
        self.leave_part = false;
        self.anchor.get_or_insert(reason);
        Ok(())
    }

    fn prepare_anchor(&self) -> Result<Prepared, Failure> {
        let previous = self.head_file.map(|file| {
            let (file, hash) = (file.to_string(), self.head.hash.to_string());
            serde_json::json!({"file": file, "hash": hash, "seq": self.head.seq})
        });
        let sync_us = self.sync_time.map(|time| u64::try_from(time.as_micros()).unwrap_or(0));
        let body = serde_json::json!({
            "format": crate::ledger::FORMAT,
            "previous": previous,
            "reason": self.anchor.unwrap_or("start"),
            "sync_us": sync_us,
            "torn_bytes": self.torn_bytes,
            "version": env!("CARGO_PKG_VERSION"),
        });
        let body = Body::of(&body).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        // The anchor of a new day belongs to that day even when a clock lags behind the entries.
        let first = self.pending.front().map(|queued| queued.prepared.time);
        let time = first.unwrap_or_else(|| self.shared.clock.now());
        let draft = Draft { id: EntryId::new(time), time, kind: Kind::Anchor, body };
        Ok(self.shared.prepare(&draft))
    }

    fn fail(&mut self, failure: &Failure) {
        // First, so that whoever is refused already finds the ledger unhealthy.
        self.shared.set_fault(Some(failure.kind));
        self.refuse_waiting(failure.kind);
        let distrusted = self.trouble.as_ref().is_some_and(|trouble| trouble.distrusted);
        let retry_at = clock::monotonic() + self.shared.config.retry;
        self.trouble = Some(Trouble { distrusted: distrusted || failure.sync, retry_at });
    }

    /// Nobody's entry is written behind their back: whoever waits is told, and the entry forgotten.
    fn refuse_waiting(&mut self, kind: io::ErrorKind) {
        let kind = self.shared.fault().unwrap_or(kind);
        self.urgent = false;
        for queued in std::mem::take(&mut self.pending) {
            if let Holder::Caller { reply, .. } = queued.holder {
                let _ = reply.send(Err(LedgerError::Unavailable { kind }));
            } else {
                self.pending.push_back(queued);
            }
        }
    }

    /// Tries to write again: back to the last length known to be good, an anchor, whatever was kept.
    fn heal(&mut self) {
        let outcome = self.repair().and_then(|()| {
            let distrusted = self.trouble.as_ref().is_some_and(|trouble| trouble.distrusted);
            self.anchor.get_or_insert(if distrusted { "sync-error" } else { "write-error" });
            self.pending.extend(self.shared.take_lane());
            self.commit()
        });
        match outcome {
            Ok(()) => {
                self.trouble = None;
                self.shared.set_fault(None);
                self.write_soon();
            }
            Err(failure) => self.fail(&failure),
        }
    }

    fn repair(&mut self) -> Result<(), Failure> {
        let Some(Current { name, length }) = self.current else { return Ok(()) };
        self.store.resume(name)?;
        // A cut ends with a sync; if that fails, the tail is as doubtful as after any failed sync.
        self.store.cut(length).map_err(|error| Failure { kind: error.kind(), sync: true })?;
        if length > 0 {
            let found = recover::last_head(&*self.store.files(), name);
            if found.ok() != Some(self.head) {
                return Err(io::Error::from(io::ErrorKind::InvalidData).into());
            }
            self.leave_part |= self.trouble.as_ref().is_some_and(|trouble| trouble.distrusted);
        }
        Ok(())
    }

    /// Ends: everything that holds room is written or refused before the queue goes away.
    fn finish(mut self, inbox: &Receiver<Message>, closing: Option<oneshot::Sender<u64>>) {
        self.shared.room.close();
        let latest = clock::monotonic() + CLOSE_MAX;
        let mut closings: Vec<_> = closing.into_iter().collect();
        loop {
            while let Ok(message) = inbox.try_recv() {
                closings.extend(self.take(message));
            }
            self.turn(true);
            let empty = self.shared.room_is_empty() && self.pending.is_empty();
            if empty || clock::monotonic() >= latest {
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.pending.extend(self.shared.close_lane());
        if self.trouble.is_none()
            && let Err(failure) = self.commit()
        {
            self.fail(&failure);
        }
        let lost = self.shared.lose(bytes(self.pending.len()));
        // The lock goes with the store: whoever waits for the close may open the directory at once.
        drop(self);
        for closing in closings {
            let _ = closing.send(lost);
        }
    }
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
