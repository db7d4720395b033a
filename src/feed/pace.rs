//! How fast: a receiver's limit per minute, and how long to wait after a failure.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ring::rand::{SecureRandom as _, SystemRandom};

const MINUTE: Duration = Duration::from_secs(60);

/// At most so many deliveries in any minute.
#[derive(Debug)]
pub struct Limit {
    per_minute: Option<usize>,
    sent: VecDeque<Instant>,
}

impl Limit {
    /// `None` = no limit.
    pub fn new(per_minute: Option<usize>) -> Self {
        Self { per_minute, sent: VecDeque::new() }
    }

    /// When the next delivery may go, `now` being now.
    pub fn next(&self, now: Instant) -> Instant {
        let Some(limit) = self.per_minute else { return now };
        let oldest = self.sent.len().checked_sub(limit).and_then(|at| self.sent.get(at));
        oldest.map_or(now, |sent| (*sent + MINUTE).max(now))
    }

    /// A delivery went, or was tried: receivers count both.
    pub fn went(&mut self, now: Instant) {
        let Some(limit) = self.per_minute else { return };
        self.sent.push_back(now);
        while self.sent.len() > limit {
            self.sent.pop_front();
        }
    }
}

/// Waits between attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// Never longer, except where the receiver asks for it.
    pub longest: Duration,
}

/// A receiver may ask for patience, but not for the feed to be forgotten.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

impl Backoff {
    /// The wait after `failures` failures in a row (from 1): doubled each time, and between half of that and
    /// all of it, so that feeds which failed together do not come back together.
    pub fn wait(&self, failures: u32, wished: Option<Duration>) -> Duration {
        let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(20));
        let full = self.first.saturating_mul(doubled).min(self.longest);
        let jittered = full.mul_f64(0.5 + 0.5 * random());
        wished.map_or(jittered, |wished| wished.min(RETRY_AFTER_MAX).max(jittered))
    }
}

/// From 0 to 1.
fn random() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness feeds come back together; that is all.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock;

    proptest! {
        #[test]
        fn no_minute_holds_more_than_the_limit(limit in 1_usize..30, gaps in prop::collection::vec(0_u64..9_000, 1..120)) {
            let start = clock::monotonic();
            let mut now = start;
            let mut pace = Limit::new(Some(limit));
            let mut sent = Vec::new();
            for gap in gaps {
                now = pace.next(now + Duration::from_millis(gap));
                pace.went(now);
                sent.push(now);
            }
            for (at, first) in sent.iter().enumerate() {
                let within = sent[at..].iter().filter(|other| **other < *first + MINUTE).count();
                prop_assert!(within <= limit);
            }
        }

        #[test]
        fn waits_grow_to_the_longest_and_stay_there(failures in 1_u32..1000, first_ms in 1_u64..5_000) {
            let longest = Duration::from_secs(300);
            let backoff = Backoff { first: Duration::from_millis(first_ms), longest };
            let wait = backoff.wait(failures, None);
            prop_assert!(wait <= longest && wait >= Duration::from_millis(first_ms) / 2);
        }
    }

    #[test]
    fn a_receiver_that_asks_for_patience_gets_it_within_an_hour() {
        let backoff = Backoff { first: Duration::from_millis(1), longest: MINUTE };
        assert_eq!(backoff.wait(1, Some(MINUTE * 2)), MINUTE * 2);
        assert_eq!(backoff.wait(1, Some(MINUTE * 999)), RETRY_AFTER_MAX);
    }
}
