//! The gate inside the test process, where the clock must stand still.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use orgate::app::{self, Running};
use orgate::clock::Clock;
use orgate::config;
use orgate::gate::office::Office;
use tokio::runtime::Runtime;

use crate::support::gate::Hospital;

/// A gate whose clock stands at one moment.
pub(crate) struct FixedGate {
    runtime: Runtime,
    running: Option<Running>,
    hospital: Hospital,
}

impl FixedGate {
    /// Starts it in the hospital's folder.
    pub(crate) fn start(hospital: Hospital, at: &str) -> Self {
        Self::start_by(hospital, Clock::Fixed(at.parse().expect("a time")))
    }

    /// Starts it with the machine's clock.
    pub(crate) fn start_now(hospital: Hospital) -> Self {
        Self::start_by(hospital, Clock::System)
    }

    fn start_by(hospital: Hospital, clock: Clock) -> Self {
        // Writes the configuration as a side effect of asking for its faults.
        let checked = hospital.run(&["check"]);
        assert!(checked.status.success(), "{}", crate::support::gate::text(&checked.stderr));
        let runtime = Runtime::new().expect("a runtime");
        let mut gate = Self { runtime, running: None, hospital };
        gate.run(clock);
        gate
    }

    /// Stops it if it runs, and starts it at another moment.
    pub(crate) fn restart(&mut self, at: &str) {
        self.stop();
        self.run(Clock::Fixed(at.parse().expect("a time")));
    }

    /// Stops it if it runs, and starts it by the machine's clock.
    pub(crate) fn restart_now(&mut self) {
        self.stop();
        self.run(Clock::System);
    }

    fn run(&mut self, clock: Clock) {
        let file = self.hospital.path("orgate.toml");
        let settings = config::load(&file).expect("a good configuration");
        let started = app::start(settings, clock, Arc::new(String::new));
        self.running = Some(self.runtime.block_on(started).expect("the gate starts"));
    }

    pub(crate) fn route(&self, name: &str) -> SocketAddr {
        let routes = self.running.as_ref().expect("it runs").routes();
        let found = routes.iter().find(|(route, _)| **route == *name);
        found.unwrap_or_else(|| panic!("no route {name}")).1
    }

    /// The office, and where its futures run.
    pub(crate) fn office(&self) -> (&Runtime, &Arc<Office>) {
        (&self.runtime, self.running.as_ref().expect("it runs").office())
    }

    /// Its folder, for commands.
    pub(crate) fn hospital(&self) -> &Hospital {
        &self.hospital
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.hospital.data()
    }

    /// Drains it.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            self.runtime.block_on(running.stop());
        }
    }
}

impl Drop for FixedGate {
    fn drop(&mut self) {
        self.stop();
    }
}
