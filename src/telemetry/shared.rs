//! Named events of the database that several gates share.

use metrics::counter;
use tracing::{debug, error};

use crate::telemetry::events::events;

events! {
    /// Another gate has judged something; this one knows.
    debug "orgate_heard_of_others_total" "heard of another gate's decision"
    HeardOfOthers<'e> {
        /// The entry in that gate's ledger.
        entry: &'e str,
    }
    /// A row of the register cannot be read; whoever it is about cannot be known.
    error "orgate_register_unreadable_total" "a row of the register cannot be read: put it right, or import the table again"
    RegisterRowUnreadable<'e> {
        /// Which table and column.
        error: &'e dyn std::fmt::Display,
    }
    /// The gate starts without a register.
    error "orgate_register_absent_total" "the register does not answer: until it does, elective orders are refused to be sent again"
    RegisterAbsent<'e> {
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
}
