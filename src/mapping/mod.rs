//! Message → order, as a mapping file says. Pure.
//!
//! A hospital's feed is described in a file (`mappings/hl7v2/*.toml`, `mappings/fhir/*.toml`, explained
//! in `docs/mapping.md`); nothing about a feed is built into Rust. The file is compiled once, carries
//! its own examples, and is never looked at per message.
//!
//! | file | what belongs there |
//! |---|---|
//! | `hl7v2` | files for HL7 v2 feeds, and messages read by them: [`Mapping`] |
//! | `fhir` | files for FHIR feeds, and resources read by them: [`fhir::FhirMapping`] |
//! | `reading` | what comes out, and the [`Context`] it needs |
//! | `section`, `fault` | walks the TOML of a file; all faults at once |
//! | `terms`, `concepts` | word lists, and local codes that mean one of the catalogue |
//! | `expected` | the facts that a file's own examples expect, compared |

mod concepts;
mod expected;
mod fault;
pub mod fhir;
mod hl7v2;
mod reading;
mod section;
mod terms;

pub use fault::{ExampleFault, MappingFault};
pub use hl7v2::Mapping;
pub use reading::{Context, Doubt, Reading, Unreadable};
