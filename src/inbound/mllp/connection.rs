//! One connection: bytes in and out, both ways at once in one task, and when it ends.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Sleep, timeout};

use crate::clock;
use crate::domain::verdict::Stance;
use crate::feed::watch::Light;
use crate::gate::Gate;
use crate::gate::passage::Outcome;
use crate::gate::terms::Terms;
use crate::hl7::frame::FrameScanner;
use crate::inbound::live::Live;
use crate::inbound::mllp::Config;
use crate::inbound::mllp::exchange::{Pending, report};
use crate::inbound::mllp::pipeline::{IN_FLIGHT_MAX, Pipeline};
use crate::net::tls::facts::Peer;
use crate::net::tls::why::why;
use crate::telemetry::events;
use crate::telemetry::route::Meters;

/// How much is read at a time; small, because an idle connection holds it.
const READ_CHUNK: usize = 8 * 1024;
/// How long a connection is read out when the gate closes it; a sender that closes too ends it at once.
const READ_OUT_MAX: Duration = Duration::from_secs(1);
/// A connection is shut within this: TLS says farewell first, which a peer that does not read holds up.
const SHUT_MAX: Duration = Duration::from_secs(1);
/// Why a connection ended whose downstream system wants a client certificate, or another one than ours.
pub(super) const UPSTREAM_DISTRUSTS: &str = "upstream-refuses-our-certificate";
/// Above this much unsent output the gate stops reading what would add to it.
const UNSENT_MAX: usize = 1024 * 1024;

/// What a connection of a route works with.
#[derive(Clone)]
pub struct Route {
    /// Its settings, as they were when they were last looked at.
    pub config: Arc<Config>,
    /// The terms of the house, of the same configuration.
    pub terms: Arc<Terms>,
    /// The one path.
    pub gate: Arc<Gate>,
    /// Whether its downstream system can be connected to.
    pub upstream: Light,
    /// Who the sender of the connection is, by its certificate.
    pub sender: Option<Arc<Peer>>,
    /// Where both come from.
    pub live: Live<Config>,
    /// What is measured of it.
    pub meters: Meters,
}

impl Route {
    /// Puts a route together.
    pub fn new(live: Live<Config>, gate: Arc<Gate>, upstream: Light) -> Self {
        let now = live.now();
        let meters = Meters::of(&now.config.name);
        let (config, terms) = (now.config, now.terms);
        Self { config, terms, gate, upstream, sender: None, live, meters }
    }

    /// Takes up what is in force now, between two messages; whether it is another.
    pub fn renew(&mut self) -> bool {
        let Some(now) = self.live.other_than(&self.config, &self.terms) else { return false };
        (self.config, self.terms) = (now.config, now.terms);
        true
    }
}

/// The state of one connection.
pub(super) struct Connection {
    pub(super) route: Route,
    pub(super) from_sender: BytesMut,
    pub(super) from_upstream: BytesMut,
    pub(super) to_sender: BytesMut,
    pub(super) to_upstream: BytesMut,
    pub(super) sender_frames: FrameScanner,
    pub(super) upstream_frames: FrameScanner,
    pub(super) pipeline: Pipeline,
    pub(super) pending: Option<Pending>,
    /// The sender has sent all it will.
    pub(super) sender_done: bool,
    /// So has the downstream system.
    pub(super) upstream_done: bool,
    /// Our FIN to the downstream system is sent.
    pub(super) upstream_shut: bool,
    /// Why the connection ends as soon as what is due has been sent.
    pub(super) closing: Option<&'static str>,
    /// Relaying unread (stance observe, or a bypass).
    pub(super) relaying: bool,
    pub(super) draining: bool,
    pub(super) frame_since: Option<Instant>,
    /// Until then an answer may come to a message that need not be answered.
    pub(super) answer_until: Option<Instant>,
    pub(super) moved: Instant,
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
            if let Ok(Err(_)) = timeout(SHUT_MAX, upstream_out.shutdown()).await {
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
                Err(error) => break upstream_broken(&error),
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
    if !own.from_sender.is_empty() && !own.draining {
        events::Unreadable { route: &own.route.config.name, why: "frame-cut-off" }.emit();
    }
    let _ = timeout(SHUT_MAX, sender_out.shutdown()).await;
    if own.closing.is_some() || own.draining {
        read_out(&mut sender_in).await;
    }
    why
}

/// TLS 1.3 tells only after the handshake that a certificate is not taken.
fn upstream_broken(error: &io::Error) -> &'static str {
    if why(error).starts_with("peer-") { UPSTREAM_DISTRUSTS } else { "upstream-broken" }
}

/// Reads what the sender still sends and forgets it. Closing with bytes unread would reset the
/// connection, and with it take from the sender the answer that it has not read yet.
async fn read_out(sender: &mut (impl AsyncRead + Unpin)) {
    let mut forgotten = vec![0; READ_CHUNK];
    let reading = async { while sender.read(&mut forgotten).await.is_ok_and(|count| count > 0) {} };
    let _ = timeout(READ_OUT_MAX, reading).await;
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
            answer_until: None,
            moved: clock::monotonic(),
            route,
        }
    }

    /// Everything that can be done without waiting.
    fn advance(&mut self) {
        if self.route.renew() {
            self.sender_frames.limit(self.route.config.max_frame);
            self.upstream_frames.limit(self.route.config.max_frame);
        }
        self.take_replies();
        if self.relaying && self.closing.is_none() {
            let stance = self.route.gate.in_force(self.route.config.stance.now());
            if stance.without_department() != Stance::Enforce {
                self.to_upstream.extend_from_slice(&self.from_sender.split());
            } else {
                // What is enforced now must be read, and this connection cannot be: the sender begins a new one.
                self.from_sender.clear();
                self.closing = Some("stance-changed");
            }
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
        // By TLS 1.2 who hears a farewell ends both ways at once: answers that are due come before it.
        let answered = self.route.config.upstream_tls.is_none() || self.pipeline.is_empty();
        answered
            && self.sender_done
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
        if self.draining && drained && !self.may_be_answered() {
            return Some("drained");
        }
        None
    }

    /// The earliest moment at which something must be looked at.
    fn due(&self) -> Instant {
        let idle = self.moved + self.patience();
        let frame = self.frame_since.map(|since| since + self.route.config.frame_timeout);
        let possible = self.answer_until.filter(|_| self.draining);
        [frame, possible, self.pipeline.deadline()].into_iter().flatten().fold(idle, Instant::min)
    }

    /// Whether an answer that need not come still may.
    fn may_be_answered(&self) -> bool {
        let until = self.answer_until.filter(|_| self.pipeline.may_be_answered());
        until.is_some_and(|until| clock::monotonic() < until)
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
