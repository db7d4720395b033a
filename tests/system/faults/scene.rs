//! One row from its beginning to its end: gates and a load, a fault, its mending, and the judgement.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use orgate::clock::monotonic;

use crate::faults::his::{Gates, His};
use crate::faults::judge::{Arrived, judge};
use crate::faults::standin::{Downstream, Standin};
use crate::faults::table::{Fault, Row, say};
use crate::faults::wire::{Kind, Line, Said};
use crate::support::eventually;
use crate::support::gate::{Gate, Hospital};
use crate::support::message::Draft;
use crate::support::room::Room;

/// How long a fault lasts.
pub(super) const WHILE: Duration = Duration::from_millis(1500);

/// Of a gate's log, when its row fails.
const LAST_LINES: usize = 25;

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

    /// By a command of the row's own, among all others.
    pub(super) fn start_by(hospital: Hospital, command: &mut Command) -> Self {
        Self { gate: hospital.start_by(command), hospital, room: None }
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
pub(super) struct Scene<D = Standin> {
    fault: Fault,
    pub(super) standin: D,
    pub(super) sites: Vec<Site>,
    gates: Gates,
    his: Option<His>,
    /// From the mending until everything was as before.
    recovery: Option<Duration>,
}

impl Scene {
    /// One gate with an embedded register; its route has these settings.
    pub(super) fn simple(fault: Fault, settings: &[&str]) -> Self {
        let standin = Standin::new();
        let hospital = Hospital::new().route("his", standin.upstream.address, settings);
        let site = Site::start(hospital);
        Self::of(fault, standin, vec![site])
    }
}

impl<D: Downstream> Scene<D> {
    /// Gates that run, and a downstream system; nothing is sent yet.
    pub(super) fn of(fault: Fault, standin: D, sites: Vec<Site>) -> Self {
        let gates = Arc::new(Mutex::new(sites.iter().map(|site| site.gate.address()).collect()));
        Self { fault, standin, sites, gates, his: None, recovery: None }
    }

    /// The senders begin.
    pub(super) fn begin(&mut self) {
        self.begin_from(|| {});
    }

    /// The same; `enter` is called in each sender's thread first.
    pub(super) fn begin_from(&mut self, enter: impl Fn() + Send + Sync + 'static) {
        let enter: Arc<dyn Fn() + Send + Sync> = Arc::new(enter);
        self.his = Some(His::begin(D::WIRE, &self.gates, &enter));
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
        let address = own.gate.address();
        self.reached_by(site, address);
    }

    /// Senders reach a gate by another address than its own.
    pub(super) fn reached_by(&self, site: usize, address: SocketAddr) {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)[site] = address;
    }

    /// Sends one order more to a gate, beside the load, and into the same book; what is answered.
    pub(super) fn asks(&self, site: usize, draft: &Draft) -> Said {
        let to = self.gates.lock().unwrap_or_else(PoisonError::into_inner)[site];
        let (book, frame) = (&self.his().book, draft.frame());
        book.sends(Kind::Probe, &draft.id, &frame);
        let mut line = Line::open(D::WIRE, to).expect("the gate accepts");
        let (said, answer) = line.ask(&draft.id, &frame).expect("an answer");
        book.is_told(&draft.id, said, answer);
        said
    }

    /// The fault is mended: waits until everything is as before, and keeps how long that took.
    pub(super) fn recovers_since(&mut self, healed: Instant) {
        let accepted = self.accepted_since(healed);
        self.recovered_after(accepted.duration_since(healed));
        self.flows_since(healed);
    }

    /// Waits until an elective order that was sent after `then` is accepted; when that was.
    pub(super) fn accepted_since(&self, then: Instant) -> Instant {
        eventually("an elective order is accepted", || self.his().accepted_since(then))
    }

    /// Keeps a recovery that the row has measured.
    pub(super) fn recovered_after(&mut self, took: Duration) {
        self.recovery = Some(took);
    }

    /// Ends the load, stops the gates, judges, and fills the row.
    pub(super) fn end(&mut self) -> Row {
        let book = self.his.take().expect("a load").stop();
        for site in &mut self.sites {
            site.gate.stop();
        }
        let arrived = Arrived {
            whole: self.standin.arrivals(),
            bytes: self.standin.bytes(),
            pen: self.standin.pen(),
        };
        let mut row = judge(&book, &arrived, &self.sites);
        row.recovery = self.recovery.expect("it recovered");
        self.fault.fill(row.clone());
        row
    }

    /// The whole of it: a load, `breaks`, a while, `mends`, and everything as before.
    pub(super) fn play(
        mut self,
        breaks: impl FnOnce(&mut Self),
        mends: impl FnOnce(&mut Self),
    ) -> Row {
        self.begin();
        self.flows_since(monotonic());
        breaks(&mut self);
        std::thread::sleep(WHILE);
        mends(&mut self);
        self.recovers_since(monotonic());
        self.end()
    }
}

impl<D> Drop for Scene<D> {
    /// A row that fails shows what its gates said last.
    fn drop(&mut self) {
        if std::thread::panicking() {
            for site in &self.sites {
                // Those of single messages would be all.
                let mut lines = site.gate.lines();
                lines.retain(|line| !line.contains(" entry="));
                say(&lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"));
            }
        }
    }
}
