//! Who counted what: for every control id how often it was acknowledged, refused, and seen downstream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::soak::traffic::{LABORATORY, LINES};

/// Something that is counted by line and number.
pub(super) struct Marks {
    lines: Vec<Mutex<Vec<u8>>>,
}

impl Default for Marks {
    fn default() -> Self {
        Self { lines: (0..LINES + LABORATORY).map(|_| Mutex::default()).collect() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Marks {
    pub(super) fn add(&self, (line, nth): (usize, usize)) {
        let mut own = lock(&self.lines[line]);
        if own.len() <= nth {
            own.resize(nth + 1, 0);
        }
        own[nth] += 1;
    }

    /// Whether it was counted.
    pub(super) fn holds(&self, (line, nth): (usize, usize)) -> bool {
        lock(&self.lines[line]).get(nth).is_some_and(|times| *times > 0)
    }

    /// How far a line has come.
    pub(super) fn length(&self, line: usize) -> usize {
        lock(&self.lines[line]).len()
    }

    /// All of them, of the lines given.
    pub(super) fn sum(&self, lines: std::ops::Range<usize>) -> u64 {
        let of = |line: usize| lock(&self.lines[line]).iter().map(|n| u64::from(*n)).sum::<u64>();
        lines.map(of).sum()
    }

    /// The first places at which two differ, and how many.
    pub(super) fn differ(&self, other: &Self, lines: std::ops::Range<usize>) -> Vec<String> {
        let mut found = Vec::new();
        for line in lines {
            let (own, other) = (lock(&self.lines[line]), lock(&other.lines[line]));
            for nth in 0..own.len().max(other.len()) {
                let of = |marks: &[u8]| marks.get(nth).copied().unwrap_or(0);
                if of(&own) != of(&other) {
                    found.push(format!("S{line:02}N{nth:08}: {} and {}", of(&own), of(&other)));
                }
            }
        }
        found
    }
}

/// Everything that senders, stand-ins and receivers know.
#[derive(Default)]
pub(super) struct Book {
    /// Acknowledged by the downstream system, as the sender sees it.
    pub(super) accepted: Marks,
    /// Refused by the gate.
    pub(super) refused: Marks,
    /// Came to the downstream system.
    pub(super) came: Marks,
    /// Answers that are neither, or of another kind than the message asks for.
    pub(super) wrong: Mutex<Vec<String>>,
    /// Orders of the registrar that were accepted, and refused.
    pub(super) probes: [AtomicU64; 2],
    /// FHIR: accepted, refused, not surgical; and what came to the server.
    pub(super) fhir: [AtomicU64; 3],
    pub(super) fhir_came: AtomicU64,
    /// How long each answer took, from when its message was due, by minute; in µs.
    times: Mutex<Vec<Vec<u32>>>,
}

impl Book {
    /// An answer came so long after its message was due, in this minute of the run.
    pub(super) fn took(&self, minute: usize, time: Duration) {
        let mut times = lock(&self.times);
        if times.len() <= minute {
            times.resize_with(minute + 1, Vec::new);
        }
        times[minute].push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    /// The times of some minutes, sorted.
    pub(super) fn times(&self, minutes: std::ops::Range<usize>) -> Vec<u32> {
        let times = lock(&self.times);
        let own = times.iter().enumerate().filter(|(minute, _)| minutes.contains(minute));
        let mut all: Vec<u32> = own.flat_map(|(_, own)| own.iter().copied()).collect();
        all.sort_unstable();
        all
    }

    pub(super) fn say(&self, what: String) {
        let mut wrong = lock(&self.wrong);
        if wrong.len() < 20 {
            wrong.push(what);
        }
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        lock(&self.wrong).clone()
    }
}

pub(super) fn one_more(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

pub(super) fn so_many(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
