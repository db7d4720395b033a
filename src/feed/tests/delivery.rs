//! Delivery against a plain model: whatever receiver, gate and disk do, the first coming of each alert is in the
//! order of the ledger, and none is missing: what is refused for good lies aside.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::clock;
use crate::feed::alert::{Pseudonyms, Rendering};
use crate::feed::cursor::Cursor;
use crate::feed::dead::DeadLetters;
use crate::feed::dispatch::Dispatch;
use crate::feed::filter::Filter;
use crate::feed::gone::Gone;
use crate::feed::notices::Notices;
use crate::feed::pace::{Backoff, Limit};
use crate::feed::reader::{Reader, Sources};
use crate::feed::sink::{Delivery, Failure, Letter, Sink};
use crate::feed::tests::{draft, ground, now, open, refusal, until};
use crate::feed::watch::{WINDOW, Watch, What};
use crate::feed::watched::Delivered;
use crate::ledger::{Kind, Ledger};

/// What a receiver does with a delivery.
#[derive(Clone, Copy, Debug)]
enum Act {
    Take,
    Away,
    /// Takes it, and the answer is lost.
    TakeAndBreak,
    /// Takes the first half, and breaks.
    TakeHalf,
}

#[derive(Default)]
struct Seen {
    acts: Vec<Act>,
    taken: Vec<String>,
    deliveries: usize,
}

/// A receiver with moods, who refuses some alerts for good.
struct Fickle {
    seen: Arc<Mutex<Seen>>,
    poison: HashSet<String>,
    room: usize,
}

impl Sink for Fickle {
    fn deliver<'a>(&'a mut self, letters: &'a [Letter]) -> Delivery<'a> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let mut seen = self.seen.lock().unwrap();
            seen.deliveries += 1;
            if letters.iter().any(|letter| self.poison.contains(letter.text("subject"))) {
                return Err(Failure::Refused("poison".to_owned()));
            }
            let act = seen.acts.pop().unwrap_or(Act::Take);
            let taken = match act {
                Act::Take | Act::TakeAndBreak => letters.len(),
                Act::TakeHalf => letters.len() / 2,
                Act::Away => 0,
            };
            seen.taken.extend(letters.iter().take(taken).map(|l| l.text("subject").to_owned()));
            match act {
                Act::Take => Ok(()),
                _ => Err(Failure::unavailable("away")),
            }
        })
    }

    fn letters_max(&self) -> usize {
        self.room
    }
}

