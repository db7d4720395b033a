//! What feeds are made with: one feed's settings → a feed that is ready to run.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch as channel;

use crate::clock::monotonic;
use crate::feed::alert::Rendering;
use crate::feed::cursor::{Cursor, CursorError, Mark};
use crate::feed::dead::DeadLetters;
use crate::feed::dispatch::Dispatch;
use crate::feed::gone::Gone;
use crate::feed::pace::Limit;
use crate::feed::reader::{Reader, Sources};
use crate::feed::sink::Sink;
use crate::feed::start::{Config, FeedError, Ground, rendering, sink};
use crate::feed::watch::{Watch, What};
use crate::feed::watched::{Delivered, Watched};
use crate::ledger::{Ledger, Reached};

/// What every feed is made with.
pub(in crate::feed) struct Kit {
    pub(in crate::feed) ground: Ground,
    pub(in crate::feed) watch: Watch,
    pub(in crate::feed) sources: Sources,
    /// Of every feed that was ever at work here.
    pub(in crate::feed) cursors: Mutex<BTreeMap<String, Cursor>>,
}

/// What of a feed may fail to be made, made.
pub(in crate::feed) struct Ready {
    sink: Box<dyn Sink>,
    rendering: Rendering,
}

/// What is seen of a feed while it runs.
#[derive(Clone, Default)]
pub(in crate::feed) struct Seen {
    /// The last entry it is done with.
    pub(in crate::feed) place: Arc<AtomicU64>,
    /// Its last delivery.
    pub(in crate::feed) delivered: Delivered,
}

impl Kit {
    /// The cursor of a feed: one for the feed before and after a change of its settings, so that a write which is
    /// still under way is waited for.
    pub(in crate::feed) fn cursor(&self, name: &str) -> Cursor {
        let mut cursors = self.cursors.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Cursor::new(&self.ground.folder, name);
        cursors.entry(name.to_owned()).or_insert_with(new).clone()
    }

    /// Where a feed that has not begun yet begins.
    pub(in crate::feed) fn end(&self, config: &Config, ledger: &Ledger) -> Mark {
        let seq = if config.from_start { 0 } else { ledger.head().seq };
        Mark { ledger: Reached { seq, end: None }, notice: *self.sources.notices.last().borrow() }
    }

    /// Where a feed goes on, by its cursor; one without a cursor gets one.
    ///
    /// # Errors
    /// The cursor cannot be used.
    pub(in crate::feed) fn mark(
        &self,
        config: &Config,
        ledger: &Ledger,
    ) -> Result<Mark, CursorError> {
        let cursor = self.cursor(&config.name);
        Ok(match cursor.load()? {
            // The ledger is another one than the cursor was of: all of it is new.
            Some(mark) if mark.ledger.seq > ledger.head().seq => {
                Mark { ledger: Reached::default(), ..mark }
            }
            Some(mark) => mark,
            None => {
                let begin = self.end(config, ledger);
                cursor.save(begin)?;
                begin
            }
        })
    }

    /// Makes what may fail to be made.
    ///
    /// # Errors
    /// The receiver's client, or the pseudonym key.
    pub(in crate::feed) fn ready(&self, config: &Config) -> Result<Ready, FeedError> {
        Ok(Ready { sink: sink(config, &self.ground)?, rendering: rendering(config, &self.ground)? })
    }

    /// What people see of a feed while it runs.
    pub(in crate::feed) fn watched(&self, config: &Config, delivered: &Delivered) -> Watched {
        Watched {
            config: config.clone(),
            ground: self.ground.clone(),
            light: self.watch.light(What::Feed, &config.name),
            delivered: delivered.clone(),
        }
    }

    /// A feed, ready to run; it stops when `stop` says so.
    pub(in crate::feed) fn dispatch(
        &self,
        config: Config,
        Ready { sink, rendering }: Ready,
        (mark, seen): (Mark, Seen),
        stop: &channel::Receiver<bool>,
    ) -> Dispatch {
        let Self { ground, watch, sources, .. } = self;
        let light = watch.light(What::Feed, &config.name);
        Dispatch {
            reader: Reader::new(sources, config.filter, light.subject(), mark),
            cursor: self.cursor(&config.name),
            saved: mark,
            saved_at: monotonic(),
            place: seen.place,
            delivered: seen.delivered,
            sink,
            rendering,
            dead: DeadLetters::new(&ground.folder, &config.name),
            gone: Gone::new(&ground.folder, &config.name),
            light,
            // Each reads at its own place: what one has behind it may be broken before another.
            chain: watch.light(What::Ledger, &format!("chain/{}", config.name)),
            limit: Limit::new(config.per_minute),
            backoff: config.backoff,
            group: config.group,
            max_attempts: config.max_attempts,
            clock: ground.clock,
            stop: stop.clone(),
            name: config.name,
        }
    }
}
