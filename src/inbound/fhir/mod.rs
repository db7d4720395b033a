//! FHIR over HTTP: a reverse proxy that streams what is none of the gate's business and judges orders, appointments and
//! procedures before they pass.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `listener` | accepts, bounds and drains connections |
//! | `service` | one request → its way: streamed, judged, or answered at once |
//! | `intake` | a body → what is to be judged, and in what form it can be |
//! | `pieces` | the orders, appointments, procedures and deletions of a request |
//! | `explain` | a stored request or resource, read without asking anybody |
//! | `reader` | pieces → orders, by the route's mapping |
//! | `references` | where references lead: the Bundle, memory, the cache, the server |
//! | `patch` | what a patched resource would be |
//! | `batch` | batch Bundles, whose entries stand each for itself |
//! | `exchange` | forwarding: the passage is the permission; responses and deliveries |
//! | `named` | the addresses that the server gave to what it stored |
//! | `headers` | hop-by-hop fields, `Forwarded`, links to the base |
//! | `body` | bodies gathered within limits, rejoined, watched |
//! | `doubt` | why a request cannot be judged, in words |
//! | `recorded` | requests and answers as the ledger keeps them |
//! | `respond` | verdict → HTTP answer; nowhere else is a status written |

mod batch;
mod body;
mod doubt;
mod exchange;
pub mod explain;
mod headers;
mod intake;
pub mod listener;
mod named;
mod patch;
mod pieces;
pub mod reader;
mod recorded;
mod references;
mod respond;
mod service;
mod upstream;

pub use service::Route;
pub use upstream::Upstream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::fhir::document::Limits;
use crate::fhir::interaction::Allowed;
use crate::gate::stance::StanceSwitch;
use crate::mapping::fhir::FhirMapping;
use crate::net::tls::{ClientTls, ServerTls};

/// The settings of one route (contract §2 `[[fhir]]`).
#[derive(Clone, Debug)]
pub struct Config {
    /// In entries, events and alerts.
    pub name: Arc<str>,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// TLS there; absent: plain.
    pub tls: Option<ServerTls>,
    /// The FHIR server.
    pub upstream: Upstream,
    /// What is trusted there, where it is https and not signed by one of the system's roots.
    pub upstream_tls: Option<ClientTls>,
    /// How its resources are read.
    pub mapping: Arc<FhirMapping>,
    /// What is done with verdicts.
    pub stance: StanceSwitch,
    /// A feed dedicated to surgery: every order, appointment and procedure is checked.
    pub all_surgical: bool,
    /// What passes although it cannot be judged.
    pub allowed: Allowed,
    /// Whether absolute links to the server's base in response headers become the gate's.
    pub rewrite_base: bool,
    /// The gate's own base address as clients write it, where it is not what they write in Host.
    pub public_url: Option<String>,
    /// How long looking up references may take for one request, in all.
    pub lookup_timeout: Duration,
    /// How long the server may take to begin its response.
    pub upstream_timeout: Duration,
    /// How long and how deep a body may be that is judged.
    pub limits: Limits,
    /// The most entries of a Bundle that is judged.
    pub max_entries: usize,
    /// The most connections at a time.
    pub max_connections: usize,
    /// A connection, or a body, on which nothing moves is given up after this.
    pub idle_timeout: Duration,
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

    /// What clients speak here.
    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}
