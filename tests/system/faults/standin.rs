//! The downstream system of a row: it keeps every byte, and remembers every whole answer that it gave.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::faults::wire::Wire;
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
        self.keep(id, frame.clone());
        frame
    }

    /// What marks an answer to the message of this id.
    pub(super) fn mark(&self, id: &str) -> String {
        let mark = format!("W/\"downstream-{}\"", self.next());
        self.keep(id, mark.clone().into_bytes());
        mark
    }

    fn keep(&self, id: &str, answer: Vec<u8>) {
        let mut gave = self.gave.lock().unwrap_or_else(PoisonError::into_inner);
        gave.entry(id.to_owned()).or_default().insert(answer);
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

/// A downstream system of either protocol.
pub(super) trait Downstream {
    const WIRE: Wire;

    /// What arrived: ids, and what must be as it was sent.
    fn arrivals(&self) -> Vec<(String, Vec<u8>)>;

    /// Every byte that arrived.
    fn bytes(&self) -> Vec<u8>;

    fn pen(&self) -> &Pen;
}

/// An address of the machine that nobody else uses: while nobody listens there, nobody else gets its port.
pub(super) fn own_address() -> String {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let nth = COUNT.fetch_add(1, Ordering::Relaxed);
    let process = std::process::id() % 200 + 1;
    format!("127.77.{process}.{nth}")
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
    /// A healthy one.
    pub(super) fn new() -> Self {
        let pen = Pen::default();
        let own = pen.clone();
        let upstream =
            Upstream::at(&own_address(), move |frame, _| well(&own, &text(&control_id(frame))));
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
}

impl Downstream for Standin {
    const WIRE: Wire = Wire::Mllp;

    fn arrivals(&self) -> Vec<(String, Vec<u8>)> {
        let frames = self.upstream.frames();
        frames.into_iter().map(|frame| (text(&control_id(&frame)), frame)).collect()
    }

    fn bytes(&self) -> Vec<u8> {
        self.upstream.bytes()
    }

    fn pen(&self) -> &Pen {
        &self.pen
    }
}
