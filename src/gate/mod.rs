//! The one path of every order: facts, judge, record, passage.
//!
//! Every protocol hands its orders to [`Gate::pass`]; only the gate knows register, ledger and
//! rules together, and only it makes the [`passage::Passage`] that forwarding demands.

pub mod afterwards;
mod around;
pub mod around_facts;
pub mod attested;
mod attested_entry;
mod books;
pub mod bypass;
pub mod case_facts;
pub mod document;
mod document_of_entry;
mod entry;
pub mod facts;
pub mod inquiry;
pub mod memory;
pub mod office;
pub mod order_facts;
mod pass;
pub mod passage;
pub mod rederive;
mod ruling;
pub mod stance;
pub mod stances;
mod subject;
pub mod terms;
pub mod told;
mod traced;
pub mod verdict_json;
mod words;

#[cfg(test)]
mod tests;

pub use document_of_entry::of_entry;
pub use entry::{Delivery, KnownAs};
pub use pass::{Answer, Gate, Parts, Request};
pub use ruling::{Knowledge, consider};
pub use subject::Subject;
