//! What is counted of traces. Losing one is no event: whoever watches the counter sees it.
#![expect(clippy::disallowed_macros, reason = "counters of the traces")]

use metrics::counter;

const EXPORTED: &str = "orgate_traces_exported_total";
const DROPPED: &str = "orgate_traces_dropped_total";

/// Both counters, at zero.
pub(in crate::telemetry) fn begin() {
    counter!(EXPORTED).increment(0);
    counter!(DROPPED).increment(0);
}

/// So many traces were taken by the collector.
pub fn exported(count: usize) {
    counter!(EXPORTED).increment(u64::try_from(count).unwrap_or(u64::MAX));
}

/// So many were not, and are gone.
pub fn dropped(count: usize) {
    counter!(DROPPED).increment(u64::try_from(count).unwrap_or(u64::MAX));
}
