//! `orgate run`: the gate, until SIGTERM or SIGINT.

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};

use crate::app;
use crate::cli::{EXIT_INTERNAL, EXIT_USAGE, settings};
use crate::clock::Clock;
use crate::telemetry::metrics;

pub(super) async fn run(file: &Path) -> u8 {
    let settings = match settings(file) {
        Ok(settings) => settings,
        Err(code) => return code,
    };
    let rendered = Arc::new(metrics::start());
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        eprintln!("signals cannot be listened to");
        return EXIT_INTERNAL;
    };
    let render = { move || rendered.render() };
    let running = match app::start(settings, Clock::System, Arc::new(render)).await {
        Ok(running) => running,
        Err(error) => {
            eprintln!("{error}");
            return EXIT_USAGE;
        }
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    running.stop().await;
    0
}
