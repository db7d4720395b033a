//! What listens, one folder a protocol; status and ack codes are written in their `respond.rs` only.

pub mod admin;
pub mod cds_hooks;
pub mod console;
pub mod decision_api;
pub mod fhir;
mod gaps;
pub mod live;
pub mod mllp;
