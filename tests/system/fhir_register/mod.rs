//! Surgeons and grants pulled from a FHIR server ([register.fhir]), by the real gate from servers that page, fail, lie and
//! come back.

mod command;
mod failing;
mod foreign;
mod sharing;
mod ways;
