//! One connection: bytes in, frames judged, bytes out, both ways at once in one task.
//!
//! Nothing here forwards a frame without a [`Passage`]; the one exception is a connection that only
//! observes and whose bytes cannot be framed, which is relayed as it is after that was recorded.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Sleep;

use crate::clock;
use crate::gate::passage::{Outcome, Passage};
use crate::gate::{Gate, Request};
use crate::hl7::frame::{FrameScanner, Scanned};
use crate::inbound::mllp::Config;
use crate::inbound::mllp::intake::{self, Intake};
use crate::inbound::mllp::pipeline::{Expected, IN_FLIGHT_MAX, Pipeline, Placed};
use crate::telemetry::events;

/// How much is read at a time; small, because an idle connection holds it.
const READ_CHUNK: usize = 8 * 1024;
/// Above this much unsent output the gate stops reading what would add to it.
const UNSENT_MAX: usize = 1024 * 1024;
/// Of a frame that never ends this much is kept as evidence.
const EVIDENCE_MAX: usize = 64 * 1024;

/// What a connection of a route works with.
#[derive(Clone)]
pub struct Route {
    /// Its settings.
    pub config: Arc<Config>,
    /// The one path.
    pub gate: Arc<Gate>,
}

type Judging = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A message before the gate, and how it goes on when it passes.
struct Pending {
    judging: Judging,
    frame: Bytes,
    control_id: Bytes,
    promised: bool,
    then: Then,
}

/// What follows a judged piece.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The next frame.
    GoOn,
    /// The bytes cannot be framed: relay them if the piece may pass, else answer and close.
    Unframed(&'static str),
}

/// The state of one connection.
struct Connection {
    route: Route,
    from_sender: BytesMut,
    from_upstream: BytesMut,
    to_sender: BytesMut,
    to_upstream: BytesMut,
    sender_frames: FrameScanner,
    upstream_frames: FrameScanner,
    pipeline: Pipeline,
    pending: Option<Pending>,
    /// The sender has sent all it will.
    sender_done: bool,
    /// So has the downstream system.
    upstream_done: bool,
    /// Our FIN to the downstream system is sent.
    upstream_shut: bool,
    /// Why the connection ends as soon as what is due has been sent.
    closing: Option<&'static str>,
    /// Relaying unread (stance observe only).
    relaying: bool,
    draining: bool,
    frame_since: Option<Instant>,
    moved: Instant,
}

/// Serves one sender's connection until it ends; says why it did, of a bounded set.
pub async fn serve<SR, SW, UR, UW>(
    route: Route,
    (mut sender_in, mut sender_out): (SR, SW),
    (mut upstream_in, mut upstream_out): (UR, UW),
    mut drain: watch::Receiver<bool>,
) -> &'static str
where
    SR: AsyncRead + Unpin,
    SW: AsyncWrite + Unpin,
    UR: AsyncRead + Unpin,
    UW: AsyncWrite + Unpin,
{
    let mut own = Connection::new(route);
    own.draining = *drain.borrow();
    // One future for the whole connection: a new one at every turn would enlist and strike itself off.
    let mut drained = std::pin::pin!(async move {
        let _ = drain.changed().await;
    });
    let mut timer = Box::pin(tokio::time::sleep(own.route.config.frame_timeout));
    let mut armed = clock::monotonic() + own.route.config.frame_timeout;
    let why = loop {
        own.advance();
        if let Some(why) = own.ended() {
            break why;
        }
        if own.upstream_may_be_shut() {
            own.upstream_shut = true;
            if upstream_out.shutdown().await.is_err() {
                break "upstream-broken";
            }
            continue;
        }
        own.arm(&mut timer, &mut armed);
        let (read_sender, read_upstream) = (own.reads_sender(), own.reads_upstream());
        tokio::select! {
            biased;
            outcome = judged(&mut own.pending), if own.pending.is_some() => own.ruled(outcome),
            done = sender_out.write(&own.to_sender), if !own.to_sender.is_empty() => match done {
                Ok(sent @ 1..) => {
                    own.to_sender.advance(sent);
                    own.moved = clock::monotonic();
                }
                Ok(0) | Err(_) => break "sender-broken",
            },
            done = upstream_out.write(&own.to_upstream), if !own.to_upstream.is_empty() => {
                match done {
                    Ok(sent @ 1..) => own.to_upstream.advance(sent),
                    Ok(0) | Err(_) => break "upstream-broken",
                }
            }
            done = upstream_in.read_buf(&mut own.from_upstream), if read_upstream => match done {
                Ok(0) => own.upstream_done = true,
                Ok(_) => {}
                Err(_) => break "upstream-broken",
            },
            done = sender_in.read_buf(&mut own.from_sender), if read_sender => match done {
                Ok(0) => own.sender_done = true,
                Ok(_) => own.moved = clock::monotonic(),
                Err(_) => break "sender-broken",
            },
            () = timer.as_mut() => armed = own.tick(),
            () = &mut drained, if !own.draining => own.draining = true,
        }
    };
    for expected in own.pipeline.abandon() {
        report(&own.route.gate, &expected, "unanswered", None);
    }
    if !own.from_sender.is_empty() {
        events::Unreadable { route: &own.route.config.name, why: "frame-cut-off" }.emit();
    }
    let _ = sender_out.shutdown().await;
    why
}

