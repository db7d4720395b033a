//! Dead letters on their way again: one sending of a feed at a time, and how the last one ended. In memory; what
//! still lies there, the feed's own file says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// How a sending ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Taken by the receiver.
    pub(super) delivered: usize,
    /// Not taken; they lie there as before.
    pub(super) failed: usize,
    /// Why the last of those was not taken.
    pub(super) why: Option<String>,
}

/// The last sending of a feed.
#[derive(Clone, Debug)]
pub(super) struct Resend {
    pub(super) at: Timestamp,
    pub(super) by: String,
    /// `None` while it is going on.
    pub(super) outcome: Option<Outcome>,
}

/// Those of every feed. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Resends(Arc<Mutex<HashMap<String, Resend>>>);

/// A sending that is going on; over when it is dropped, however that comes about.
pub(super) struct Turn {
    all: Resends,
    feed: String,
    outcome: Outcome,
}

impl Resends {
    fn hold(&self) -> MutexGuard<'_, HashMap<String, Resend>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins one, unless one of this feed is going on.
    pub(super) fn begin(&self, feed: &str, by: &str, at: Timestamp) -> Option<Turn> {
        let mut all = self.hold();
        if all.get(feed).is_some_and(|last| last.outcome.is_none()) {
            return None;
        }
        all.insert(feed.to_owned(), Resend { at, by: by.to_owned(), outcome: None });
        Some(Turn { all: self.clone(), feed: feed.to_owned(), outcome: Outcome::default() })
    }

    /// The last one of a feed.
    pub(super) fn last(&self, feed: &str) -> Option<Resend> {
        self.hold().get(feed).cloned()
    }
}

impl Turn {
    /// Ends it.
    pub(super) fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(last) = self.all.hold().get_mut(&self.feed) {
            last.outcome = Some(std::mem::take(&mut self.outcome));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sending_of_a_feed_at_a_time_and_one_that_breaks_off_does_not_bar_the_next() {
        let all = Resends::default();
        let begin = |feed| all.begin(feed, "周样例", Timestamp::UNIX_EPOCH);
        let first = begin("a").unwrap();
        assert!(begin("a").is_none() && begin("b").is_some());
        let outcome = Outcome { delivered: 2, failed: 1, why: Some("refused".to_owned()) };
        first.end(outcome.clone());
        assert_eq!(all.last("a").unwrap().outcome, Some(outcome));
        drop(begin("a").unwrap());
        assert!(begin("a").is_some());
    }
}
