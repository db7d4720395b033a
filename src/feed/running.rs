//! Feeds that run, each in a task of its own, and what becomes of them when the settings change.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

use crate::feed::cursor::{Cursor, Mark};
use crate::feed::kit::{Kit, Ready, Seen};
use crate::feed::start::{Config, FeedError};
use crate::feed::watched::Watched;
use crate::ledger::Ledger;
use crate::telemetry::reload as events;

/// Every feed at work.
pub struct Running {
    kit: Kit,
    ledger: Ledger,
    going: BTreeMap<String, Going>,
    board: Board,
}

struct Going {
    print: [u8; 32],
    stop: channel::Sender<bool>,
    task: JoinHandle<Mark>,
}

/// What is to become of the feeds: all of it can be done.
pub struct Plan {
    gone: Vec<String>,
    begin: Vec<(Config, Ready)>,
}

impl Plan {
    /// Whether every feed stays as it is.
    pub fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.begin.is_empty()
    }
}

/// The feeds that run now, for whoever looks. Clones share it.
#[derive(Clone, Default)]
pub struct Board(Arc<Mutex<BTreeMap<String, (Watched, Seen)>>>);

impl Board {
    /// Every feed and the last entry that it is done with.
    pub fn places(&self) -> Vec<(String, u64)> {
        let place = |seen: &Seen| seen.place.load(Ordering::Relaxed);
        self.held().iter().map(|(name, (_, seen))| (name.clone(), place(seen))).collect()
    }

    /// Every feed, by name.
    pub fn feeds(&self) -> Vec<Watched> {
        self.held().values().map(|(watched, _)| watched.clone()).collect()
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<String, (Watched, Seen)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    /// Nothing runs yet.
    pub(in crate::feed) fn new(kit: Kit, ledger: Ledger) -> Self {
        Self { kit, ledger, going: BTreeMap::new(), board: Board::default() }
    }

    /// The feeds that run.
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// What these settings come to: what is not among them ends, what is another or new begins. Everything that can
    /// fail is done here.
    ///
    /// # Errors
    /// A receiver's client, a key or a cursor cannot be used; then nothing changes.
    pub fn plan(&self, configs: Vec<Config>) -> Result<Plan, FeedError> {
        let named = |name: &str| configs.iter().any(|config| config.name == name);
        let gone = self.going.keys().filter(|name| !named(name)).cloned().collect();
        let same = |config: &Config| {
            self.going.get(&config.name).is_some_and(|going| going.print == config.print)
        };
        let mut begin = Vec::new();
        for config in configs.into_iter().filter(|config| !same(config)) {
            if !self.going.contains_key(&config.name) {
                self.kit.mark(&config, &self.ledger)?;
            }
            let ready = self.kit.ready(&config)?;
            begin.push((config, ready));
        }
        Ok(Plan { gone, begin })
    }

    /// Does it. A feed that goes on with other settings goes on at its place; what was being delivered may be
    /// delivered again.
    pub async fn take_up(&mut self, plan: Plan) {
        for name in plan.gone {
            self.end(&name).await;
            self.board.held().remove(&name);
        }
        for (config, ready) in plan.begin {
            let place = self.end(&config.name).await;
            let mark = match place.map_or_else(|| self.kit.mark(&config, &self.ledger), Ok) {
                Ok(mark) => mark,
                // It could be read a moment ago: from here on, rather than from nowhere.
                Err(_) => self.kit.end(&config, &self.ledger),
            };
            self.begin(config, ready, mark);
        }
    }

    /// Starts one feed.
    pub(in crate::feed) fn begin(&mut self, config: Config, ready: Ready, mark: Mark) {
        let (stop, stopped) = channel::channel(false);
        let (name, print) = (config.name.clone(), config.print);
        // A feed that goes on with other settings keeps its last delivery.
        let seen = self.board.held().get(&name).map(|(_, seen)| seen.clone()).unwrap_or_default();
        seen.place.store(mark.ledger.seq, Ordering::Relaxed);
        let watched = self.kit.watched(&config, &seen.delivered);
        self.board.held().insert(name.clone(), (watched, seen.clone()));
        let dispatch = self.kit.dispatch(config, ready, (mark, seen), &stopped);
        events::FeedBegun { feed: &name }.emit();
        self.going.insert(name, Going { print, stop, task: tokio::spawn(dispatch.run()) });
    }

    /// Ends one feed; where it stands.
    async fn end(&mut self, name: &str) -> Option<Mark> {
        let going = self.going.remove(name)?;
        let _ = going.stop.send(true);
        let mark = going.task.await.ok();
        events::FeedEnded { feed: name }.emit();
        // One that broke off has its cursor.
        mark.or_else(|| Cursor::new(self.kit.folder(), name).load().ok().flatten())
    }

    /// Ends all of them.
    pub async fn stop(self) {
        for going in self.going.values() {
            let _ = going.stop.send(true);
        }
        for (_, going) in self.going {
            let _ = going.task.await;
        }
    }
}
