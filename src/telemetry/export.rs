//! Named events of the way to a collector of traces.

use metrics::counter;
use tracing::{info, warn};

use crate::telemetry::events::events;

events! {
    /// The collector does not take traces. Messages go on as ever; traces wait, and what finds no room is dropped.
    warn "orgate_collector_down_total" "the collector takes no traces, messages are not delayed by it"
    CollectorDown {
        /// Why, of a bounded set.
        why: &'static str,
    }
    /// It takes them again.
    info "orgate_collector_back_total" "the collector takes traces again"
    CollectorBack {}
}
