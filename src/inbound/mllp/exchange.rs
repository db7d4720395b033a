//! What becomes of the pieces of a connection: frames taken, read, judged, forwarded or refused; replies placed.
//!
//! Nothing here forwards a frame without a [`Passage`]; the one exception is a connection that only
//! observes and whose bytes cannot be framed, which is relayed as it is after that was recorded.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::{Buf, Bytes};

use crate::clock;
use crate::gate::passage::{Outcome, Passage};
use crate::gate::{Delivery, Gate, Request};
use crate::hl7::ack;
use crate::hl7::frame::{self, Scanned};
use crate::inbound::mllp::connection::Connection;
use crate::inbound::mllp::intake::{self, Intake, Taken};
use crate::inbound::mllp::pipeline::{Expected, Placed, Reference};
use crate::telemetry::events;
use crate::telemetry::net as tls_events;
use crate::telemetry::trace::{Ending, Step};

/// Of a frame that never ends this much is kept as evidence.
const EVIDENCE_MAX: usize = 64 * 1024;

type Judging = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A message before the gate, and how it goes on when it passes.
pub(super) struct Pending {
    pub(super) judging: Judging,
    waiting: Waiting,
}

/// What is known of it meanwhile.
struct Waiting {
    frame: Bytes,
    reference: Reference,
    promised: bool,
    then: Then,
    /// When all of it was there.
    since: Instant,
}

/// What follows a judged piece.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The next frame.
    GoOn,
    /// The bytes cannot be framed: relay them if the piece may pass, else answer and close.
    Unframed(&'static str),
}

impl Connection {
    /// Takes one piece from the sender's bytes; false when more is needed.
    pub(super) fn take_frame(&mut self) -> bool {
        match self.sender_frames.next(&self.from_sender) {
            Scanned::Frame { range } => {
                self.frame_since = None;
                self.from_sender.advance(range.start);
                self.frame(range.end - range.start);
                true
            }
            Scanned::Outside { .. } | Scanned::NeedMore if greets_by_tls(&self.from_sender) => {
                tls_events::TlsOnPlain { route: &self.route.config.name }.emit();
                self.from_sender.clear();
                self.closing = Some("tls-on-plain-port");
                false
            }
            Scanned::Outside { range, forwardable } => {
                self.outside(range.end, forwardable);
                true
            }
            Scanned::LostEnd { range } => {
                self.frame_since = None;
                let piece = self.from_sender.split_to(range.end).freeze();
                self.unreadable(piece, "frame-end-lost", Then::GoOn);
                true
            }
            Scanned::TooLong => {
                self.give_up_framing("frame-too-long");
                true
            }
            Scanned::NeedMore if self.sender_done && self.sender_frames.in_frame() => {
                self.give_up_framing("frame-cut-off");
                true
            }
            Scanned::NeedMore => {
                if !self.sender_frames.in_frame() {
                    self.frame_since = None;
                } else if self.frame_since.is_none() {
                    self.frame_since = Some(clock::monotonic());
                }
                false
            }
        }
    }

    /// One whole frame, at the front of the sender's bytes.
    fn frame(&mut self, length: usize) {
        let Some(frame) = self.from_sender.get(..length) else { return };
        let taken = Taken::now(&self.route);
        let since = taken.since;
        match intake::read(&self.route.config, &self.route.gate, frame::payload(frame)) {
            Intake::Short { reference, reply, promised, scheduling } => {
                let passage = self.route.gate.short_way();
                events::NotSurgical { route: &self.route.config.name, scheduling }.emit();
                // The buffer is lent to itself: nothing is split off, shared or copied twice.
                let buffer = std::mem::take(&mut self.from_sender);
                let frame = buffer.get(..length).unwrap_or_default();
                self.forward(passage, frame, (!reply).then_some(reference), promised);
                self.from_sender = buffer;
                self.from_sender.advance(length);
                self.route.meters.added(since);
            }
            Intake::Checked { read, doubted, reference, promised } => {
                let frame = self.from_sender.split_to(length).freeze();
                let request =
                    intake::request(&self.route, &frame, read, doubted, &reference, taken);
                let then = Then::GoOn;
                self.judge(request, Waiting { frame, reference, promised, then, since });
            }
        }
    }

    fn judge(&mut self, request: Request, waiting: Waiting) {
        let gate = Arc::clone(&self.route.gate);
        let judging = Box::pin(async move { gate.pass(request).await });
        self.pending = Some(Pending { judging, waiting });
    }

    /// A piece that is no whole frame: it goes before the gate like everything else.
    fn unreadable(&mut self, piece: Bytes, why: &'static str, then: Then) {
        let (reference, promised, taken) = (Reference::Unknown, false, Taken::now(&self.route));
        let request = intake::unreadable(&self.route, &piece, why, taken);
        let since = taken.since;
        self.judge(request, Waiting { frame: piece, reference, promised, then, since });
    }

    pub(super) fn give_up_framing(&mut self, why: &'static str) {
        self.frame_since = None;
        let evidence = self.from_sender.len().min(EVIDENCE_MAX);
        let evidence = self.from_sender.get(..evidence).unwrap_or_default();
        let piece = Bytes::copy_from_slice(evidence);
        self.unreadable(piece, why, Then::Unframed(why));
    }

