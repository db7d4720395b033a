//! `orgate run`: the gate, until SIGTERM or SIGINT; SIGHUP has it read its configuration again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::app;
use crate::cli::{EXIT_INTERNAL, EXIT_USAGE, settings};
use crate::clock::Clock;
use crate::telemetry::metrics;

/// Measurements of one period wait in memory: a thousand messages a second are some hundred KiB.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

pub(super) async fn run(file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let rendered = Arc::new(metrics::start());
    let heard = |kind| signal(kind);
    let (Ok(mut term), Ok(mut int), Ok(mut hangup)) = (
        heard(SignalKind::terminate()),
        heard(SignalKind::interrupt()),
        heard(SignalKind::hangup()),
    ) else {
        eprintln!("signals cannot be listened to");
        return EXIT_INTERNAL;
    };
    let counted = Arc::clone(&rendered);
    let render = move || rendered.render();
    let running = match app::start(settings, Clock::System, Arc::new(render)).await {
        Ok(running) => running,
        Err(error) => {
            eprintln!("{error}");
            return EXIT_USAGE;
        }
    };
    loop {
        tokio::select! {
            _ = term.recv() => break,
            _ = int.recv() => break,
            _ = hangup.recv() => running.reload(),
            // What is measured waits to be summed up, whether anybody asks for it or not.
            () = tokio::time::sleep(UPKEEP_EVERY) => counted.upkeep(),
        }
    }
    running.stop().await;
    0
}
