//! Feeds that run, each in a task of its own, and what becomes of them when the settings change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

use crate::feed::cursor::{Cursor, Mark};
use crate::feed::start::{Config, FeedError, Kit, Ready};
use crate::ledger::Ledger;
use crate::telemetry::reload as events;

/// Every feed at work.
pub struct Running {
    kit: Kit,
    ledger: Ledger,
    going: BTreeMap<String, Going>,
    places: Places,
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

/// How far each feed has come in the ledger. Clones share it.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

impl Places {
    /// Every feed and the last entry that it is done with.
    pub fn all(&self) -> Vec<(String, u64)> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().map(|(name, seq)| (name.clone(), seq.load(Ordering::Relaxed))).collect()
    }

    fn begins(&self, name: &str, mark: Mark) -> Arc<AtomicU64> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = held.entry(name.to_owned()).or_default();
        place.store(mark.ledger.seq, Ordering::Relaxed);
        Arc::clone(place)
    }

    fn ends(&self, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

impl Running {
    /// Nothing runs yet.
    pub(in crate::feed) fn new(kit: Kit, ledger: Ledger) -> Self {
        Self { kit, ledger, going: BTreeMap::new(), places: Places::default() }
    }

    /// How far each has come.
    pub fn places(&self) -> Places {
        self.places.clone()
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
            self.places.ends(&name);
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
        let place = self.places.begins(&name, mark);
        let dispatch = self.kit.dispatch(config, ready, (mark, place), &stopped);
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
