//! `orgate demo`: the main job with nothing set up. A sample hospital, a gate, a stand-in for the
//! downstream system, and a day of messages over real sockets.

mod day;
mod fhir_stand_in;
mod play;
mod requests;
mod show;
mod stand_in;
mod visitor;

use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;

use crate::accounts::error::AccountsError;
use crate::app::{self, Running};
use crate::cli::{EXIT_FOUND, EXIT_INTERNAL};
use crate::clock::Clock;
use crate::config;
use crate::telemetry::metrics;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End after the play; exit 0 only if every verdict is the expected one
    #[arg(long)]
    exit: bool,
}

/// Why the demo cannot be played.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    /// A file, a socket.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The embedded files are wrong.
    #[error("the embedded sample is wrong: {0}")]
    Sample(String),
    /// The gate did not start.
    #[error("{0}")]
    App(#[from] app::AppError),
    /// The account to look around with.
    #[error("the console's account cannot be made: {0}")]
    Accounts(#[from] AccountsError),
}

pub(super) async fn run(args: DemoArgs) -> u8 {
    match play_the_day(&args).await {
        Ok(true) => 0,
        Ok(false) => EXIT_FOUND,
        Err(error) => {
            eprintln!("{error}");
            EXIT_INTERNAL
        }
    }
}

async fn play_the_day(args: &DemoArgs) -> Result<bool, DemoError> {
    let day = day::read()?;
    let folder = tempfile::tempdir()?;
    let downstream = stand_in::start().await?;
    let direct = stand_in::start().await?;
    let fhir = fhir_stand_in::start().await?;
    let text = day::configuration(folder.path(), downstream.address(), fhir.address());
    let settings =
        config::read("demo", &text).map_err(|faults| DemoError::Sample(faults.to_string()))?;
    day::fill_register(&settings, folder.path()).await?;
    let zone = settings.node.zone.clone();
    let rendered = Arc::new(metrics::start());
    let render = { move || rendered.render() };
    let clock: Timestamp =
        day.clock.parse().map_err(|_| DemoError::Sample("day.toml: clock".to_owned()))?;
    let clock = Clock::Fixed(clock);
    let running = app::start(settings, clock, Arc::new(render)).await?;
    let played = play::play(&day, running.routes(), direct.address()).await?;
    let ledger = folder.path().join("ledger");
    let good = show::show(&day, &played, &downstream, &ledger, &zone);
    let address = |route: &str| match route {
        "console" => running.console(),
        _ => running.routes().iter().find(|(name, _)| **name == *route).map(|(_, at)| *at),
    };
    let answered = requests::play(&day.requests, address, &ledger).await?;
    let good = requests::show(&day.requests, &answered, &fhir) && good;
    if !args.exit {
        stay(&running, clock).await?;
    }
    running.stop().await;
    Ok(good)
}

/// Shows the ways in, and stays up until Ctrl-C.
async fn stay(running: &Running, clock: Clock) -> Result<(), DemoError> {
    if let Some(console) = running.console() {
        let password = visitor::admit(running.office().accounts(), clock).await?;
        visitor::show(console, &password);
        say!("健康与指标 health and metrics: http://{console}/readyz  http://{console}/metrics");
    }
    for (route, listen) in running.routes() {
        say!("路由 route {route}: {listen}");
    }
    say!("按 Ctrl-C 结束 Ctrl-C ends the demo (orgate send FILE --to ADDRESS plays with it)");
    let _ = tokio::signal::ctrl_c().await;
    Ok(())
}

/// The sample hospital's register, for tests of other commands.
#[cfg(test)]
pub(super) async fn fill_sample_register(settings: &config::Settings, folder: &std::path::Path) {
    day::fill_register(settings, folder).await.unwrap();
}
