//! What orgate writes as FHIR, through fhir-sdk's types, and its client for what orgate pulls. A crate of its own because
//! those types' derives are generated in the crate that uses them and would cost minutes at full optimisation.

pub mod audit;
pub mod outcome;
pub mod server;
