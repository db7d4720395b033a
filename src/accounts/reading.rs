//! Who looks at unusually many patients (IS Q9): how many different ones within an hour, by account. In memory: a
//! restart begins anew, and the ledger has every look.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Looks of one account that are kept; nobody reads so much by hand.
const LOOKS_MAX: usize = 10_000;

/// What a look was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// As always.
    Usual,
    /// The limit was passed by this very look; told once until the account is below it again.
    Unusual(usize),
    /// The limit was passed before.
    Still(usize),
}

#[derive(Debug, Default)]
struct Looks {
    recent: VecDeque<(Timestamp, [u8; 8])>,
    told: bool,
}

/// Looks at patients.
#[derive(Debug)]
pub struct Readings {
    limit: usize,
    by_account: Mutex<HashMap<String, Looks>>,
}

impl Readings {
    /// More than `limit` patients within an hour are unusual; 0 = no limit.
    pub fn new(limit: usize) -> Self {
        Self { limit, by_account: Mutex::default() }
    }

    /// Takes a look at a patient; `patient` tells one from another and is no number of theirs.
    pub fn look(&self, account: &str, patient: [u8; 8], now: Timestamp) -> Reading {
        if self.limit == 0 {
            return Reading::Usual;
        }
        // Each critical section leaves its value whole, so a poisoned lock protects nothing.
        let mut all = self.by_account.lock().unwrap_or_else(PoisonError::into_inner);
        let looks = all.entry(account.to_owned()).or_default();
        looks.recent.push_back((now, patient));
        while looks.recent.front().is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
            || looks.recent.len() > LOOKS_MAX
        {
            looks.recent.pop_front();
        }
        let patients: HashSet<[u8; 8]> = looks.recent.iter().map(|(_, patient)| *patient).collect();
        let count = patients.len();
        match (count > self.limit, std::mem::replace(&mut looks.told, count > self.limit)) {
            (false, _) => Reading::Usual,
            (true, false) => Reading::Unusual(count),
            (true, true) => Reading::Still(count),
        }
    }
}
