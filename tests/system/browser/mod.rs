//! The console in a real Chromium: what people see, click and type, and what the browser refuses to do.

mod accounts;
mod bypass;
mod ends;
mod operations;
mod overrides;
mod register;
mod screens;
mod search;
mod supervision;

use crate::support::gate::{Gate, Hospital};
use crate::support::upstream::Upstream;

const PASSWORD: &str = "first-word-of-all-7";

/// A gate with accounts.
fn house(settings: &[&str], accounts: &[(&str, &[&str])]) -> (Hospital, Gate, Upstream) {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, settings);
    for (name, more) in accounts {
        hospital.account(name, PASSWORD, more);
    }
    let gate = hospital.start();
    (hospital, gate, upstream)
}
