//! `orgate health`: what containers and supervisors ask.

use std::process::{Command, Output, Stdio};

use crate::support::eventually;
use crate::support::gate::{Hospital, text};
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
fn a_gate_without_its_register_lives_but_is_not_ready() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &["stance = \"enforce\""]);
    let gate = hospital.start();
    let path = gate.data().join("register.db");
    for end in ["", "-wal"] {
        let name = format!("{}{end}", path.display());
        let length = std::fs::metadata(&name).map_or(0, |found| found.len());
        let noise = vec![b'?'; usize::try_from(length).expect("small")];
        std::fs::write(&name, noise).expect("written");
    }
    eventually("it notices", || {
        (asked(&hospital, &["--ready"]).status.code() == Some(1)).then_some(())
    });
    let living = asked(&hospital, &[]);
    assert_eq!(living.status.code(), Some(0));
    assert!(text(&living.stdout).contains("register: 不可用"), "{}", text(&living.stdout));
}
