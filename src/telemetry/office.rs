//! Named events of the console and of what people do there. As in `events`: never patient data, never who.

use metrics::counter;
use tracing::{info, warn};

use crate::telemetry::events::events;

events! {
    /// Something was done to an override file.
    info "orgate_override_acts_total" "override file acted on"
    OverrideActed<'e> {
        /// The decision entry that opened it.
        entry: &'e str,
        /// What.
        act: &'static str,
    }
    /// An override file was not reviewed in time.
    warn "orgate_overrides_overdue_total" "override file overdue, medical affairs must review it"
    OverrideOverdue<'e> {
        /// The decision entry that opened it.
        entry: &'e str,
        /// Which step of the escalation.
        level: u32,
    }
    /// Somebody was not let into the console.
    warn "orgate_logins_refused_total" "login refused"
    LoginRefused {
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// An account has looked at unusually many patients; who, says the ledger.
    warn "orgate_unusual_readings_total" "unusual reading, look at the access entries of the last hour"
    UnusualReading {
        /// How many within an hour.
        patients: usize,
        /// Whether the account was locked for it.
        locked: bool,
    }
    /// The search index could not be written; the ledger has everything.
    warn "orgate_search_unwritten_total" "the search index cannot be written, it catches up by itself"
    SearchUnwritten<'e> {
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
}
