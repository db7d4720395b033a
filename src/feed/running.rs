//! Feeds that run, each in a task of its own, and what becomes of them when the settings change.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch as channel;
use tokio::task::JoinHandle;

use crate::feed::cursor::Mark;
use crate::feed::kit::{Kit, Ready, Seen};
use crate::feed::start::{Config, FeedError};
use crate::feed::watched::Watched;
use crate::ledger::Ledger;
use crate::telemetry::{reload as events, state};

/// Every feed at work.
pub struct Running {
    kit: Kit,
    ledger: Ledger,
    going: BTreeMap<String, Going>,
    board: Board,
}

struct Going {
    print: [u8; 32],
    /// Where it began.
    from: Mark,
    stop: channel::Sender<bool>,
    task: JoinHandle<Mark>,
}

/// What is to become of the feeds: all of it can be done.
pub struct Plan {
    gone: Vec<String>,
    /// Each with the place where it begins, if the feed before it does not tell a later one.
    begin: Vec<(Config, Ready, Mark)>,
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
            let mark = match self.going.get(&config.name) {
                Some(going) => going.from,
                None => self.kit.mark(&config, &self.ledger)?,
            };
            let ready = self.kit.ready(&config)?;
            begin.push((config, ready, mark));
        }
        Ok(Plan { gone, begin })
    }

    /// Does it. A feed that goes on with other settings goes on at its place; what was being delivered may be
    /// delivered again.
    pub async fn take_up(&mut self, plan: Plan) {
        for name in plan.gone {
            self.end(&name).await;
            self.board.held().remove(&name);
            // Nobody counts it any more, and nothing waits for it.
            state::feed(&name, 0);
        }
        for (config, ready, mark) in plan.begin {
            // One whose place nobody can tell any more repeats, and skips nothing.
            let mark = self.end(&config.name).await.unwrap_or(mark);
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
        let task = tokio::spawn(dispatch.run());
        self.going.insert(name, Going { print, from: mark, stop, task });
    }

    /// Ends one feed; where it stands.
    async fn end(&mut self, name: &str) -> Option<Mark> {
        let going = self.going.remove(name)?;
        let _ = going.stop.send(true);
        let mark = going.task.await.ok();
        events::FeedEnded { feed: name }.emit();
        // One that broke off has its cursor.
        mark.or_else(|| self.kit.cursor(name).load().ok().flatten())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Feeds;
    use crate::feed::tests::{config, draft, ground, open, refusal, until, until_in};
    use crate::ledger::{Durability, Kind};

    #[tokio::test]
    async fn a_feed_whose_place_is_lost_repeats_and_skips_nothing() {
        let data = tempfile::tempdir().unwrap();
        let (ledger, own) = (open(data.path()), config(data.path(), "a"));
        let feeds = Feeds::open(vec![own.clone()], ground(data.path()), &ledger).unwrap();
        let mut running = feeds.run(&ledger).unwrap();
        running.going["a"].task.abort();
        until(|| running.going["a"].task.is_finished()).await;
        let refused = draft(Kind::Decision, &refusal(1));
        let _receipt = ledger.append(refused, Durability::OnDisk).await.unwrap();
        std::fs::write(ground(data.path()).folder.join("a.cursor"), "torn").unwrap();
        let plan = running.plan(vec![Config { print: [1; 32], ..own }]).unwrap();
        running.take_up(plan).await;
        until_in(&data.path().join("a"), "orgate.order.blocked").await;
        running.stop().await;
        ledger.close().await;
    }

    #[tokio::test]
    async fn a_cursor_is_written_after_what_its_former_feed_is_still_writing() {
        let data = tempfile::tempdir().unwrap();
        let ledger = open(data.path());
        let feeds = Feeds::open(Vec::new(), ground(data.path()), &ledger).unwrap();
        let running = feeds.run(&ledger).unwrap();
        let (former, own) = (running.kit.cursor("a"), running.kit.cursor("a"));
        let held = former.hold();
        let saving = std::thread::spawn(move || own.save(Mark::default()));
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!saving.is_finished());
        drop(held);
        saving.join().unwrap().unwrap();
        assert!(former.load().unwrap().is_some());
        ledger.close().await;
    }
}
