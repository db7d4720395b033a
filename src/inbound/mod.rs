//! What listens, one folder a protocol; status and ack codes are written in their `respond.rs` only.

pub mod console;
pub mod fhir;
mod gaps;
pub mod mllp;