/// A feed at the beginning, or where its cursor says.
fn dispatch(
    data: &std::path::Path,
    ledger: &Ledger,
    notices: &Notices,
    (cursor, sink): (Cursor, Fickle),
    stop: watch::Receiver<bool>,
) -> Dispatch {
    let ground = ground(data);
    let mark = cursor.load().unwrap().unwrap_or_default();
    let watch = Watch::new(notices.clone(), now(), WINDOW);
    let light = watch.light(What::Feed, "f");
    let sources = Sources {
        folder: ground.ledger_folder.clone(),
        node: ground.node.clone(),
        heads: ledger.heads(),
        notices: notices.clone(),
    };
    let rendering = Rendering {
        full: false,
        pseudonyms: Pseudonyms::with(b"sixteen bytes at least"),
        zone: ground.zone,
    };
    Dispatch {
        name: "f".to_owned(),
        reader: Reader::new(&sources, Filter::default(), light.subject(), mark),
        cursor,
        saved: mark,
        saved_at: clock::monotonic(),
        place: Arc::default(),
        sink: Box::new(sink),
        rendering,
        dead: DeadLetters::new(&ground.folder, "f"),
        gone: Gone::new(&ground.folder, "f"),
        delivered: Delivered::default(),
        light,
        chain: watch.light(What::Ledger, "chain"),
        limit: Limit::new(None),
        backoff: Backoff { first: Duration::from_micros(50), longest: Duration::from_micros(200) },
        group: Duration::ZERO,
        max_attempts: 2,
        clock: now(),
        stop,
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => Just(Act::Take), 2 => Just(Act::Away),
        1 => Just(Act::TakeAndBreak), 1 => Just(Act::TakeHalf),
    ];
    prop::collection::vec(act, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_alert_comes_once_in_order_or_lies_aside(
        batches in prop::collection::vec((0_u64..12, acts(), any::<bool>()), 1..5),
        poisoned in prop::collection::hash_set(0_usize..40, 0..4),
        room in 1_usize..6,
    ) {
        Runtime::new().unwrap().block_on(async {
            let data = tempfile::tempdir().unwrap();
            let folder = ground(data.path()).folder;
            std::fs::create_dir_all(&folder).unwrap();
            let ledger = open(data.path());
            let notices = Notices::open(&folder, &[]).unwrap();
            let seen = Arc::new(Mutex::new(Seen::default()));
            let (mut expected, mut poison) = (Vec::new(), HashSet::new());
            let last = batches.len();
            // One for all lives of the feed: of a killed one, a write may still be under way.
            let cursor = Cursor::new(&folder, "f");
            for (nth, (count, acts, kill)) in batches.into_iter().enumerate() {
                for patient in 0..count {
                    let entry = draft(Kind::Decision, &refusal(patient));
                    let id = entry.id.to_string();
                    if poisoned.contains(&expected.len()) {
                        poison.insert(id.clone());
                    }
                    expected.push(id);
                    let _ = ledger.append(entry, crate::ledger::Durability::OnDisk).await.unwrap();
                    // What nobody wants lies between.
                    let other = draft(Kind::Delivery, &serde_json::json!({"entry": "x"}));
                    ledger.append_later(other);
                }
                seen.lock().unwrap().acts = acts;
                let sink = Fickle { seen: Arc::clone(&seen), poison: poison.clone(), room };
                let (stop, stopped) = watch::channel(false);
                let feed = dispatch(data.path(), &ledger, &notices, (cursor.clone(), sink), stopped);
                // Looked at before it runs: it may have delivered everything when this thread comes on.
                let before = seen.lock().unwrap().deliveries;
                let task = tokio::spawn(feed.run());
                if kill && nth + 1 < last {
                    // Killed in the middle of something, or before it began.
                    until(|| count == 0 || seen.lock().unwrap().deliveries > before || expected.is_empty()).await;
                    task.abort();
                    let _ = task.await;
                } else {
                    let done = || {
                        let taken: HashSet<String> = seen.lock().unwrap().taken.iter().cloned().collect();
                        let aside = DeadLetters::new(&folder, "f").list().unwrap().len();
                        expected.iter().all(|id| taken.contains(id) || poison.contains(id))
                            && aside >= poison.len()
                    };
                    until(done).await;
                    stop.send(true).unwrap();
                    task.await.unwrap();
                }
            }
            let mut known = HashSet::new();
            let taken = seen.lock().unwrap().taken.clone();
            let first: Vec<String> = taken.into_iter().filter(|id| known.insert(id.clone())).collect();
            let wanted: Vec<String> = expected.iter().filter(|id| !poison.contains(*id)).cloned().collect();
            assert_eq!(first, wanted);
            let aside: HashSet<String> = DeadLetters::new(&folder, "f").list().unwrap().iter()
                .map(|letter| letter.event["subject"].as_str().unwrap().to_owned()).collect();
            assert_eq!(aside, poison);
            ledger.close().await;
        });
    }
}

/// What a test does within the bound; a runtime thread that stands still would hold it for ever.
fn within_bound(test: impl FnOnce() + Send + 'static) {
    let (done, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    ended.recv_timeout(Duration::from_secs(60)).expect("the runtime's thread stands still");
}

/// Delivers one alert (refused for good if `poisoned`) on a runtime of one thread while `hang` holds one of the
/// feed's files; the thread must remain free.
fn one_alert_while(poisoned: bool, hang: impl FnOnce(&std::path::Path, &Cursor, &dyn Fn())) {
    let data = tempfile::tempdir().unwrap();
    let folder = ground(data.path()).folder;
    std::fs::create_dir_all(&folder).unwrap();
    let cursor = Cursor::new(&folder, "f");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deliver = || {
        runtime.block_on(async {
            let ledger = open(data.path());
            let notices = Notices::open(&folder, &[]).unwrap();
            let entry = draft(Kind::Decision, &refusal(1));
            let poison = poisoned.then(|| entry.id.to_string()).into_iter().collect();
            let _ = ledger.append(entry, crate::ledger::Durability::OnDisk).await.unwrap();
            let seen = Arc::new(Mutex::new(Seen::default()));
            let sink = Fickle { seen: Arc::clone(&seen), poison, room: 1 };
            let (stop, stopped) = watch::channel(false);
            let feed = dispatch(data.path(), &ledger, &notices, (cursor.clone(), sink), stopped);
            let task = tokio::spawn(feed.run());
            let wanted = if poisoned { 2 } else { 1 };
            until(|| seen.lock().unwrap().deliveries >= wanted).await;
            // The feed is at its file now, and this thread still turns.
            for _ in 0..50 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            stop.send(true).unwrap();
            task.await.unwrap();
            ledger.close().await;
        });
    };
    hang(&folder, &cursor, &deliver);
}

#[test]
fn a_cursor_that_the_disk_does_not_take_holds_no_runtime_thread() {
    within_bound(|| {
        one_alert_while(false, |_, cursor, deliver| {
            let _held = cursor.hold();
            deliver();
        });
    });
}

#[test]
fn dead_letters_that_somebody_else_holds_hold_no_runtime_thread() {
    within_bound(|| {
        one_alert_while(true, |folder, _, deliver| {
            let lock = std::fs::File::create(folder.join("f.dead.lock")).unwrap();
            lock.lock().unwrap();
            deliver();
        });
    });
}
