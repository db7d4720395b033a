//! The downstream system of a row: it keeps every byte, and remembers every whole answer that it gave.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::support::gate::text;
use crate::support::message::{control_id, framed};
use crate::support::upstream::{Act, Upstream};

/// Gives answers that nobody else could have given: each carries a number in MSA-3.
#[derive(Clone, Default)]
pub(super) struct Pen {
    gave: Arc<Mutex<HashMap<String, HashSet<Vec<u8>>>>>,
    count: Arc<AtomicUsize>,
}

impl Pen {
    /// An answer to the message of this id.
    pub(super) fn answer(&self, code: &str, id: &str) -> Vec<u8> {
        let frame = self.draft(code, id);
        let mut gave = self.gave.lock().unwrap_or_else(PoisonError::into_inner);
        gave.entry(id.to_owned()).or_default().insert(frame.clone());
        frame
    }

    /// The same, which will not be given whole.
    pub(super) fn draft(&self, code: &str, id: &str) -> Vec<u8> {
        let nth = self.next();
        let payload = format!(
            "MSH|^~\\&|ORIS|THEATRE|HIS|WARD|20260302080001||ACK|R{nth}|P|2.5.1|||| |\r\
             MSA|{code}|{id}|downstream {nth} \r"
        );
        framed(payload.as_bytes())
    }

    /// A number that was not given before.
    pub(super) fn next(&self) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether this was an answer to that message.
    pub(super) fn gave(&self, id: &str, answer: &[u8]) -> bool {
        let gave = self.gave.lock().unwrap_or_else(PoisonError::into_inner);
        gave.get(id).is_some_and(|answers| answers.contains(answer))
    }
}

/// What is done with a message: called with its id.
pub(super) type Manner = fn(&Pen, &str) -> Vec<Act>;

/// The stand-in.
pub(super) struct Standin {
    pub(super) upstream: Upstream,
    pub(super) pen: Pen,
}

/// Accepts everything.
fn well(pen: &Pen, id: &str) -> Vec<Act> {
    vec![Act::Send(pen.answer("AA", id))]
}

impl Standin {
    /// A healthy one, at an address of its own: while it refuses connections nobody else gets its port.
    pub(super) fn new() -> Self {
        static COUNT: AtomicU8 = AtomicU8::new(1);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id() % 200 + 1;
        let pen = Pen::default();
        let own = pen.clone();
        let address = format!("127.77.{process}.{nth}");
        let upstream =
            Upstream::at(&address, move |frame, _| well(&own, &text(&control_id(frame))));
        Self { upstream, pen }
    }

    /// From now on does this.
    pub(super) fn now(&self, manner: Manner) {
        let own = self.pen.clone();
        self.upstream.now(move |frame, _| manner(&own, &text(&control_id(frame))));
    }

    /// As at first.
    pub(super) fn recovers(&self) {
        self.now(well);
    }

    /// What arrived: ids and whole frames.
    pub(super) fn arrivals(&self) -> Vec<(String, Vec<u8>)> {
        let frames = self.upstream.frames();
        frames.into_iter().map(|frame| (text(&control_id(&frame)), frame)).collect()
    }
}
