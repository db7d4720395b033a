//! Half an hour of 1,000 orders a second, with people at the console, feeds, reloads and a register that changes.
//!
//! `./test --soak`; `ORGATE_SOAK_MINUTES` for another length. Reading order: `traffic` (what is sent) · `senders`,
//! `people` (by whom) · `downstream` (to whom) · `book` (who counted what) · `samples` (how the process stood) ·
//! `agree`, `judge` (what must hold).
#![expect(clippy::print_stdout, reason = "what was measured is printed")]

mod agree;
mod book;
mod downstream;
mod judge;
mod people;
mod samples;
mod senders;
mod traffic;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use orgate::clock::{Clock, monotonic};

use crate::feeds::feed;
use crate::soak::book::Book;
use crate::soak::downstream::{Listener, Told};
use crate::soak::people::{Changes, PASSWORD, PEOPLE, Pages};
use crate::soak::samples::{Counters, EVERY, Sample};
use crate::soak::senders::{Course, LABORATORY_RATE, Line, RATE};
use crate::soak::traffic::{Calendar, Message, PROBED, SURGEONS, surgeon};
use crate::support::gate::{Gate, Hospital, text};

/// How long it takes where `ORGATE_SOAK_MINUTES` does not say.
const MINUTES: u64 = 30;

/// The gate with everything around it.
struct House {
    hospital: Hospital,
    gate: Gate,
    /// Systems downstream, and the receiver of alerts.
    _stand_ins: [Listener; 3],
    book: Arc<Book>,
    told: Told,
    calendar: Calendar,
}

/// What has come of a run.
struct Run {
    length: Duration,
    /// Messages sent by MLLP on all lines, and by FHIR.
    sent: u64,
    sent_by_fhir: u64,
    samples: Vec<Sample>,
    changes: Changes,
    pages: Pages,
}

#[test]
#[ignore = "takes half an hour: ./test --soak"]
fn a_soak_at_a_thousand_orders_a_second_grows_nothing_and_all_counts_agree() {
    let minutes = std::env::var("ORGATE_SOAK_MINUTES").ok().map(|text| text.parse());
    let minutes: u64 = minutes.map_or(MINUTES, |minutes| minutes.expect("a number of minutes"));
    let mut house = House::build();
    let run = house.run(Duration::from_secs(60 * minutes));
    judge::all(&mut house, &run);
}

#[test]
fn what_the_soak_sends_becomes_what_it_must() {
    let mut house = House::build();
    let House { hospital, gate, book, calendar, .. } = &mut house;
    let mut line = Line::open(gate.route("his"));
    // Two rounds: in the second, copies have something to be copies of.
    let mut kinds = HashSet::new();
    for nth in 0..200 {
        let message = Message::nth(0, nth);
        kinds.insert(format!("{:?}", message.kind));
        senders::note(book, (0, message), &line.ask(&message.frame(calendar)));
    }
    assert_eq!(book.wrong(), Vec::<String>::new());
    assert!(kinds.len() >= 6, "{kinds:?}");
    let mut probes = 0;
    let mut until = |wanted| people::until((&mut line, &mut probes), (book, calendar), wanted);
    for (nth, (status, wanted)) in
        [("active", "AA"), ("suspended", "AE"), ("active", "AA"), ("suspended", "AE")]
            .iter()
            .enumerate()
    {
        people::reload(hospital, gate, nth);
        hospital.grant(PROBED, "51.2300", status);
        until(wanted);
    }
}

