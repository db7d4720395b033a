//! The HIS: a few senders that connect anew when a connection ends, send again what was not answered, and keep a book.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use orgate::clock::monotonic;

use crate::faults::wire::{Kind, Line, Said, Wire};

pub(super) const SENDERS: usize = 4;
/// More than a row needs: a load ends by itself.
const MESSAGES_MAX: usize = 3_000;
/// Between two messages of a sender.
const PACE: Duration = Duration::from_millis(15);
/// Before a message is sent again.
const AGAIN: Duration = Duration::from_millis(100);
/// A message that is not answered by then never will be.
const GIVE_UP: Duration = Duration::from_secs(120);

/// What the senders know of one message.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) kind: Kind,
    /// What was sent, each time.
    pub(super) bytes: Vec<u8>,
    pub(super) sent: Vec<Instant>,
    pub(super) answers: Vec<(Instant, Said, Vec<u8>)>,
}

impl Told {
    /// When it was answered for good, and how.
    pub(super) fn done(&self) -> Option<(Instant, Said)> {
        let (at, said, _) = self.answers.last()?;
        matches!(said, Said::Accepted | Said::Refused).then_some((*at, *said))
    }
}

/// Of all messages, by id.
#[derive(Default)]
pub(super) struct Book(Mutex<HashMap<String, Told>>);

impl Book {
    pub(super) fn all(&self) -> MutexGuard<'_, HashMap<String, Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn sends(&self, kind: Kind, id: &str, bytes: &[u8]) {
        let mut all = self.all();
        let told = all.entry(id.to_owned()).or_insert_with(|| Told {
            kind,
            bytes: bytes.to_vec(),
            sent: Vec::new(),
            answers: Vec::new(),
        });
        told.sent.push(monotonic());
    }

    pub(super) fn is_told(&self, id: &str, said: Said, answer: Vec<u8>) {
        if let Some(told) = self.all().get_mut(id) {
            told.answers.push((monotonic(), said, answer));
        }
    }
}

/// Where senders connect; changes when a gate comes up somewhere else.
pub(super) type Gates = Arc<Mutex<Vec<SocketAddr>>>;

/// A load that goes on until it is stopped.
pub(super) struct His {
    pub(super) book: Arc<Book>,
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

struct Sender {
    name: usize,
    wire: Wire,
    gates: Gates,
    /// Which of them it is connected to, or tries next.
    at: usize,
    line: Option<Line>,
    book: Arc<Book>,
    stop: Arc<AtomicBool>,
}

impl His {
    /// Begins to send. `enter` is called in each sender's thread first.
    pub(super) fn begin(wire: Wire, gates: &Gates, enter: &Arc<dyn Fn() + Send + Sync>) -> Self {
        let (book, stop) = (Arc::new(Book::default()), Arc::new(AtomicBool::new(false)));
        let senders = (0..SENDERS).map(|name| {
            let sender = Sender {
                name,
                wire,
                gates: Arc::clone(gates),
                at: name,
                line: None,
                book: Arc::clone(&book),
                stop: Arc::clone(&stop),
            };
            let enter = Arc::clone(enter);
            std::thread::spawn(move || {
                enter();
                sender.work();
            })
        });
        Self { senders: senders.collect(), book, stop }
    }

    /// How many messages each sender has had answered for good since then.
    pub(super) fn answered_since(&self, then: Instant) -> [usize; SENDERS] {
        let mut count = [0; SENDERS];
        for (id, told) in self.book.all().iter() {
            if told.kind != Kind::Probe && told.done().is_some_and(|(at, _)| at >= then) {
                count[sender_of(id)] += 1;
            }
        }
        count
    }

    /// When the first elective order that was sent after `then` was accepted.
    pub(super) fn accepted_since(&self, then: Instant) -> Option<Instant> {
        let all = self.book.all();
        let after = all.values().filter(|told| {
            told.kind == Kind::Clean && told.sent.last().is_some_and(|sent| *sent >= then)
        });
        let accepted = after.filter_map(Told::done).filter(|(_, said)| *said == Said::Accepted);
        accepted.map(|(at, _)| at).min()
    }

    /// Lets each sender finish what it has in hand, and gives their book.
    pub(super) fn stop(mut self) -> HashMap<String, Told> {
        self.stop.store(true, Ordering::Relaxed);
        for sender in self.senders.drain(..) {
            sender.join().expect("a sender got an answer to everything");
        }
        std::mem::take(&mut *self.book.all())
    }
}

impl Drop for His {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn sender_of(id: &str) -> usize {
    id.split('-').nth(1).and_then(|name| name.parse().ok()).expect("its sender's name")
}

impl Sender {
    fn work(mut self) {
        for nth in 0..MESSAGES_MAX {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let kind = match self.name {
                // The emergency department: an elective order that must wait is no reason for an emergency to wait.
                0 => [Kind::Emergency, Kind::Short][nth % 2],
                name => Kind::ALL[(nth + name) % Kind::ALL.len()],
            };
            let id = format!("{}-{}-{nth}", kind.word(), self.name);
            self.deliver(kind, &id);
            std::thread::sleep(PACE);
        }
    }

    /// Sends until it is answered for good.
    fn deliver(&mut self, kind: Kind, id: &str) {
        let message = self.wire.message(kind, id);
        let latest = monotonic() + GIVE_UP;
        loop {
            assert!(monotonic() < latest, "{id} was never answered");
            if self.connected() {
                self.book.sends(kind, id, &message);
                let answer = self.line.as_mut().and_then(|line| line.ask(id, &message));
                let said = answer.as_ref().map(|(said, _)| *said);
                if let Some((said, bytes)) = answer {
                    self.book.is_told(id, said, bytes);
                }
                match said {
                    Some(Said::Accepted | Said::Refused) => return,
                    Some(Said::Again | Said::Unanswered) => {}
                    Some(Said::Foreign) | None => self.hang_up(),
                }
            }
            std::thread::sleep(AGAIN);
        }
    }

    fn connected(&mut self) -> bool {
        if self.line.is_none() {
            let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.line = Line::open(self.wire, gates[self.at % gates.len()]);
            if self.line.is_none() {
                self.at += 1;
            }
        }
        self.line.is_some()
    }

    /// The next gate's turn.
    fn hang_up(&mut self) {
        self.line = None;
        self.at += 1;
    }
}
