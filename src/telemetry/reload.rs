//! Named events of reloads. As in `events`: never patient data.

use metrics::counter;
use tracing::{error, info, warn};

use crate::telemetry::events::events;

events! {
    /// An edited configuration is in force.
    info "orgate_reloads_total" "configuration taken up"
    ConfigurationTakenUp<'e> {
        /// Its ledger entry.
        entry: &'e str,
        /// `signal` or `watch`.
        by: &'static str,
        /// The keys that changed, with commas between.
        keys: &'e str,
        /// The files that changed, likewise.
        files: &'e str,
    }
    /// A reload was asked for, and no file is another.
    info "orgate_reloads_unchanged_total" "configuration unchanged"
    ConfigurationUnchanged {}
    /// The files cannot be used; the former configuration stays in force.
    error "orgate_reloads_refused_total" "configuration refused, the former one stays in force"
    ConfigurationRefused {
        /// How many faults; each is told by itself.
        faults: usize,
    }
    /// One fault of a refused configuration.
    error "orgate_configuration_faults_total" "fault of the configuration"
    ConfigurationFault<'e> {
        /// File, line, and what to write instead.
        fault: &'e dyn std::fmt::Display,
    }
    /// The ledger cannot record a reload, so it does not happen yet.
    error "orgate_reloads_unrecorded_total" "configuration not taken up: the ledger cannot record it, it is tried again"
    ConfigurationUnrecorded {}
    /// A key was edited that cannot change while the gate runs.
    warn "orgate_restarts_needed_total" "edited, and needs a restart"
    RestartNeeded<'e> {
        /// Which.
        key: &'e str,
    }
    /// A feed begins.
    info "orgate_feeds_begun_total" "feed begun"
    FeedBegun<'e> {
        /// Feed.
        feed: &'e str,
    }
    /// A feed ends: it is not configured any more, or begins anew with other settings.
    info "orgate_feeds_ended_total" "feed ended"
    FeedEnded<'e> {
        /// Feed.
        feed: &'e str,
    }
}
