//! The machine's clock is set while the gate runs. Only the wall clock: nobody can set the other one.

use std::path::Path;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use orgate::clock::{Clock, monotonic};
use serde_json::Value;

use crate::faults::scene::{Scene, Site, WHILE};
use crate::faults::standin::Standin;
use crate::faults::table::Fault;
use crate::support::gate::Hospital;
use crate::support::ledger::{decisions, entries};
use crate::support::repository;

/// Whole, at once: the gate looks at every moment.
fn set(file: &Path, offset: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, offset).expect("the folder can be written");
    std::fs::rename(&new, file).expect("the folder can be written");
}

/// The clock that can be set, as a library.
fn compiled(to: &Path) -> &Path {
    let source = repository("tests/system/faults/clock.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(to).arg(source);
    assert!(compiler.status().expect("a C compiler").success(), "the clock cannot be compiled");
    to
}

/// A gate whose clock is set by that much for a while, and back.
fn jumps(fault: Fault, offset: &str, by: SignedDuration) {
    let standin = Standin::new();
    let hospital = Hospital::new().route(
        "his",
        standin.upstream.address,
        &[
            // Nothing may come due by a clock that is set.
            "upstream_timeout_ms = 20000",
            "idle_timeout_s = 600",
        ],
    );
    let file = hospital.path("clock");
    set(&file, "+0");
    let mut command = hospital.command(&["run"]);
    command.env("LD_PRELOAD", compiled(&hospital.path("clock.so"))).env("ORGATE_TEST_CLOCK", &file);
    let site = Site::start_by(hospital, &mut command);
    let mut scene = Scene::of(fault, standin, vec![site]);
    let began = Clock::System.now();
    scene.begin();
    scene.flows_since(monotonic());
    set(&file, offset);
    std::thread::sleep(WHILE);
    scene.flows_since(monotonic());
    set(&file, "+0");
    scene.recovers_since(monotonic());
    let row = scene.end();
    let ended = Clock::System.now();
    assert_eq!((row.again, row.repeated), (0, 0), "nobody noticed");
    let data = scene.sites[0].data();
    let honest = |entry: &Value, by: SignedDuration| {
        let time: Timestamp = entry["time"].as_str().and_then(|t| t.parse().ok()).expect("a time");
        began.saturating_add(by).expect("a moment") <= time
            && time <= ended.saturating_add(by).expect("a moment")
    };

    let told = decisions(&data);
    let shifted = told.iter().filter(|entry| honest(entry, by)).count();
    let right = told.iter().filter(|entry| honest(entry, SignedDuration::ZERO)).count();
    assert_eq!(shifted + right, told.len(), "a time that no clock has shown");
    assert!(shifted > 0 && right > 0, "{shifted} shifted, {right} right");
    let all = entries(&data);
    let seqs = all.iter().map(|entry| entry["seq"].as_u64().expect("a number"));
    assert!(seqs.zip(1..).all(|(seq, nth)| seq == nth), "in the order of writing");
}

#[test]
fn it_is_set_a_day_ahead_and_back() {
    jumps(Fault::named("clock set a day ahead and back"), "+86400", SignedDuration::from_hours(24));
}

#[test]
fn it_is_set_a_day_back_and_ahead() {
    jumps(
        Fault::named("clock set a day back and ahead"),
        "-86400",
        SignedDuration::from_hours(-24),
    );
}
