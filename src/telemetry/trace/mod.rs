//! Traces of checked messages: what took how long on the way through the gate, and what was decided, in words of a bounded
//! set. Never anything of the message: a trace leaves the house's gate for a collector that many may read.
//!
//! Without a collector nothing is kept, and what is carried along is a `None`. Nobody waits for a trace: one that finds
//! no room in the queue is dropped and counted. The queue and the encoding are our own, so that what is dropped is counted,
//! and the program's one clock and one HTTP client serve here too.

mod meters;
pub mod otlp;
mod parent;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::mpsc;

use crate::clock::monotonic;

pub(in crate::telemetry) use crate::telemetry::trace::meters::begin;
pub use crate::telemetry::trace::meters::{dropped, exported};
pub use crate::telemetry::trace::parent::Parent;

/// Finished traces that wait for the collector, about 1 KiB each; further ones are dropped.
const WAITING_MAX: usize = 4_096;

/// Begins traces. Clones share the queue.
#[derive(Clone, Default)]
pub struct Tracer(Option<Arc<Sink>>);

struct Sink {
    finished: mpsc::Sender<Finished>,
    /// Of a hundred messages so many are traced.
    percent: u64,
    random: SystemRandom,
}

/// What is known of a message when it comes.
pub struct Begun<'b> {
    /// The route it came by.
    pub route: &'b Arc<str>,
    /// `hl7v2` or `fhir`.
    pub protocol: &'static str,
    /// Its length.
    pub bytes: usize,
    /// When all of it was there.
    pub since: Instant,
    /// The trace it is part of, where its sender says so.
    pub parent: Option<Parent>,
}

impl Tracer {
    /// Traces nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Traces `percent` of a hundred messages, and those whose senders trace them; gives what comes of it.
    pub fn new(percent: u64) -> (Self, mpsc::Receiver<Finished>) {
        let (finished, traces) = mpsc::channel(WAITING_MAX);
        let sink = Sink { finished, percent, random: SystemRandom::new() };
        (Self(Some(Arc::new(sink))), traces)
    }

    /// Begins the trace of a message. `now` is asked only where there is one.
    pub fn begin(&self, now: impl FnOnce() -> Timestamp, begun: Begun<'_>) -> Trace {
        let Some(sink) = &self.0 else { return Trace(None) };
        let mut ids = [0_u8; 24];
        if sink.random.fill(&mut ids).is_err() {
            return Trace(None);
        }
        let (chosen, own) = ids.split_at(16);
        let sampled = match begun.parent {
            Some(parent) => parent.sampled,
            None => chance(chosen) < sink.percent,
        };
        if !sampled {
            return Trace(None);
        }
        let mut span = [0; 8];
        span.copy_from_slice(own);
        // The steps' numbers are made of it, and none may be zero.
        if let Some(first) = span.first_mut() {
            *first |= 0x80;
        }
        let mut trace = [0; 16];
        trace.copy_from_slice(chosen);
        let trace = begun.parent.map_or(trace, |parent| parent.trace);
        let elapsed = monotonic().saturating_duration_since(begun.since);
        Trace(Some(Arc::new(Live {
            sink: Arc::clone(sink),
            trace,
            span,
            parent: begun.parent.map(|parent| parent.span),
            route: Arc::clone(begun.route),
            protocol: begun.protocol,
            bytes: begun.bytes,
            since: begun.since,
            at: nanos(now()).saturating_sub(whole_nanos(elapsed)),
            held: Mutex::default(),
        })))
    }
}

/// A number from 0 to 99, of random bytes.
fn chance(random: &[u8]) -> u64 {
    random.iter().take(7).fold(0, |number, byte| (number << 8) | u64::from(*byte)) % 100
}

/// Nanoseconds since 1970.
fn nanos(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or_default()
}

fn whole_nanos(passed: Duration) -> u64 {
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}

/// The trace of one message, or none. Clones share it; it is finished when the last of them is dropped.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Live>>);

struct Live {
    sink: Arc<Sink>,
    trace: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    route: Arc<str>,
    protocol: &'static str,
    bytes: usize,
    since: Instant,
    /// The same as nanoseconds since 1970.
    at: u64,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    told: Option<Told>,
    steps: Vec<Taken>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Trace" } else { "no trace" })
    }
}

