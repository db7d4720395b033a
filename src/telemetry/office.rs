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
    /// A rejection's suspension, which was entered and not made, is made.
    warn "orgate_suspensions_made_up_total" "a suspension that was left undone is made now"
    SuspensionMadeUp<'e> {
        /// The decision entry that opened the file.
        entry: &'e str,
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
    /// Somebody changed what a route does with verdicts; who and why, says the ledger.
    warn "orgate_stances_changed_total" "stance changed"
    StanceChanged<'e> {
        /// The route.
        route: &'e str,
        /// `observe` or `enforce`.
        stance: &'static str,
        /// How many departments are enforced; 0 = all.
        departments: usize,
    }
    /// An operator sends dead letters again, or enables a feed; who and why, says the ledger.
    warn "orgate_feed_acts_total" "a feed is seen to at the console"
    FeedActed<'e> {
        /// The feed.
        feed: &'e str,
        /// `feed-resent` or `feed-enabled`.
        act: &'static str,
    }
    /// A stance differs from the configuration, since somebody changed it before the last stop.
    warn "orgate_stances_kept_total" "the stance differs from the configuration, as changed at the console"
    StanceKept<'e> {
        /// The route.
        route: &'e str,
    }
    /// The configuration was edited after a stance was changed, and holds.
    warn "orgate_stances_forgotten_total" "a change of the stance at the console is void, the configuration was edited since"
    StanceForgotten<'e> {
        /// The route.
        route: &'e str,
    }
    /// A change of a stance is in force and could not be kept for the next start.
    warn "orgate_stances_unkept_total" "a changed stance cannot be kept, look at the disk of data_dir; at the next start the former one holds"
    StanceUnkept<'e> {
        /// The route.
        route: &'e str,
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
    /// The ledger was verified at the console.
    info "orgate_ledger_verifications_total" "ledger verified"
    LedgerVerified {
        /// Whether the chain is whole.
        whole: bool,
    }
    /// The search index could not be written; the ledger has everything.
    warn "orgate_search_unwritten_total" "the search index cannot be written, it catches up by itself"
    SearchUnwritten<'e> {
        /// Why.
        error: &'e dyn std::fmt::Display,
    }
}