/// The outcome of the message before the gate. Safe to drop and call again: the future is kept.
async fn judged(pending: &mut Option<Pending>) -> Outcome {
    match pending {
        Some(pending) => pending.judging.as_mut().await,
        None => std::future::pending().await,
    }
}

impl Connection {
    fn new(route: Route) -> Self {
        let max_frame = route.config.max_frame;
        Self {
            from_sender: BytesMut::new(),
            from_upstream: BytesMut::new(),
            to_sender: BytesMut::new(),
            to_upstream: BytesMut::new(),
            sender_frames: FrameScanner::new(max_frame),
            upstream_frames: FrameScanner::new(max_frame),
            pipeline: Pipeline::default(),
            pending: None,
            sender_done: false,
            upstream_done: false,
            upstream_shut: false,
            closing: None,
            relaying: false,
            draining: false,
            frame_since: None,
            moved: clock::monotonic(),
            route,
        }
    }

    /// Everything that can be done without waiting.
    fn advance(&mut self) {
        self.take_replies();
        if self.relaying {
            self.to_upstream.extend_from_slice(&self.from_sender.split());
        }
        while self.pending.is_none()
            && !self.relaying
            && !self.draining
            && self.closing.is_none()
            && self.pipeline.len() < IN_FLIGHT_MAX
            && self.to_upstream.len() < UNSENT_MAX
            && self.take_frame()
        {}
        while let Some(answer) = self.pipeline.next_answer() {
            self.to_sender.extend_from_slice(&answer);
        }
        for buffer in [&mut self.from_sender, &mut self.from_upstream] {
            if buffer.is_empty() && buffer.capacity() > 8 * READ_CHUNK {
                *buffer = BytesMut::new();
            }
        }
        if self.reads_sender() {
            self.from_sender.reserve(READ_CHUNK);
        }
        if self.reads_upstream() {
            self.from_upstream.reserve(READ_CHUNK);
        }
    }

