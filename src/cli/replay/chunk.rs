//! Messages on their way from the files to the judge, some hundred at a time, and the reading of them
//! by the route's mapping, which needs most of the time and runs on all cores.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::catalogue::Catalogue;
use crate::domain::technique::Lists;
use crate::inbound::mllp::Config;
use crate::inbound::mllp::intake::{Intake, Reader};

/// Large enough to hand over seldom, small enough that the order of messages can be kept.
const MESSAGES_MAX: usize = 256;
/// Chunks in flight bound the memory of a replay.
const BYTES_MAX: usize = 512 * 1024;

/// Messages as they stand in the files, in order.
#[derive(Default)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    messages: Vec<Range<usize>>,
    /// Pieces that are no messages.
    pub(super) broken: Vec<&'static str>,
    /// Messages seen before, left out.
    pub(super) repeated: u64,
    /// Bytes of the files read up to here.
    pub(super) bytes_read: u64,
}

impl Chunk {
    /// Adds a message.
    pub(super) fn add(&mut self, message: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.messages.push(start..self.bytes.len());
    }

    /// Whether it is time to hand it over.
    pub(super) fn full(&self) -> bool {
        self.messages.len() + self.broken.len() >= MESSAGES_MAX || self.bytes.len() >= BYTES_MAX
    }

    /// The chunk as it is, to be handed over; an empty one stays.
    pub(super) fn take(&mut self) -> Self {
        let next = Self { bytes_read: self.bytes_read, ..Self::default() };
        std::mem::replace(self, next)
    }

    fn message(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.get(range.clone()).unwrap_or_default()
    }
}

/// What reading needs, shared by all threads.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) config: Arc<Config>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) lists: Arc<Lists>,
    pub(super) zone: TimeZone,
}

/// One message, read.
pub(super) struct Read {
    pub(super) intake: Intake,
    /// MSH-9, or nothing like it.
    pub(super) kind: String,
    /// Numbers of orders it refers to: if one of them was checked before, it is to be read again.
    pub(super) asked: Vec<String>,
}

/// A chunk, read.
pub(super) struct ReadChunk {
    pub(super) chunk: Chunk,
    pub(super) reads: Vec<Read>,
}

impl Route {
    /// Reads every message of a chunk, as if no order had been checked before.
    pub(super) fn read(&self, chunk: Chunk) -> ReadChunk {
        let read = |range: &Range<usize>| {
            let payload = chunk.message(range);
            let asked = RefCell::new(Vec::new());
            let intake = self.read_one(payload, &|number| {
                asked.borrow_mut().push(number.to_owned());
                false
            });
            Read { intake, kind: kind(payload), asked: asked.into_inner() }
        };
        let reads = chunk.messages.iter().map(read).collect();
        ReadChunk { chunk, reads }
    }

    fn read_one(&self, payload: &[u8], checked_order: &dyn Fn(&str) -> bool) -> Intake {
        Reader {
            config: &self.config,
            catalogue: &self.catalogue,
            lists: &self.lists,
            all_surgical: self.config.all_surgical,
            zone: &self.zone,
            checked_order,
        }
        .read(payload)
    }
}

impl ReadChunk {
    /// Reads the message at `index` again, now that it is known which orders were checked.
    pub(super) fn again(
        &self,
        index: usize,
        route: &Route,
        checked_order: &dyn Fn(&str) -> bool,
    ) -> Option<Intake> {
        let range = self.chunk.messages.get(index)?;
        Some(route.read_one(self.chunk.message(range), checked_order))
    }
}

/// MSH-9 as a name in a table: `OMG^O19`, or `?` where it is nothing of the kind.
fn kind(payload: &[u8]) -> String {
    let separator = payload.get(3).copied().unwrap_or(b'|');
    let line = payload.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    let field = line.split(|b| *b == separator).nth(8).unwrap_or_default();
    let plain = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'^' || *b == b'_';
    let two = field.splitn(3, |b| *b == b'^').take(2).collect::<Vec<_>>().join(&b'^');
    if !two.is_empty() && two.len() <= 7 && two.iter().all(plain) {
        String::from_utf8_lossy(&two).into_owned()
    } else {
        "?".to_owned()
    }
}
