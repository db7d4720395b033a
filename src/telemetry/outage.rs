//! Named events of outages: the gate switched off and on, what is kept and given away of its data. As in `events`.

use metrics::{counter, gauge};
use tracing::{info, warn};

use crate::telemetry::events::events;

events! {
    /// The gate was switched off; who and why, says the ledger.
    warn "orgate_bypasses_on_total" "bypass on, every message passes unstopped"
    BypassOn<'e> {
        /// The ledger entry.
        entry: &'e str,
        /// For how long, in seconds.
        seconds: i64,
    }
    /// It acts again.
    warn "orgate_bypasses_off_total" "bypass off, verdicts are acted on again"
    BypassOff<'e> {
        /// `off` or `expired`.
        act: &'static str,
        /// The entry that switched it off.
        entry: &'e str,
    }
    /// The gate was switched off when it stopped, and still is.
    warn "orgate_bypasses_kept_total" "bypass still on from before the start"
    BypassKept<'e> {
        /// The ledger entry.
        entry: &'e str,
    }
    /// The switch cannot be kept for the next start.
    warn "orgate_bypasses_unkept_total" "the bypass cannot be kept, look at the disk of data_dir; after a restart the switch stands as it did"
    BypassUnkept<'e> {
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
    /// What was kept of the switch cannot be read.
    warn "orgate_bypasses_unread_total" "bypass.json cannot be read, the gate acts on verdicts; switch the bypass on again if it is needed"
    BypassUnread<'e> {
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
    /// The ledger could not take the switch's entry in time.
    warn "orgate_bypasses_unrecorded_total" "bypass switched without an entry, it follows when the ledger writes again"
    BypassUnrecorded<'e> {
        /// The entry's id.
        entry: &'e str,
    }
    /// Where commands of this machine reach the gate.
    info "orgate_admin_listening_total" "admin channel listening"
    AdminListening<'e> {
        /// The socket.
        socket: &'e str,
    }
}

/// Whether the gate is switched off: 1 or 0.
pub fn bypass_is(on: bool) {
    gauge!("orgate_bypass_on").set(if on { 1.0 } else { 0.0 });
}