impl House {
    fn build() -> Self {
        let (book, told) = (Arc::new(Book::default()), Told::default());
        let stand_ins =
            [downstream::theatre(&book), downstream::fhir(&book), downstream::receiver(&told)];
        let [theatre, server, receiver] = &stand_ins;
        let mut hospital = Hospital::empty();
        let alerts = hospital.path("alerts.jsonl");
        let events = "events = [\"orgate.order.blocked\", \"orgate.override.opened\"]";
        let url = format!("url = \"http://{}/alerts\"", receiver.address);
        // What the tests have otherwise than it is by default.
        hospital.change_head("wait_ms = 60000", "wait_ms = 1500");
        let timeout = ["upstream_timeout_ms = 4000"];
        let hospital = hospital
            .filled()
            .set("[ledger]\nsync = \"every\"\nkeep_message_kib = 64")
            .set(&feed("all", "file", &[&format!("path = {alerts:?}")]))
            .set(&feed("medical-affairs", "webhook", &[&url, events]))
            .route("his", theatre.address, &timeout)
            .fhir("fhir", server.address, &[]);
        let calendar = Calendar::from(Clock::System.now());
        engage(&hospital, &calendar);
        for nth in 0..PEOPLE {
            let roles = ["reviewer", "registrar", "operator", "auditor"];
            let roles: Vec<&str> = roles.iter().flat_map(|role| ["--role", role]).collect();
            hospital.account(&people::name(nth), PASSWORD, &roles);
        }
        let gate = hospital.start();
        Self { hospital, gate, _stand_ins: stand_ins, book, told, calendar }
    }

    /// Everybody does what they do for so long.
    fn run(&mut self, length: Duration) -> Run {
        let Self { hospital, gate, book, calendar, .. } = self;
        let (gate, book, calendar, pages) = (&*gate, &**book, &*calendar, Pages::default());
        println!(
            "{RATE} orders a second and {LABORATORY_RATE} messages that are not surgical, for {length:?}; load average {}",
            std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim()
        );
        println!("{}", judge::HEAD);
        let (sent, sent_by_fhir, changes, samples) = std::thread::scope(|scope| {
            let course = Course { began: monotonic(), length };
            let senders = senders::all(scope, gate.route("his"), course, (book, calendar));
            let fhir = gate.route("fhir");
            let fhir = scope.spawn(move || people::order_by_fhir(fhir, course, book));
            let changes =
                scope.spawn(move || people::change(hospital, gate, course, (book, calendar)));
            people::come(scope, gate, course, &pages);
            let samples = watch(gate, course, book);
            let sent = senders.into_iter().map(joined).sum();
            (sent, joined(fhir), joined(changes), samples)
        });
        Run { length, sent, sent_by_fhir, samples, changes, pages }
    }
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().expect("it went on to the end")
}

/// Looks at the process until the end of the run, and says every minute how it went.
fn watch(gate: &Gate, course: Course, book: &Book) -> Vec<Sample> {
    let mut samples = vec![Sample::take(gate, course)];
    let mut minute = 0;
    for nth in 1_u32.. {
        let on = course.wait(EVERY * nth);
        samples.push(Sample::take(gate, course));
        if course.minute() > minute {
            println!("{}", judge::row(minute, book, &samples));
            minute = course.minute();
        }
        if !on {
            break;
        }
    }
    samples
}

/// Engages the surgeons that orders name, each with a grant for what they do.
fn engage(hospital: &Hospital, calendar: &Calendar) {
    let mut surgeons = "surgeon_id,name\n".to_owned();
    let mut grants = "surgeon_id,code,document_no,document_on,evaluated_on\n".to_owned();
    for number in 0..=SURGEONS {
        let (id, name) = surgeon(number);
        surgeons.push_str(&format!("{id},{name}\n"));
        if id == PROBED {
            continue;
        }
        let (document, evaluated) = (calendar.ago(400), calendar.ago(30));
        grants.push_str(&format!("{id},51.2300,院医务〔2025〕1号,{document},{evaluated}\n"));
    }
    let import = |table: &str, rows: &str| {
        let file = hospital.file(&format!("{table}.csv"), rows);
        let out = hospital.run(&["import", "--merge", &format!("--{table}"), &file]);
        assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    };
    import("surgeons", &surgeons);
    import("grants", &grants);
    hospital.grant(PROBED, "51.2300", "active");
}

/// The size of everything in a folder, in MiB.
fn size(folder: &Path) -> f64 {
    let files = std::fs::read_dir(folder).expect("a folder").map_while(Result::ok);
    let of = |file: std::fs::DirEntry| match file.metadata() {
        Ok(about) if about.is_dir() => size(&file.path()),
        Ok(about) => f64::from(u32::try_from(about.len() / 1024).unwrap_or(u32::MAX)) / 1024.0,
        Err(_) => 0.0,
    };
    files.map(of).sum()
}

/// What the gate counts now.
fn counters(gate: &Gate) -> Counters {
    Counters::of(gate)
}
