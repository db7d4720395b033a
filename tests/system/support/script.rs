//! A program of others that runs beside the gate: its lines are gathered, and it is told things by lines.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;

use crate::support::{eventually, foreign_program, repository};

/// Killed when dropped.
pub(crate) struct Script {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Script {
    /// A Python script of `tests/system/foreign/`.
    pub(crate) fn python(name: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(foreign_program("ORGATE_TEST_PYTHON"));
        command.arg(repository("tests/system/foreign").join(name)).args(arguments);
        command.env("PYTHONIOENCODING", "utf-8");
        Self::start(&mut command)
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (kept, stdout) = (Arc::clone(&lines), child.stdout.take().expect("a pipe"));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { stdin: child.stdin.take(), child, lines, reader: Some(reader) }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rest of the first line that begins so.
    pub(crate) fn says(&self, start: &str) -> String {
        eventually(start, || {
            self.lines().iter().find_map(|line| line.strip_prefix(start).map(str::to_owned))
        })
    }

    /// Where it listens, by its line `port N`.
    pub(crate) fn address(&self) -> SocketAddr {
        let port = self.says("port ").parse().expect("a port");
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    /// Tells it something, and waits until it is done.
    pub(crate) fn tell(&mut self, line: &str) {
        let done = || {
            self.lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .filter(|l| *l == "done")
                .count()
        };
        let before = done();
        writeln!(self.stdin.as_mut().expect("a pipe"), "{line}").expect("the script reads");
        eventually("the script has done it", || (done() > before).then_some(()));
    }

    /// Ends it; from here on its lines are all that it has ever said.
    pub(crate) fn end(&mut self) {
        self.kill();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("its lines were read to the end");
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Its lines that are JSON.
    pub(crate) fn told(&self) -> Vec<Value> {
        self.lines().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Whoever holds its output besides is not waited for.
        self.kill();
    }
}
