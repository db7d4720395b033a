//! One row from its beginning to its end: gates and a load, a fault, its mending, and the judgement.

use std::path::PathBuf;
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orgate::clock::monotonic;

use crate::faults::his::{Gates, His};
use crate::faults::judge::{Arrived, judge};
use crate::faults::standin::Standin;
use crate::faults::table::Line;
use crate::faults::wire::{Kind, Wire};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::room::Room;

/// How long a fault lasts.
pub(super) const WHILE: Duration = Duration::from_millis(1500);

/// A gate with what it stands on.
pub(super) struct Site {
    pub(super) hospital: Hospital,
    pub(super) gate: Gate,
    /// Where it runs, if not among all others.
    pub(super) room: Option<Arc<Room>>,
}

impl Site {
    pub(super) fn start(hospital: Hospital) -> Self {
        Self { gate: start(&hospital, None), hospital, room: None }
    }

    pub(super) fn start_in(hospital: Hospital, room: &Arc<Room>) -> Self {
        Self { gate: start(&hospital, Some(room)), hospital, room: Some(Arc::clone(room)) }
    }

    /// Where its files are seen from here.
    pub(super) fn data(&self) -> PathBuf {
        let data = self.hospital.data();
        self.room.as_ref().map_or(data.clone(), |room| room.path(&data))
    }

    /// Runs a command where the gate runs.
    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        match &self.room {
            Some(room) => self.hospital.command_in(room, arguments).output().expect("it runs"),
            None => self.hospital.run(arguments),
        }
    }
}

fn start(hospital: &Hospital, room: Option<&Arc<Room>>) -> Gate {
    match room {
        Some(room) => hospital.start_by(&mut hospital.command_in(room, &["run"])),
        None => hospital.start(),
    }
}

/// A row.
pub(super) struct Scene {
    line: Line,
    pub(super) standin: Standin,
    pub(super) sites: Vec<Site>,
    gates: Gates,
    his: Option<His>,
    /// When the fault was mended, and how long it then took.
    recovery: Option<Duration>,
}

impl Scene {
    /// Gates that run, and a downstream system; nothing is sent yet.
    pub(super) fn of(fault: &'static str, standin: Standin, sites: Vec<Site>) -> Self {
        let line = Line::of(fault);
        let gates = Arc::new(Mutex::new(sites.iter().map(|site| site.gate.address()).collect()));
        Self { line, standin, sites, gates, his: None, recovery: None }
    }

    /// One gate with an embedded register; its route has these settings.
    pub(super) fn simple(fault: &'static str, settings: &[&str]) -> Self {
        let standin = Standin::new();
        let hospital = Hospital::new().route("his", standin.upstream.address, settings);
        let site = Site::start(hospital);
        Self::of(fault, standin, vec![site])
    }

    /// The senders begin.
    pub(super) fn begin(&mut self) {
        let nowhere: Arc<dyn Fn() + Send + Sync> = Arc::new(|| {});
        self.his = Some(His::begin(Wire::Mllp, &self.gates, &nowhere));
    }

    fn his(&self) -> &His {
        self.his.as_ref().expect("a load")
    }

    /// Waits until every sender has had the whole mix answered since then.
    pub(super) fn flows_since(&self, then: Instant) {
        let enough = Kind::ALL.len() + 1;
        eventually("every sender is answered", || {
            let answered = self.his().answered_since(then);
            answered.iter().all(|count| *count >= enough).then_some(())
        });
    }

    /// Starts a gate again that was ended; its senders learn where it is now.
    pub(super) fn start(&mut self, site: usize) {
        let own = &mut self.sites[site];
        own.gate = start(&own.hospital, own.room.as_ref());
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates[site] = self.sites[site].gate.address();
    }

    /// The fault is mended: waits until everything is as before, and keeps how long that took.
    pub(super) fn recovers_since(&mut self, healed: Instant) {
        let accepted =
            eventually("an elective order is accepted again", || self.his().accepted_since(healed));
        self.recovery = Some(accepted.duration_since(healed));
        self.flows_since(healed);
    }

    /// Ends the load, stops the gates, judges, and fills the row.
    pub(super) fn end(&mut self) {
        let book = self.his.take().expect("a load").stop();
        for site in &mut self.sites {
            site.gate.stop();
        }
        let arrived = Arrived {
            whole: self.standin.arrivals(),
            bytes: self.standin.upstream.bytes(),
            pen: &self.standin.pen,
        };
        let mut row = judge(&book, &arrived, &self.sites);
        row.recovery = self.recovery.expect("it recovered");
        self.line.fill(row);
    }

    /// The whole of it: a load, `breaks`, a while, `mends`, and everything as before.
    pub(super) fn play(mut self, breaks: impl FnOnce(&mut Self), mends: impl FnOnce(&mut Self)) {
        self.begin();
        self.flows_since(monotonic());
        breaks(&mut self);
        std::thread::sleep(WHILE);
        mends(&mut self);
        self.recovers_since(monotonic());
        self.end();
    }
}
