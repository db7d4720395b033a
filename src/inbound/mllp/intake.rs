//! One frame → what it is: taken apart by the codec, read by the route's mapping.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use jiff::tz::TimeZone;

use crate::clock;
use crate::domain::catalogue::Catalogue;
use crate::domain::order::{Action, Order, Stage};
use crate::domain::technique::Lists;
use crate::gate::{Gate, Request, Subject};
use crate::hl7::batch::Batch;
use crate::hl7::frame;
use crate::hl7::message::Message;
use crate::inbound::mllp::Config;
use crate::inbound::mllp::connection::Route;
use crate::inbound::mllp::pipeline::{Acknowledges, Reference};
use crate::inbound::mllp::respond;
use crate::mapping::{Context, Reading, Unreadable};
use crate::register::InForce;
use crate::telemetry::events;
use crate::telemetry::trace::Begun;

/// What a frame holds.
pub enum Intake {
    /// None of the gate's business.
    Short {
        /// What its answer refers to.
        reference: Reference,
        /// It is itself a reply, so none is expected.
        reply: bool,
        /// Whether the sender is sure to get an answer (MSH-15/16).
        promised: bool,
        /// Scheduling that met no surgical test.
        scheduling: bool,
    },
    /// To be judged.
    Checked {
        /// What was read.
        read: Subject,
        /// Of a message that cannot be read: what the mapping doubts, for the answer.
        doubted: Option<Unreadable>,
        /// What its answer refers to.
        reference: Reference,
        /// Whether the sender is sure to get an answer.
        promised: bool,
    },
}

/// What reading depends on besides the bytes.
pub struct Reader<'r> {
    /// The route.
    pub config: &'r Config,
    /// The catalogue, for the surgical test.
    pub catalogue: &'r Catalogue,
    /// The technique lists, likewise.
    pub lists: &'r Lists,
    /// Whether every message that the mapping knows counts as surgical: as the route says, and while the register,
    /// which tells them apart, is not usable.
    pub all_surgical: bool,
    /// The hospital's time zone.
    pub zone: &'r TimeZone,
    /// Whether an order of this number was checked.
    pub checked_order: &'r dyn Fn(&str) -> bool,
}

/// How things stood when a piece was there, before anything of it was read.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    /// When that was.
    pub(super) since: Instant,
    /// Whether the register was usable.
    pub(super) register_usable: bool,
}

impl Taken {
    pub(super) fn now(route: &Route) -> Self {
        Self { since: clock::monotonic(), register_usable: route.gate.register().usable() }
    }
}

/// Reads a payload as a route with these settings reads it now, whoever asks.
pub fn read(config: &Config, gate: &Gate, payload: &[u8]) -> Intake {
    let InForce { catalogue, lists, usable } = gate.register().in_force();
    let checked_order = |order_no: &str| gate.memory().knows_order(order_no);
    Reader {
        config,
        catalogue: &catalogue,
        lists: &lists,
        all_surgical: config.all_surgical || !usable,
        zone: gate.zone(),
        checked_order: &checked_order,
    }
    .read(payload)
}

impl Reader<'_> {
    /// Reads a payload: one message, or a batch, which is one unit.
    pub fn read(&self, payload: &[u8]) -> Intake {
        let mut whole = Whole::default();
        let batch = match Batch::split(payload) {
            Ok(batch) => batch,
            Err(error) => {
                whole.unreadable(error.as_str(), None);
                return whole.finish();
            }
        };
        whole.batch_id = batch.control_id(&self.config.charset).map(Bytes::copy_from_slice);
        for bytes in batch.payloads() {
            match Message::read(bytes, &self.config.charset) {
                Ok(message) => whole.add(&message, self.mapped(&message)),
                Err(error) => whole.unreadable(error.as_str(), None),
            }
        }
        whole.finish()
    }

    fn mapped(&self, message: &Message<'_>) -> Reading {
        let context = Context {
            catalogue: self.catalogue,
            checked_order: self.checked_order,
            listed: &|code| self.lists.mention(code),
            all_surgical: self.all_surgical,
            zone: self.zone,
            compare_bytes: self.config.compare_bytes,
        };
        self.config.mapping.read_hl7(message, &context)
    }
}

