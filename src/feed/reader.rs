//! Both sources → the alerts a feed wants, in order, each with the mark that covers it. Bounded memory: what has not
//! been read lies in the ledger.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::feed::alert::Alert;
use crate::feed::cursor::Mark;
use crate::feed::filter::Filter;
use crate::feed::notices::Notices;
use crate::ledger::{Batch, Head, LedgerError, Tail};

/// Entries read at once.
const ENTRIES: usize = 512;
/// And bytes: of entries that keep their messages, some hundreds.
const BYTES: usize = 4 << 20;

/// An alert, and how far the feed has come when it is delivered.
#[derive(Clone, Debug)]
pub struct Due {
    /// What to deliver.
    pub alert: Arc<Alert>,
    /// The place behind it.
    pub mark: Mark,
}

/// Reads for one feed.
pub struct Reader {
    folder: PathBuf,
    node: String,
    filter: Filter,
    /// Alerts about the feed itself are not for it.
    own: String,
    notices: Notices,
    heads: watch::Receiver<Head>,
    told: watch::Receiver<u64>,
    /// Read and not yet handed out.
    ready: VecDeque<Due>,
    /// Behind everything read.
    read: Mark,
    tail: Option<Tail>,
}

/// What a reader is made of.
pub struct Sources {
    /// The ledger's files.
    pub folder: PathBuf,
    /// The gate's name.
    pub node: String,
    /// Where the ledger's end is.
    pub heads: watch::Receiver<Head>,
    /// The gate's own notices.
    pub notices: Notices,
}

impl Reader {
    /// Goes on after `mark`.
    pub fn new(sources: &Sources, filter: Filter, own: String, mark: Mark) -> Self {
        Self {
            folder: sources.folder.clone(),
            node: sources.node.clone(),
            filter,
            own,
            notices: sources.notices.clone(),
            heads: sources.heads.clone(),
            told: sources.notices.last(),
            ready: VecDeque::new(),
            read: mark,
            tail: Some(Tail::new(&sources.folder, mark.ledger)),
        }
    }

    /// Behind everything that was read: what was not handed out before it was not wanted.
    pub fn read_up_to(&self) -> Mark {
        self.read
    }

    /// Whether something is read and not yet handed out.
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next alert that is read.
    pub fn pop(&mut self) -> Option<Due> {
        self.ready.pop_front()
    }

    /// Waits until there may be more to read.
    pub async fn changed(&mut self) {
        if self.behind() {
            return;
        }
        tokio::select! {
            changed = self.heads.changed() => if changed.is_err() { std::future::pending().await },
            changed = self.told.changed() => if changed.is_err() { std::future::pending().await },
        }
    }

    /// Whether there is more than was read.
    pub fn behind(&mut self) -> bool {
        let head = self.heads.borrow_and_update().seq;
        let last = *self.told.borrow_and_update();
        head > self.read.ledger.seq || last > self.read.notice
    }

    /// Reads on, one batch; whether anything was there to read, wanted or not.
    ///
    /// # Errors
    /// The ledger's files cannot be read on.
    pub async fn read(&mut self) -> Result<bool, LedgerError> {
        let before = self.read;
        let (head, last) = (self.heads.borrow().seq, *self.told.borrow());
        let noticed = self.notices.after(self.read.notice, ENTRIES);
        if noticed.is_empty() {
            // Numbers that nothing is kept of any more.
            self.read.notice = self.read.notice.max(last);
        }
        for (number, noticed) in noticed {
            self.read.notice = number;
            if noticed.subject != self.own {
                self.want(noticed.alert(&self.node), self.read);
            }
        }
        if head > self.read.ledger.seq {
            self.follow(head).await?;
        }
        Ok(self.read != before)
    }

    async fn follow(&mut self, up_to: u64) -> Result<(), LedgerError> {
        let place = self.read.ledger;
        let taken = self.tail.take();
        let mut tail = taken.unwrap_or_else(|| Tail::new(&self.folder, place));
        let reading = tokio::task::spawn_blocking(move || {
            let entries = tail.take(Batch { up_to, entries: ENTRIES, bytes: BYTES });
            // Taken apart here as well, so that the runtime's threads are left to the routes.
            let told = entries.map(|entries| {
                let told = entries.iter().map(|(entry, _)| (entry.seq, Alert::of_entry(entry)));
                told.collect::<Vec<_>>()
            });
            (tail, told)
        });
        // A reader that panicked has read nothing; the next call begins at the same place.
        let Ok((tail, told)) = reading.await else { return Ok(()) };
        let end = tail.place();
        let told = told?;
        self.tail = Some(tail);
        for (seq, alerts) in told {
            // An entry's alerts are covered when the last of them is delivered.
            let before = self.read;
            let count = alerts.len();
            self.read.ledger.seq = seq;
            self.read.ledger.end = if seq == end.seq { end.end } else { None };
            for (nth, alert) in alerts.into_iter().enumerate() {
                let mark = if nth + 1 == count { self.read } else { before };
                self.want(alert, mark);
            }
        }
        self.read.ledger = end;
        Ok(())
    }

    fn want(&mut self, alert: Alert, mark: Mark) {
        if self.filter.wants(&alert) {
            self.ready.push_back(Due { alert: Arc::new(alert), mark });
        }
    }
}
