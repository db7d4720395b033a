//! CDS Hooks 2.0: an ordering screen asks beforehand what would become of its orders.
//!
//! Every order of a call is one inquiry at the gate, judged as it would be on its way and recorded before the card is
//! shown. A card cannot keep anybody from ordering; the gate in the line does. Feedback with one of our override
//! reasons attests the emergency order that follows.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `service` | the services: call → inquiries → cards; feedback → attestations |
//! | `discovery` | which hooks, and what to prefetch |
//! | `request`, `feedback` | bodies taken apart |
//! | `reading` | drafts through the mapping; who is meant by user and patient |
//! | `references` | prefetched resources, by what they are referred to as |
//! | `cards`, `reasons`, `language` | verdict → card |
//! | `clients`, `jwt`, `keys`, `fetch` | who may call |
//! | `cors` | which web pages may |
//! | `respond` | status codes and bodies |

mod cards;
mod clients;
mod cors;
mod discovery;
mod feedback;
mod fetch;
mod jwt;
mod keys;
mod language;
mod reading;
mod reasons;
pub mod references;
mod request;
mod respond;
mod service;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::gate::stance::RouteStance;
use crate::mapping::fhir::FhirMapping;

pub use clients::ClientConfig;
pub use keys::{KeysAt, check_file};
pub use service::router;

/// The settings (`[cds_hooks]`).
#[derive(Debug)]
pub struct Config {
    /// How orders are read.
    pub mapping: Arc<FhirMapping>,
    /// Whether cards say what is refused, or what would be.
    pub stance: Arc<RouteStance>,
    /// Web pages that may call from a browser, `https://his.example`.
    pub origins: Vec<String>,
    /// Who may call; empty: this machine only.
    pub clients: Vec<ClientConfig>,
    /// Where callers and people reach the console port, `https://gate.example`.
    pub public_url: Option<String>,
}

impl Config {
    /// These settings with what of `new` can change while the gate runs.
    pub fn taken_up(&self, new: &Self) -> Self {
        Self {
            mapping: Arc::clone(&new.mapping),
            stance: Arc::clone(&new.stance),
            origins: self.origins.clone(),
            clients: self.clients.clone(),
            public_url: self.public_url.clone(),
        }
    }
}