/// A step on the way through the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Taken apart, and read by the mapping.
    Read,
    /// What register and case index know.
    Facts,
    /// The rules, in memory.
    Judge,
    /// Until the entry is on the disk.
    Ledger,
    /// Until the downstream system has answered.
    Upstream,
}

impl Step {
    /// The name of its span.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Facts => "facts",
            Self::Judge => "judge",
            Self::Ledger => "ledger",
            Self::Upstream => "upstream",
        }
    }
}

/// How a step ended, where that is worth a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ending {
    /// Whether it failed.
    pub failed: bool,
    /// How, of a bounded set.
    pub outcome: Option<&'static str>,
    /// MSA-1, if it is one that HL7 knows.
    pub acknowledgement: Option<&'static str>,
    /// The HTTP status.
    pub status: Option<u16>,
}

/// What was decided. Every word is the program's own, but the entry's number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Decision; empty: the same as before.
    pub decision: &'static str,
    /// Acted on or only observed.
    pub stance: &'static str,
    /// Order, notice or record.
    pub stage: Option<&'static str>,
    /// Elective, urgent or emergency.
    pub urgency: Option<&'static str>,
    /// The rules that found something.
    pub rules: Vec<&'static str>,
    /// What could not be known.
    pub gaps: Vec<&'static str>,
    /// Why it could not be read.
    pub unreadable: Option<&'static str>,
    /// Surgeons with procedures.
    pub cases: usize,
    /// The same bytes had come before.
    pub again: bool,
    /// The ledger entry.
    pub entry: String,
}

struct Taken {
    step: Step,
    from: Instant,
    to: Instant,
    ending: Ending,
}

/// A finished trace. Times are nanoseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its number, the sender's where there was one.
    pub trace: [u8; 16],
    /// That of the span which holds the others.
    pub span: [u8; 8],
    /// The sender's span.
    pub parent: Option<[u8; 8]>,
    /// Route.
    pub route: Arc<str>,
    /// `hl7v2` or `fhir`.
    pub protocol: &'static str,
    /// Length of the message.
    pub bytes: usize,
    /// When all of the message was there.
    pub from: u64,
    /// When the last step ended.
    pub to: u64,
    /// What was decided.
    pub told: Option<Told>,
    /// The steps, with their times.
    pub steps: Vec<(Step, u64, u64, Ending)>,
}

impl Trace {
    /// None.
    pub fn off() -> Self {
        Self(None)
    }

    /// Whether there is one; else nothing need be put together for it.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A step was taken, from then to then.
    pub fn step(&self, step: Step, from: Instant, to: Instant) {
        self.ended(step, (from, to), Ending::default());
    }

    /// A step was taken until now, and ended so.
    pub fn ended(&self, step: Step, (from, to): (Instant, Instant), ending: Ending) {
        if let Some(live) = &self.0 {
            let mut held = live.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.steps.push(Taken { step, from, to, ending });
        }
    }

    /// What was decided; of a message that is decided upon twice, the last word.
    pub fn tell(&self, told: impl FnOnce() -> Told) {
        if let Some(live) = &self.0 {
            let told = told();
            live.held.lock().unwrap_or_else(PoisonError::into_inner).told = Some(told);
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Held { told, steps } = std::mem::take(held);
        let (since, began) = (self.since, self.at);
        let at = |moment: Instant| {
            began.saturating_add(whole_nanos(moment.saturating_duration_since(since)))
        };
        let steps: Vec<_> = steps
            .into_iter()
            .map(|taken| (taken.step, at(taken.from), at(taken.to), taken.ending))
            .collect();
        let finished = Finished {
            trace: self.trace,
            span: self.span,
            parent: self.parent,
            route: Arc::clone(&self.route),
            protocol: self.protocol,
            bytes: self.bytes,
            from: began,
            to: steps.iter().map(|(_, _, to, _)| *to).max().unwrap_or(began),
            told,
            steps,
        };
        if self.sink.finished.try_send(finished).is_err() {
            dropped(1);
        }
    }
}
