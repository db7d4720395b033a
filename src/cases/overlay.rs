//! Documents entered and not yet written: found at once, kept until they are on disk.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::cases::document::Document;
use crate::cases::fold::Kept;
use crate::domain::order::Redacted;
use crate::domain::surgeon::SurgeonId;

/// What documents are looked for by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::cases) enum Key {
    Order(Redacted),
    Patient(Redacted),
    Surgeon(SurgeonId),
}

/// Memory in front of the database. Bounded: see [`Overlay::enter`].
#[derive(Debug)]
pub(in crate::cases) struct Overlay {
    most: usize,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    queue: VecDeque<Arc<Kept>>,
    index: HashMap<Key, Vec<Arc<Kept>>>,
    arrivals: i64,
    /// How often documents were left out; once from the beginning, for what came before the start.
    left_out: u64,
    /// As often was the ledger read again.
    made_good: u64,
}

impl Overlay {
    /// For at most `most` documents; the next to arrive has the number `arrivals`.
    pub(in crate::cases) fn new(most: usize, arrivals: i64) -> Self {
        Self { most, pending: Mutex::new(Pending { arrivals, left_out: 1, ..Pending::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Each critical section leaves its value whole, so a poisoned lock protects nothing.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the documents of one entry, all or none; gives them as they are kept, if there was room. If not, the index
    /// is behind the ledger until it has caught up.
    pub(in crate::cases) fn enter(
        &self,
        documents: Vec<Document>,
        seq: Option<u64>,
    ) -> Option<Vec<Arc<Kept>>> {
        let mut pending = self.lock();
        if pending.queue.len() + documents.len() > self.most {
            pending.left_out += 1;
            return None;
        }
        let mut all = Vec::with_capacity(documents.len());
        for document in documents {
            let arrival = pending.arrivals;
            pending.arrivals += 1;
            let kept = Arc::new(Kept { document, arrival, seq });
            for key in keys(&kept.document) {
                pending.index.entry(key).or_default().push(Arc::clone(&kept));
            }
            all.push(Arc::clone(&kept));
            pending.queue.push_back(kept);
        }
        Some(all)
    }

    /// How many documents wait.
    pub(in crate::cases) fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    /// The oldest documents that wait, at most `most`; they stay until [`Overlay::written`].
    pub(in crate::cases) fn batch(&self, most: usize) -> Vec<Arc<Kept>> {
        self.lock().queue.iter().take(most).cloned().collect()
    }

    /// The oldest `count` are on disk.
    pub(in crate::cases) fn written(&self, count: usize) {
        let mut pending = self.lock();
        for _ in 0..count {
            let Some(kept) = pending.queue.pop_front() else { break };
            for key in keys(&kept.document) {
                let Some(found) = pending.index.get_mut(&key) else { continue };
                found.retain(|other| !Arc::ptr_eq(other, &kept));
                if found.is_empty() {
                    pending.index.remove(&key);
                }
            }
        }
    }

    /// Documents found by a key.
    pub(in crate::cases) fn find(&self, key: &Key) -> Vec<Arc<Kept>> {
        self.lock().index.get(key).cloned().unwrap_or_default()
    }

    /// Everything that waits.
    pub(in crate::cases) fn all(&self) -> Vec<Arc<Kept>> {
        self.lock().queue.iter().cloned().collect()
    }

    /// Whether documents were left out that have not been entered again.
    pub(in crate::cases) fn behind(&self) -> bool {
        let pending = self.lock();
        pending.left_out > pending.made_good
    }

    /// How often documents were left out so far.
    pub(in crate::cases) fn left_out(&self) -> u64 {
        self.lock().left_out
    }

    /// What was left out up to then has been entered again.
    pub(in crate::cases) fn made_good(&self, left_out: u64) {
        let mut pending = self.lock();
        pending.made_good = pending.made_good.max(left_out);
    }
}

/// What a document is found by.
pub(in crate::cases) fn keys(document: &Document) -> HashSet<Key> {
    let order = document.order_no.iter().cloned().map(Key::Order);
    let patient = document.patient.iter().cloned().map(Key::Patient);
    let booked = document.bookings.iter().map(|booked| &booked.surgeon);
    let surgeons = booked.chain(document.overriding()).cloned().map(Key::Surgeon);
    order.chain(patient).chain(surgeons).collect()
}
