//! How counters are kept and rendered (Prometheus text format).

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// All counters of the process.
pub struct Metrics(PrometheusHandle);

/// Starts counting; counters of events before this are lost.
pub fn start() -> Metrics {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    // A second recorder in one process (tests) is told no; its handle then renders nothing.
    let _ = ::metrics::set_global_recorder(recorder);
    Metrics(handle)
}

impl Metrics {
    /// The counters as text.
    pub fn render(&self) -> String {
        self.0.render()
    }
}
