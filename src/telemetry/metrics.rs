//! How counters are kept and rendered (Prometheus text format).

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::telemetry::{events, export, feed, net, office, outage, pulled, reload, shared, trace};

/// All counters of the process.
pub struct Metrics(PrometheusHandle);

/// Bounds of what is measured in seconds: from a short way through the gate to the longest patience upstream.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Bounds of how old a cached privilege may be: from fresh to the days of `usable_h`.
const AGES: [f64; 10] = [0.0, 1.0, 10.0, 30.0, 60.0, 300.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0];

/// Starts counting; counters of events before this are lost.
pub fn start() -> Metrics {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let ages = Matcher::Full("orgate_privilege_age_seconds".to_owned());
    let builder = PrometheusBuilder::new();
    // It is refused for an empty list only.
    let builder = builder
        .set_buckets_for_metric(seconds, &SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(ages, &AGES))
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    // A second recorder in one process (tests) is told no; its handle then renders nothing.
    let _ = ::metrics::set_global_recorder(recorder);
    // What has not happened yet is told as zero.
    events::begin();
    events::begin_gaps();
    export::begin();
    feed::begin();
    net::begin();
    outage::begin();
    outage::bypass_is(false);
    office::begin();
    pulled::begin();
    reload::begin();
    shared::begin();
    trace::begin();
    Metrics(handle)
}

impl Metrics {
    /// Sums up what was measured. To be called now and then.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }

    /// The counters as text.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
