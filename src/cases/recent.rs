//! The newest documents of all gates, in memory: for whoever cannot wait for a database over the network.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::cases::fold::Kept;
use crate::cases::overlay::{Key, keys};
use crate::clock;

/// A database that did not answer is not waited for again before this: orders would queue up behind it.
const REST: Duration = Duration::from_secs(1);

/// Bounded memory, and whether it must do for now.
#[derive(Debug)]
pub(in crate::cases) struct Recent {
    most: usize,
    held: Mutex<Held>,
    silent: Mutex<Option<Instant>>,
}

#[derive(Debug, Default)]
struct Held {
    queue: VecDeque<Arc<Kept>>,
    names: HashSet<(String, u32)>,
    /// Entries that others here correct.
    corrected: HashSet<String>,
    index: HashMap<Key, Vec<Arc<Kept>>>,
}

impl Recent {
    /// For at most `most` documents.
    pub(in crate::cases) fn new(most: usize) -> Self {
        Self { most, held: Mutex::default(), silent: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Each critical section leaves its value whole, so a poisoned lock protects nothing.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps documents; the oldest make room.
    pub(in crate::cases) fn keep(&self, documents: Vec<Arc<Kept>>) {
        if self.most == 0 {
            return;
        }
        let mut held = self.lock();
        for kept in documents {
            if !held.names.insert((kept.document.entry.clone(), kept.document.nth)) {
                continue;
            }
            held.corrected.extend(kept.document.supersedes.clone());
            for key in keys(&kept.document) {
                held.index.entry(key).or_default().push(Arc::clone(&kept));
            }
            held.queue.push_back(kept);
            if held.queue.len() > self.most {
                held.drop_oldest();
            }
        }
    }

    /// Documents found by a key.
    pub(in crate::cases) fn find(&self, key: &Key) -> Vec<Arc<Kept>> {
        self.lock().index.get(key).cloned().unwrap_or_default()
    }

    /// Whether an entry here corrects this one.
    pub(in crate::cases) fn corrects(&self, entry: &str) -> bool {
        self.lock().corrected.contains(entry)
    }

    /// The database did not answer.
    pub(in crate::cases) fn not_answered(&self) {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock::monotonic());
    }

    /// Whether the database has just not answered, and memory must do.
    pub(in crate::cases) fn must_do(&self) -> bool {
        let silent = *self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.is_some_and(|at| clock::monotonic().duration_since(at) < REST)
    }
}

impl Held {
    fn drop_oldest(&mut self) {
        let Some(kept) = self.queue.pop_front() else { return };
        if let Some(entry) = &kept.document.supersedes {
            self.corrected.remove(entry);
        }
        self.names.remove(&(kept.document.entry.clone(), kept.document.nth));
        for key in keys(&kept.document) {
            let Some(found) = self.index.get_mut(&key) else { continue };
            found.retain(|other| !Arc::ptr_eq(other, &kept));
            if found.is_empty() {
                self.index.remove(&key);
            }
        }
    }
}