/// What the messages of one payload come to together.
struct Whole {
    orders: Vec<Order>,
    unreadable: Option<(&'static str, Option<Stage>)>,
    doubted: Option<Unreadable>,
    control_id: Option<Bytes>,
    batch_id: Option<Bytes>,
    reply: bool,
    promised: bool,
    scheduling: bool,
}

impl Default for Whole {
    fn default() -> Self {
        Self {
            orders: Vec::new(),
            unreadable: None,
            doubted: None,
            control_id: None,
            batch_id: None,
            reply: true,
            promised: false,
            scheduling: false,
        }
    }
}

impl Whole {
    fn add(&mut self, message: &Message<'_>, reading: Reading) {
        let header = message.header();
        if self.control_id.is_none() {
            self.control_id = Some(Bytes::copy_from_slice(header.control_id()));
            self.promised = respond::answer_promised(&header);
        }
        match reading {
            Reading::NotSurgical { scheduling, reply } => {
                self.scheduling |= scheduling;
                self.reply &= reply;
            }
            Reading::Surgical(order) if order.action() == Action::Other => self.reply = false,
            Reading::Surgical(order) => {
                self.reply = false;
                self.orders.push(order);
            }
            Reading::Unreadable(unreadable) => {
                self.reply = false;
                self.unreadable(unreadable.why.as_str(), unreadable.stage);
                self.doubted.get_or_insert(unreadable);
            }
        }
    }

    /// The first reason is told; a unit is a record only if all of it is.
    fn unreadable(&mut self, why: &'static str, stage: Option<Stage>) {
        self.unreadable = match self.unreadable {
            None => Some((why, stage)),
            Some((first, known)) if known == stage => Some((first, known)),
            Some((first, _)) => Some((first, None)),
        };
    }

    fn finish(self) -> Intake {
        let Self { control_id, batch_id, reply, promised, scheduling, .. } = self;
        let reference = match control_id {
            Some(control_id) => Reference::Known { control_id, batch_id },
            None => Reference::Unknown,
        };
        let read = match self.unreadable {
            Some((why, stage)) => Subject::Unreadable { why, stage },
            None if self.orders.is_empty() => {
                return Intake::Short { reference, reply, promised, scheduling };
            }
            None => Subject::Orders(self.orders),
        };
        Intake::Checked { read, doubted: self.doubted, reference, promised }
    }
}

/// The request for a frame that was read.
pub(super) fn request(
    route: &Route,
    frame: &Bytes,
    read: Subject,
    doubted: Option<Unreadable>,
    reference: &Reference,
    taken: Taken,
) -> Request {
    let Taken { since, register_usable } = taken;
    if let Subject::Unreadable { why, .. } = read {
        events::Unreadable { route: &route.config.name, why }.emit();
    }
    let payload = frame.slice_ref(frame::payload(frame));
    let (name, bytes) = (&route.config.name, payload.len());
    let begun = Begun { route: name, protocol: "hl7v2", bytes, since, parent: None };
    let trace = route.gate.trace(begun);
    let control_id = match (&read, reference) {
        (Subject::Orders(_), Reference::Known { control_id, .. }) => {
            String::from_utf8_lossy(control_id).into_owned()
        }
        // Of its very first message, if that can be read.
        _ => respond::control_id(&payload),
    };
    Request {
        route: Arc::clone(&route.config.name),
        stance: route.config.stance.now(),
        mapping: route.config.mapping.name().into(),
        answer: respond::answer(route, payload.clone(), doubted),
        message: payload,
        control_id,
        subject: read,
        register_usable,
        read_elsewhere: Vec::new(),
        sender: route.sender.clone(),
        trace,
        terms: Arc::clone(&route.terms),
    }
}

/// The request for a piece that is no whole frame.
pub(super) fn unreadable(route: &Route, piece: &Bytes, why: &'static str, taken: Taken) -> Request {
    let subject = Subject::Unreadable { why, stage: None };
    request(route, piece, subject, None, &Reference::Unknown, taken)
}

/// MSA-1 and MSA-2 of a reply frame; `None` when it carries no MSA.
pub fn acknowledges(reply: &[u8]) -> Option<Acknowledges<'_>> {
    let payload = frame::payload(reply);
    let separator = *payload.get(3)?;
    let line = payload
        .split(|byte| matches!(byte, b'\r' | b'\n'))
        .find(|line| line.starts_with(b"MSA") && line.get(3) == Some(&separator))?;
    let mut fields = line.split(|byte| *byte == separator).skip(1);
    Some(Acknowledges {
        code: fields.next().unwrap_or_default(),
        control_id: fields.next().unwrap_or_default(),
    })
}
