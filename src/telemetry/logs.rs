//! How log lines are written: to stderr, as text or JSON, at the level of `ORGATE_LOG`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging; a second call changes nothing. `quiet`: errors only, unless `ORGATE_LOG` says otherwise.
pub fn start(json: bool, quiet: bool) {
    let default = if quiet { "off" } else { "info" };
    let filter = EnvFilter::try_from_env("ORGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // fhir-sdk tells of every request; what came of it is told by named events.
    let filter = match "fhir_sdk=off".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    };
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let _ = if json {
        lines.json().flatten_event(true).finish().try_init()
    } else {
        lines.with_ansi(false).finish().try_init()
    };
}
