//! Override files (SG 21): opened by an emergency that was let through, closed with a name by a second person.
//!
//! `open → attested? → confirmed | rejected`, with a deadline and an escalation when it has passed; reopened only
//! with a reason. Every step is a ledger entry, and a file is nothing but the fold of its entries: decision entries
//! open files, `override` entries carry the acts. Reading order: `file` (what a file is, pure) · `act` (what is done
//! to it, and its form in the ledger) · `rules` (who may do what) · `ladder` (deadline and escalation) · `index`,
//! `store` (files in tables: derived, droppable, rebuilt by `orgate ledger reindex`).
//!
//! Gates that share a database share the tables: each derives the rows of its own ledger (`node`), and a file that one
//! gate opened is acted on at the console of any, whose ledger then holds the act.

pub mod act;
pub mod error;
pub mod file;
pub mod index;
pub mod ladder;
pub mod rules;

mod copies;
mod store;

#[cfg(test)]
mod tests;

pub use crate::overrides::act::{Act, Conclusion, Person, Recorded, Suspension, Target};
pub use crate::overrides::file::{FileId, Opened, Opening, OverrideFile, State};
pub use crate::overrides::index::{Behind, Hold, LIST_MAX, Overrides, Sought};
pub use crate::overrides::ladder::Ladder;
pub use crate::overrides::rules::Refused;
pub use crate::overrides::store::TABLES;
