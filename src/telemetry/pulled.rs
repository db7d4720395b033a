//! Named events of pulls from a FHIR server ([register.fhir]). Resources are named by their ids.

use std::fmt::Display;

use metrics::counter;
use tracing::{debug, error, info, warn};

use crate::telemetry::events::events;

events! {
    /// A pull was applied; whether or not anything had changed.
    debug "orgate_fhir_pulls_total" "pulled from the FHIR server"
    FhirPulled<'e> {
        /// Why everything was pulled, or that only changes were.
        full: &'e str,
        /// Resources that came.
        resources: usize,
    }
    /// A pull changed the register.
    info "orgate_fhir_changes_total" "what was pulled from the FHIR server has changed the register"
    FhirChanged {
        /// The version it made.
        version: i64,
        /// Rows of either table that began, changed or ended.
        rows: u64,
    }
    /// A pull broke off; the next one is tried by itself.
    warn "orgate_fhir_failures_total" "nothing was pulled from the FHIR server; what was pulled last stays in force"
    FhirFailed<'e> {
        /// Why.
        error: &'e dyn Display,
    }
    /// What was pulled is not applied: somebody must put it right there, or accept it.
    error "orgate_fhir_refusals_total" "what was pulled from the FHIR server is not applied; what was pulled last stays in force"
    FhirRefused<'e> {
        /// Why.
        error: &'e dyn Display,
    }
    /// One of the faults why.
    error "orgate_fhir_faults_total" "a resource of the FHIR server has a fault"
    FhirFault<'e> {
        /// Which resource, where in it, and what to write instead.
        fault: &'e dyn Display,
    }
}
