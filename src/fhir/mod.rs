//! FHIR codec: request lines, JSON bodies, Bundles, patches and references; bytes and text, no sockets.
//!
//! | file | what belongs there |
//! |---|---|
//! | `document` | bytes → JSON, refused where two readers could see different things |
//! | `media` | content types and content codings: what can be judged |
//! | `interaction` | method, path and headers → which interaction, and evasions of it |
//! | `bundle` | the entries of a Bundle, and the orders that any body contains |
//! | `splice` | a batch without some entries, and its response with ours put back; byte for byte |
//! | `patch` | JSON Patch and FHIRPath Patch applied to a resource |
//! | `reference` | literal references: relative, absolute, `urn:uuid:`, `#contained` |

pub mod bundle;
pub mod document;
pub mod interaction;
pub mod media;
pub mod patch;
pub mod reference;
pub mod splice;

/// The resource types whose writes are judged: order, notice, record.
pub const JUDGED_TYPES: [&str; 3] = ["ServiceRequest", "Appointment", "Procedure"];

/// The types whose writes are judged by the orders, appointments and procedures they contain (contract §10).
pub const CONTAINER_TYPES: [&str; 7] = [
    "Bundle",
    "CarePlan",
    "RequestGroup",
    "RequestOrchestration",
    "Task",
    "Parameters",
    "MessageHeader",
];
