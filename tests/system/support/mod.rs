//! What the system tests stand on: a gate as a process, a stand-in downstream, a raw client, messages.

pub(crate) mod browser;
pub(crate) mod certificates;
pub(crate) mod chromium;
pub(crate) mod client;
pub(crate) mod console;
pub(crate) mod demo;
pub(crate) mod edited;
pub(crate) mod gate;
pub(crate) mod http;
pub(crate) mod in_process;
pub(crate) mod ledger;
pub(crate) mod listening;
pub(crate) mod message;
pub(crate) mod peer;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod reply;
pub(crate) mod resource;
pub(crate) mod room;
pub(crate) mod script;
pub(crate) mod server;
pub(crate) mod shelf;
pub(crate) mod upstream;

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use orgate::clock::monotonic;

/// Longer than anything takes on a busy machine; only a test that fails waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `look` finds something; a test that waits in vain fails with `what`.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let latest = monotonic() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(monotonic() < latest, "waited {PATIENCE:?} in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Reads what is there. A machine that stops its processes for a moment (SIGSTOP, a freezer) interrupts the reading of a
/// socket that has a deadline, signal(7); that is no end of the connection.
pub(crate) fn read_some(from: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The bytes of a file of the repository.
pub(crate) fn bytes_of(path: &str) -> Vec<u8> {
    let file = repository(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A message of the sample hospital's day.
pub(crate) fn of_the_day(file: &str) -> Vec<u8> {
    bytes_of(&format!("config/sample/day/{file}"))
}

/// A program that ./test provides.
pub(crate) fn foreign_program(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run ./test"))
}

/// An interpreter for what needs nothing but Python itself.
pub(crate) fn python() -> String {
    std::env::var("ORGATE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}
