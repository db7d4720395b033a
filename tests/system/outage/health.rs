//! `orgate health`: what containers and supervisors ask.

use std::process::{Command, Output, Stdio};

use crate::support::gate::{Hospital, text};
use crate::support::message::Draft;
use crate::support::reply::code;
use crate::support::upstream::Upstream;

fn asked(hospital: &Hospital, more: &[&str]) -> Output {
    hospital.run(&[&["health"], more].concat())
}

#[test]
fn a_gate_that_runs_is_well_and_one_that_does_not_is_not() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let absent = asked(&hospital, &[]);
    assert_eq!(absent.status.code(), Some(1));
    assert!(text(&absent.stderr).contains("no gate is running"), "{}", text(&absent.stderr));
    let gate = hospital.start();
    let well = asked(&hospital, &["--ready"]);
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    // By its folder alone: no configuration is read, so a bad one makes nobody ill.
    let folder = gate.data().display().to_string();
    let out = Command::new(env!("CARGO_BIN_EXE_orgate"))
        .args(["--config", "/nowhere/orgate.toml", "health", "--ready", "--data-dir", &folder])
        .stdin(Stdio::null())
        .output()
        .expect("the program runs");
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
}

#[test]
fn a_gate_whose_ledger_cannot_be_written_lives_but_is_not_ready() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let gate = hospital.start_by(&mut hospital.command_under("trap '' XFSZ"));
    let limited =
        Command::new("prlimit").args(["--pid", &gate.pid(), "--fsize=64:unlimited"]).status();
    assert!(limited.expect("prlimit runs").success());
    assert_eq!(code(&gate.connect().ask(&Draft::clean("L1").bytes())), "AR");
    assert_eq!(asked(&hospital, &["--ready"]).status.code(), Some(1));
    let living = asked(&hospital, &[]);
    assert_eq!(living.status.code(), Some(0));
    assert!(text(&living.stdout).contains("ledger: 不可用"), "{}", text(&living.stdout));
}