    /// Takes one piece from the sender's bytes; false when more is needed.
    fn take_frame(&mut self) -> bool {
        match self.sender_frames.next(&self.from_sender) {
            Scanned::Frame { range } => {
                self.frame_since = None;
                self.from_sender.advance(range.start);
                self.frame(range.end - range.start);
                true
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
        match intake::read(&self.route, frame) {
            Intake::Short { control_id, reply, promised, scheduling } => {
                let passage = self.route.gate.short_way();
                events::NotSurgical { route: &self.route.config.name, scheduling }.emit();
                // The buffer is lent to itself: nothing is split off, shared or copied twice.
                let buffer = std::mem::take(&mut self.from_sender);
                let frame = buffer.get(..length).unwrap_or_default();
                self.forward(passage, frame, (!reply).then_some(control_id), promised);
                self.from_sender = buffer;
                self.from_sender.advance(length);
            }
            Intake::Checked { read, control_id, promised } => {
                let frame = self.from_sender.split_to(length).freeze();
                let request = intake::request(&self.route, &frame, read, &control_id);
                self.judge(request, frame, control_id, promised, Then::GoOn);
            }
        }
    }

    fn judge(
        &mut self,
        request: Request,
        frame: Bytes,
        control_id: Bytes,
        promised: bool,
        then: Then,
    ) {
        let gate = Arc::clone(&self.route.gate);
        let judging = Box::pin(async move { gate.pass(request).await });
        self.pending = Some(Pending { judging, frame, control_id, promised, then });
    }

    /// A piece that is no whole frame: it goes before the gate like everything else.
    fn unreadable(&mut self, piece: Bytes, why: &'static str, then: Then) {
        let request = intake::unreadable(&self.route, &piece, why);
        self.judge(request, piece, Bytes::new(), false, then);
    }

    fn give_up_framing(&mut self, why: &'static str) {
        self.frame_since = None;
        let evidence = self.from_sender.len().min(EVIDENCE_MAX);
        let evidence = self.from_sender.get(..evidence).unwrap_or_default();
        let piece = Bytes::copy_from_slice(evidence);
        self.unreadable(piece, why, Then::Unframed(why));
    }

    /// The gate has ruled on the pending message.
    fn ruled(&mut self, outcome: Outcome) {
        let Some(pending) = self.pending.take() else { return };
        match (outcome, pending.then) {
            (Outcome::Forward(passage), Then::GoOn) => {
                let control_id = Some(pending.control_id);
                self.forward(passage, &pending.frame, control_id, pending.promised);
            }
            (Outcome::Forward(_), Then::Unframed(why)) => {
                events::RelayedUnframed { route: &self.route.config.name, why }.emit();
                self.relaying = true;
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

    /// Sends a frame downstream. The passage is the permission; nothing else calls this.
    fn forward(
        &mut self,
        passage: Passage,
        frame: &[u8],
        control_id: Option<Bytes>,
        promised: bool,
    ) {
        self.to_upstream.extend_from_slice(frame);
        let Some(control_id) = control_id else { return };
        if !promised {
            self.pipeline.forwarded_unpromised(control_id);
            return;
        }
        let sent = clock::monotonic();
        let deadline = sent + self.route.config.upstream_timeout;
        let entry = passage.entry();
        self.pipeline.forwarded(Expected { control_id, deadline, sent, entry });
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
    fn take_replies(&mut self) {
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
                report(&self.route.gate, &expected, "answered", code);
            }
            Placed::Follows | Placed::Unsolicited => {}
            Placed::Foreign => {
                events::ReplyDropped { route: &self.route.config.name }.emit();
            }
        }
    }

    fn reads_sender(&self) -> bool {
        !self.sender_done
            && !self.draining
            && self.closing.is_none()
            && self.pending.is_none()
            && self.pipeline.len() < IN_FLIGHT_MAX
            && self.to_upstream.len() < UNSENT_MAX
    }

    fn reads_upstream(&self) -> bool {
        !self.upstream_done && self.to_sender.len() < UNSENT_MAX
    }

    /// Whether our side of the upstream connection can be closed: the sender is done, and all it sent is through.
    fn upstream_may_be_shut(&self) -> bool {
        self.sender_done
            && self.pending.is_none()
            && self.to_upstream.is_empty()
            && !self.upstream_shut
    }

    /// Why the connection is over, once nothing more is due.
    fn ended(&self) -> Option<&'static str> {
        if self.pending.is_some() || !self.to_sender.is_empty() {
            return None;
        }
        if let Some(why) = self.closing {
            return (self.pipeline.is_empty()).then_some(why);
        }
        if self.upstream_done {
            return Some("upstream-closed");
        }
        let drained = self.pipeline.is_empty() && self.to_upstream.is_empty();
        if self.draining && drained {
            return Some("drained");
        }
        None
    }

    /// The earliest moment at which something must be looked at.
    fn due(&self) -> Instant {
        let idle = self.moved + self.patience();
        let frame = self.frame_since.map(|since| since + self.route.config.frame_timeout);
        [frame, self.pipeline.deadline()].into_iter().flatten().fold(idle, Instant::min)
    }

    /// How long nothing may move. A sender that has said all it will is not kept waiting for a
    /// downstream system that does not close.
    fn patience(&self) -> Duration {
        let config = &self.route.config;
        if self.upstream_shut { config.upstream_timeout } else { config.idle_timeout }
    }

    /// Sets the timer only when something is due before it rings; it rings early rather than being
    /// moved for every message.
    fn arm(&self, timer: &mut Pin<Box<Sleep>>, armed: &mut Instant) {
        let due = self.due();
        if due < *armed || timer.is_elapsed() {
            *armed = due;
            timer.as_mut().reset(due.into());
        }
    }

    /// The timer rang: does what is due, and says when it must ring next.
    fn tick(&mut self) -> Instant {
        let now = clock::monotonic();
        let route = &self.route.config;
        if self.pipeline.deadline().is_some_and(|deadline| deadline <= now) {
            // What the sender would have seen without us: silence, and then a closed connection. A
            // reply that comes later can reach nobody.
            events::UpstreamSilent { route: &route.name }.emit();
            for expected in self.pipeline.abandon() {
                report(&self.route.gate, &expected, "timeout", None);
            }
            self.closing = Some("upstream-silent");
        } else if self.frame_since.is_some_and(|since| since + route.frame_timeout <= now)
            && self.pending.is_none()
        {
            self.give_up_framing("frame-not-ended");
        } else if self.moved + self.patience() <= now {
            self.closing = Some("idle");
        }
        self.due().max(now + Duration::from_millis(1))
    }
}

/// Records how the downstream system answered a checked message.
fn report(gate: &Gate, expected: &Expected, outcome: &str, code: Option<&str>) {
    if let Some(entry) = expected.entry {
        let took = clock::monotonic().duration_since(expected.sent);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        gate.delivered(entry, outcome, code, took_us);
    }
}