    /// The gate has ruled on the pending message.
    pub(super) fn ruled(&mut self, outcome: Outcome) {
        let Some(Pending { waiting: pending, .. }) = self.pending.take() else { return };
        self.route.meters.added(pending.since);
        match (outcome, pending.then) {
            (Outcome::Forward(passage), Then::GoOn) => {
                let reference = Some(pending.reference);
                self.forward(passage, &pending.frame, reference, pending.promised);
            }
            (Outcome::Forward(_), Then::Unframed(why)) => {
                events::RelayedUnframed { route: &self.route.config.name, why }.emit();
                self.relay();
            }
            (Outcome::Refuse(refusal), then) => {
                if refusal.answer.is_none() {
                    events::RefusalUntold { route: &self.route.config.name }.emit();
                }
                self.pipeline.refused(refusal.answer);
                if let Then::Unframed(why) = then {
                    self.from_sender.clear();
                    self.closing = Some(why);
                }
            }
        }
    }

    /// From here on bytes are passed on as they are, both ways: nobody can tell any more which answer
    /// belongs to what, so nobody waits for one.
    fn relay(&mut self) {
        self.relaying = true;
        for expected in self.pipeline.release() {
            report(&self.route.gate, &expected, "relayed", None);
        }
        while let Some(answer) = self.pipeline.next_answer() {
            self.to_sender.extend_from_slice(&answer);
        }
    }

    /// Sends a frame downstream. The passage is the permission; nothing else calls this.
    fn forward(
        &mut self,
        passage: Passage,
        frame: &[u8],
        reference: Option<Reference>,
        promised: bool,
    ) {
        self.to_upstream.extend_from_slice(frame);
        let Some(reference) = reference else { return };
        let sent = clock::monotonic();
        let deadline = sent + self.route.config.upstream_timeout;
        if !promised {
            self.pipeline.forwarded_unpromised(reference);
            self.answer_until = Some(deadline);
            return;
        }
        let (entry, trace) = (passage.told_under(), passage.trace().clone());
        self.pipeline.forwarded(Expected { reference, deadline, sent, entry, trace });
    }

    /// Bytes between frames: junk, or a heartbeat.
    fn outside(&mut self, length: usize, forwardable: bool) {
        let route = &self.route.config.name;
        let bytes = self.from_sender.split_to(length);
        let forward = self.route.config.forward_outside && forwardable;
        let fate = if forward { "forwarded" } else { "dropped" };
        events::OutsideFrames { route, bytes: length, fate }.emit();
        if forward {
            self.to_upstream.extend_from_slice(&bytes);
        }
    }

    /// Whatever the downstream system has sent, placed.
    pub(super) fn take_replies(&mut self) {
        if self.relaying {
            self.to_sender.extend_from_slice(&self.from_upstream.split());
            return;
        }
        loop {
            match self.upstream_frames.next(&self.from_upstream) {
                Scanned::Frame { range } => {
                    self.from_upstream.advance(range.start);
                    let frame = self.from_upstream.split_to(range.end - range.start).freeze();
                    self.reply(&frame);
                }
                Scanned::Outside { range, .. } | Scanned::LostEnd { range } => {
                    let bytes = self.from_upstream.split_to(range.end);
                    if self.route.config.forward_outside {
                        self.to_sender.extend_from_slice(&bytes);
                    }
                }
                Scanned::TooLong => {
                    self.from_upstream.clear();
                    self.closing = Some("reply-too-long");
                    return;
                }
                Scanned::NeedMore => return,
            }
        }
    }

    fn reply(&mut self, frame: &Bytes) {
        let ack = intake::acknowledges(frame);
        match self.pipeline.replied(frame, ack) {
            Placed::Answers(expected) => {
                let code = ack.and_then(|ack| std::str::from_utf8(ack.code).ok());
                self.route.meters.answered(expected.sent);
                report(&self.route.gate, &expected, "answered", code);
            }
            Placed::Follows | Placed::Unsolicited => {}
            Placed::Foreign => {
                events::ReplyDropped { route: &self.route.config.name }.emit();
            }
        }
    }
}

/// Whether outside a frame stands the beginning of a TLS handshake: no heartbeat begins so.
fn greets_by_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x16, 0x03, _, _, _, 0x01, ..])
}

/// Records how the downstream system answered a checked message.
pub(super) fn report(gate: &Gate, expected: &Expected, outcome: &'static str, code: Option<&str>) {
    if let Some(entry) = expected.entry {
        let now = clock::monotonic();
        let took = now.duration_since(expected.sent);
        let (failed, acknowledgement) = (outcome != "answered", code.and_then(ack::known_code));
        let ending = Ending { failed, outcome: Some(outcome), acknowledgement, status: None };
        expected.trace.ended(Step::Upstream, (expected.sent, now), ending);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let known_as = Vec::new();
        gate.delivered(&Delivery { entry, outcome, answer_code: code, took_us, known_as });
    }
}
