//! The parts of a checked order on one thread, each beside something known: index, mapping, judging, the whole of the
//! gate with its ledger in memory, and the ledger on the disk. `cargo bench --bench judge`.
//!
//! What is compared is measured in alternating loops, too short to be interrupted often; medians and their ratios are
//! printed.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

mod disk;
mod hospital;

use std::hint::black_box;
use std::time::Duration;

use orgate::clock::monotonic;
use orgate::gate::Subject;
use orgate::hl7::charset::CharsetSetting;
use orgate::hl7::message::Message;
use orgate::inbound::mllp::intake::Intake;
use orgate::ledger::Body;
use orgate::rules::{Facts, Policy, judge};

use hospital::Hospital;

/// Loops of each side; odd, so that the median is one of them.
const LOOPS: usize = 1001;
/// A loop runs about so long: a fraction of what a busy machine gives a thread at a time.
const LOOP: Duration = Duration::from_micros(200);
/// Orders that pass in one loop.
const PASSES: u32 = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut hospital = runtime.block_on(Hospital::open(folder.path()));
    println!("load average before: {}", std::fs::read_to_string("/proc/loadavg").unwrap().trim());
    println!("{:56}{:>10}   beside", "1 KB messages, one thread, medians", "µs");
    codec(&hospital);
    judging(&hospital);
    runtime.block_on(passing(&mut hospital));
    disk::ledger(folder.path());
}

fn codec(hospital: &Hospital) {
    let (order, lab) = (hospital.order.as_slice(), hospital.lab.as_slice());
    let (order_text, lab_text) = (hospital.text(order), hospital.text(lab));
    let foreign = |text: &str| {
        let _ = black_box(hl7_parser::Message::parse(black_box(text)));
    };
    let index = |payload: &[u8]| {
        let _ = black_box(Message::read(black_box(payload), &CharsetSetting::Auto));
    };
    let read = hospital.reader();
    let whole = |payload: &[u8]| {
        let _ = black_box(read.reader().read(black_box(payload)));
    };
    let quick = |payload: &[u8]| {
        let message = Message::read(black_box(payload), &CharsetSetting::Auto).unwrap();
        let _ = black_box(read.map(&message));
    };
    side("index of an order", "hl7-parser", || index(order), || foreign(&order_text));
    side("not surgical: index, mapping", "hl7-parser", || quick(lab), || foreign(&lab_text));
    side("not surgical: batch, index, mapping", "the index", || whole(lab), || index(lab));
    side("order: batch, index, mapping", "hl7-parser", || whole(order), || foreign(&order_text));
}

fn judging(hospital: &Hospital) {
    let read = hospital.reader();
    let Intake::Checked { read: Subject::Orders(orders), .. } = read.reader().read(&hospital.order)
    else {
        panic!("the order is not read as one")
    };
    let policy = Policy::default();
    let facts = Facts {
        order: &orders[0],
        now: hospital.now,
        zone: &hospital.zone,
        catalogue: &hospital.catalogue,
        people: &hospital.people,
        around: &hospital.around,
    };
    let judged = || black_box(judge(black_box(&facts), &policy, &|_| true));
    assert!(!judged().refused() && judged().findings().count() == 0, "the order is not clean");
    let digest = || {
        black_box(ring::digest::digest(&ring::digest::SHA256, black_box(&hospital.order)));
    };
    side("judging an order of one case", "SHA-256 of the message", || drop(judged()), digest);
    let all = || {
        black_box(read.reader().read(black_box(&hospital.order)));
        drop(judged());
    };
    side("order: batch, index, mapping, judging", "SHA-256 of the message", all, digest);
}

/// Read, looked up, judged, recorded, with a ledger that keeps nothing.
async fn passing(hospital: &mut Hospital) {
    let mut took = Vec::new();
    for _ in 0..LOOPS {
        let began = monotonic();
        for _ in 0..PASSES {
            hospital.pass().await;
        }
        took.push(micros(began.elapsed()) / f64::from(PASSES));
    }
    let whole = median(took);
    println!("{:56}{whole:10.2}", "order: read, register, judged, entry in the queue");
    let body = hospital.last_body();
    let value: serde_json::Value = serde_json::from_str(&body).unwrap();
    println!("{:56}{:10}", "  its entry's body, in bytes", body.len());
    let check = || {
        let _ = black_box(Body::new(black_box(body.clone())));
    };
    let parse = || {
        let _ = black_box(serde_json::from_str::<serde_json::Value>(black_box(&body)));
    };
    side("body: taken as canonical", "serde_json to a Value", check, parse);
    let of = || {
        let _ = black_box(Body::of(black_box(&value)));
    };
    side("body: written from a Value", "serde_json to a String", of, || {
        let _ = black_box(serde_json::to_string(black_box(&value)));
    });
}

/// One row: the median of `one` and how many times of it `other` takes.
fn side(what: &str, beside: &str, mut one: impl FnMut(), mut other: impl FnMut()) {
    let (turns, other_turns) = (turns(&mut one), turns(&mut other));
    let (mut took, mut other_took) = (Vec::new(), Vec::new());
    for _ in 0..LOOPS {
        took.push(timed(turns, &mut one));
        other_took.push(timed(other_turns, &mut other));
    }
    let (one, other) = (median(took), median(other_took));
    println!("{what:56}{one:10.2}   {other:8.2} {beside} ({:.2} ×)", one / other);
}

fn turns(work: &mut impl FnMut()) -> u32 {
    let mut turns = 1;
    loop {
        let began = monotonic();
        (0..turns).for_each(|_| work());
        if began.elapsed() >= LOOP || turns >= 1 << 24 {
            return turns;
        }
        turns *= 2;
    }
}

/// µs of one turn.
fn timed(turns: u32, work: &mut impl FnMut()) -> f64 {
    let began = monotonic();
    (0..turns).for_each(|_| work());
    micros(began.elapsed()) / f64::from(turns)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
