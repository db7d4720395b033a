//! `orgate demo` that stays up, and what it printed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use crate::support::eventually;
use crate::support::gate::ORGATE;

/// A demo that stays up; interrupted when dropped.
pub(crate) struct Demo {
    child: Child,
    pub(crate) printed: Vec<String>,
}

impl Demo {
    /// Waits until all is printed.
    pub(crate) fn start() -> Self {
        let mut command = Command::new(ORGATE);
        command.arg("demo").current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("ORGATE_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut printed = Vec::new();
        for line in lines.map_while(Result::ok) {
            let last = line.contains("Ctrl-C");
            printed.push(line);
            if last {
                break;
            }
        }
        Self { child, printed }
    }

    /// What stands after a label.
    pub(crate) fn said(&self, label: &str) -> &str {
        let mut found = self.printed.iter().filter_map(|line| line.split_once(label));
        let (_, said) = found.next().unwrap_or_else(|| panic!("no {label}: {:?}", self.printed));
        assert!(found.next().is_none(), "{label} is printed once");
        said.trim()
    }

    /// An address that stands after a label.
    pub(crate) fn address(&self, label: &str) -> SocketAddr {
        let said = self.said(label).trim_start_matches("http://").trim_end_matches('/');
        said.parse().expect("an address")
    }

    /// Ctrl-C; its exit code.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill runs").success());
        eventually("the demo ends", || self.child.try_wait().expect("a child")).code()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
