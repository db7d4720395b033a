//! HL7 v2 over MLLP: one upstream connection for each inbound connection, frames judged in between.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `listener` | accepts, bounds and drains connections |
//! | `connection` | one connection: bytes in and out, and when it ends |
//! | `exchange` | what becomes of its frames and replies |
//! | `intake` | one frame → what it is (codec and mapping) |
//! | `pipeline` | which answer belongs to which message, in order |
//! | `respond` | verdict → acknowledgement; nowhere else is an ack code written |

pub mod connection;
mod exchange;
pub mod intake;
pub mod listener;
pub mod pipeline;
pub mod respond;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::gate::stance::StanceSwitch;
use crate::hl7::charset::CharsetSetting;
use crate::mapping::Mapping;
use crate::net::tls::{ClientTls, ServerTls};

/// The settings of one route (contract §2 `[[mllp]]`).
#[derive(Clone, Debug)]
pub struct Config {
    /// In entries, events and alerts.
    pub name: Arc<str>,
    /// Where the sender connects.
    pub listen: SocketAddr,
    /// TLS there; absent: plain.
    pub tls: Option<ServerTls>,
    /// Host and port of the downstream system.
    pub upstream: String,
    /// TLS towards it; absent: plain.
    pub upstream_tls: Option<ClientTls>,
    /// How its messages are read.
    pub mapping: Arc<Mapping>,
    /// What is done with verdicts.
    pub stance: StanceSwitch,
    /// A feed dedicated to surgery: every mapped type is checked.
    pub all_surgical: bool,
    /// The character set, or how to find it.
    pub charset: CharsetSetting,
    /// The downstream system splits bytes: readings that differ are refused.
    pub compare_bytes: bool,
    /// Whether bytes outside frames (heartbeats) are forwarded.
    pub forward_outside: bool,
    /// How refusals are told.
    pub refusal: RefusalStyle,
    /// How long the downstream system may take to answer.
    pub upstream_timeout: Duration,
    /// The longest frame, in bytes.
    pub max_frame: usize,
    /// The most connections at a time.
    pub max_connections: usize,
    /// A connection on which nothing moves is closed after this.
    pub idle_timeout: Duration,
    /// A frame that has begun must end within this.
    pub frame_timeout: Duration,
}

impl Config {
    /// These settings for a route that runs by `held`: what is bound stays as it is until a restart.
    pub fn taken_up(self, held: &Self, stance: StanceSwitch) -> Self {
        Self {
            name: Arc::clone(&held.name),
            listen: held.listen,
            upstream: held.upstream.clone(),
            tls: held.tls.clone(),
            upstream_tls: held.upstream_tls.clone(),
            stance,
            ..self
        }
    }
}

/// How a route tells refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalStyle {
    /// `AR` instead of `AE`.
    pub reject: bool,
    /// A plain ACK instead of ORR, ORG, SRR.
    pub plain_ack: bool,
    /// Senders that want no answer (SU, NE/NE) get one all the same.
    pub answer_unwanted: bool,
}
