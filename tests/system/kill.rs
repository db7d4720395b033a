//! `kill -9` under load, again and again: no refused byte gets through, and what moved is on file.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::{Hospital, text};
use crate::support::ledger::{decision, decisions};
use crate::support::message::{Draft, admission, control_id, framed};
use crate::support::reply::Reply;
use crate::support::upstream::Upstream;

const KILLS: u64 = 20;
const SENDERS: usize = 3;

/// What the senders know of their messages.
#[derive(Default)]
struct Book {
    /// How often each was sent.
    sent: HashMap<String, usize>,
    /// What each was answered.
    answered: HashMap<String, String>,
}

/// One sender: its messages are numbered, and one that was not answered is sent again before the next.
struct Sender {
    name: usize,
    next: u64,
    unanswered: bool,
}

impl Sender {
    fn id(&self) -> String {
        let kind = ["clean", "refused", "admission", "emergency"]
            [usize::try_from(self.next % 4).unwrap_or(0)];
        format!("{kind}-{}-{}", self.name, self.next)
    }

    fn frame(&self) -> Vec<u8> {
        let id = self.id();
        match id.split('-').next() {
            Some("clean") => Draft::clean(id).frame(),
            Some("refused") => Draft::refused(id).frame(),
            Some("emergency") => Draft::emergency(id).frame(),
            _ => framed(&admission(&id)),
        }
    }

    /// Sends until the gate is gone.
    fn work(mut self, gate: SocketAddr, book: &Mutex<Book>, killed: &AtomicBool) -> Self {
        // The gate may be gone before this thread has come to its turn.
        let Some(mut client) = Client::try_connect(gate) else { return self };
        while !killed.load(Ordering::Relaxed) {
            if !self.unanswered {
                self.next += 1;
            }
            let id = self.id();
            *book.lock().expect("no panic").sent.entry(id.clone()).or_default() += 1;
            self.unanswered = true;
            if !client.try_send(&self.frame()) {
                break;
            }
            let Some(frame) = client.next_frame() else { break };
            let reply = Reply::read(&frame[1..frame.len() - 2]);
            assert_eq!(reply.field("MSA", 2), id);
            book.lock().expect("no panic").answered.insert(id, reply.code());
            self.unanswered = false;
        }
        self
    }
}

fn answers(book: &Mutex<Book>) -> usize {
    book.lock().expect("no panic").answered.len()
}

#[test]
fn after_twenty_kills_nothing_refused_got_through_and_everything_that_moved_is_on_file() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let book = Arc::new(Mutex::new(Book::default()));
    let mut senders: Vec<Sender> =
        (0..SENDERS).map(|name| Sender { name, next: 0, unanswered: false }).collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..KILLS {
        let mut gate = hospital.start();
        let killed = Arc::new(AtomicBool::new(false));
        let working: Vec<_> = senders
            .drain(..)
            .map(|sender| {
                let (address, book, killed) = (gate.address(), book.clone(), killed.clone());
                std::thread::spawn(move || sender.work(address, &book, &killed))
            })
            .collect();
        // Under load by now, however slow the machine; then at a moment of its own.
        let before = answers(&book);
        eventually("answers", || (answers(&book) >= before + 6).then_some(()));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_micros((random >> 33) % 60_000));
        gate.kill();
        killed.store(true, Ordering::Relaxed);
        senders.extend(working.into_iter().map(|work| work.join().expect("a sender")));
    }
    let mut gate = hospital.start();
    for sender in senders {
        // What is still unanswered is asked once more, as a sender would.
        let left = sender.unanswered.then(|| sender.frame());
        if let Some(frame) = left {
            let id = sender.id();
            *book.lock().expect("no panic").sent.entry(id.clone()).or_default() += 1;
            let mut client = Client::connect(gate.address());
            client.send(&frame);
            let code = Reply::read(&client.answer()).code();
            book.lock().expect("no panic").answered.insert(id, code);
        }
    }
    gate.stop();
    judge(&hospital, &upstream, &book.lock().expect("no panic"));
}

fn judge(hospital: &Hospital, upstream: &Upstream, book: &Book) {
    let out = hospital.run(&["ledger", "verify"]);
    assert_eq!(out.status.code(), Some(0), "{}{}", text(&out.stdout), text(&out.stderr));
    let mut recorded: HashMap<String, usize> = HashMap::new();
    let mut refused_on_file = HashSet::new();
    for entry in decisions(&hospital.data()) {
        let id = entry["body"]["control_id"].as_str().expect("a text").to_owned();
        if matches!(decision(&entry), "block" | "unavailable") {
            refused_on_file.insert(id.clone());
        }
        *recorded.entry(id).or_default() += 1;
    }
    let mut passed: HashMap<String, usize> = HashMap::new();
    for frame in upstream.frames() {
        *passed.entry(text(&control_id(&frame))).or_default() += 1;
    }
    for (id, count) in &passed {
        assert!(!id.starts_with("refused"), "{id} got through");
        assert!(*count <= book.sent[id], "{id} was doubled");
        if !id.starts_with("admission") {
            let on_file = recorded.get(id).copied().unwrap_or_default();
            assert!(on_file >= *count, "{id} moved {count} times, and is on file {on_file} times");
        }
    }
    for (id, code) in &book.answered {
        if id.starts_with("refused") {
            assert_eq!(code, "AE", "{id}");
            assert!(refused_on_file.contains(id), "{id} was refused without an entry");
        } else {
            assert_eq!(code, "AA", "{id}");
            assert!(passed.contains_key(id), "{id} was acknowledged and never arrived");
        }
    }
    for (id, sent) in &book.sent {
        assert!(recorded.get(id).copied().unwrap_or_default() <= *sent, "{id}");
    }
    assert!(book.answered.len() >= 100);
}
