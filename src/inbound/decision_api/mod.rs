//! The decision API: may this surgeon perform this procedure (AuthZEN 1.0), and what would become of this message.
//!
//! Both are inquiries: judged as orders are, recorded, and nothing moves.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `service` | the paths: caller, body, bounds |
//! | `wire` | AuthZEN requests as they are written, and what is wrong with them |
//! | `authzen` | a request → an order → a decision; several in a row |
//! | `explain` | a message or resource → its verdict |
//! | `openapi/` | the description that is served at `/openapi.json` |
//! | `respond` | status codes and bodies |

mod authzen;
pub mod explain;
mod openapi;
mod respond;
mod service;
mod wire;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use crate::gate::stance::RouteStance;

pub use service::{Explainers, router};

/// The settings (`[decision_api]`).
#[derive(Clone, Debug)]
pub struct Config {
    /// Holds the bearer token that callers show; absent: this machine only.
    pub token_file: Option<PathBuf>,
    /// Whether a decision is false where a route would refuse, or only observed.
    pub stance: Arc<RouteStance>,
    /// Where callers reach the console port.
    pub public_url: Option<String>,
    /// Whether CDS clients show tokens; told in the description.
    pub cds_clients: bool,
}
