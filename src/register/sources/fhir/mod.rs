//! A FHIR server as a source of surgeons and grants ([register.fhir], docs/fhir-register.md): what it holds is pulled
//! into the register's own tables, which the gate goes by. So an order never waits for the server, history is kept as of
//! files, and what was pulled last stays in force while the server is down.
//!
//! The way of a resource: `pull` (when, and how much) → `round` (changes or everything) → `fetch` (pages and single resources, within limits) → `page`
//! (bytes → resources) → `person`, `role` (one resource → `facts`), by `extension`, `value` → `units` (whom it is about) →
//! `unit` (facts → rows) → `stated` (checked as an import is) → `merge` (what was done here meanwhile) → `loss` (how much
//! may end at once) → `apply` (one transaction). `keep` is what stands in the database between two pulls.

pub mod apply;
mod extension;
pub mod facts;
pub mod fault;
pub mod fetch;
pub mod keep;
pub mod loss;
mod merge;
pub mod owned;
pub mod page;
pub mod person;
pub mod pull;
pub mod reading;
pub mod role;
mod round;
mod stated;
pub mod status;
mod unit;
mod units;
mod value;

#[cfg(test)]
mod tests;
