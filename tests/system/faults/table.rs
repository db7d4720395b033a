//! The table of faults: collected while rows finish, printed once by the last one, also when only one was asked for.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::support::gate::text;

const HEAD: &str = "\
| fault | messages | answered | refused | told to send again | sent again | emergencies entered afterwards | longest wait of an emergency | recovery |
|---|---|---|---|---|---|---|---|---|
";

/// What is printed of a fault.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) messages: usize,
    pub(super) answered: usize,
    /// Refusals for good.
    pub(super) refused: usize,
    /// Refusals that invite to try again.
    pub(super) again: usize,
    /// How often senders sent what they had sent before.
    pub(super) repeated: usize,
    pub(super) entered_afterwards: usize,
    pub(super) longest_emergency: Duration,
    /// From the mending until the next elective order was accepted.
    pub(super) recovery: Duration,
}

/// A fault's place in the table; filled when the test is through, and marked as failed if it never is.
pub(super) struct Fault {
    name: &'static str,
    row: Option<Row>,
}

static TABLE: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());

impl Fault {
    /// Before anything else of its test, so that no row is missing because something did not start.
    pub(super) fn named(name: &'static str) -> Self {
        expected();
        Self { name, row: None }
    }

    pub(super) fn fill(&mut self, row: Row) {
        self.row = Some(row);
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        let cells = self.row.as_ref().map_or("failed | | | | | | | ".to_owned(), |row| {
            format!(
                "{} | {} | {} | {} | {} | {} | {} | {}",
                row.messages,
                row.answered,
                row.refused,
                row.again,
                row.repeated,
                row.entered_afterwards,
                seconds(row.longest_emergency),
                seconds(row.recovery)
            )
        });
        let mut table = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
        table.push((self.name, format!("| {} | {cells} |\n", self.name)));
        if table.len() == expected() {
            table.sort_unstable();
            let lines: String = table.iter().map(|(_, line)| line.as_str()).collect();
            print(&format!("{HEAD}{lines}"));
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn print(table: &str) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.md");
    std::fs::write(file, table).expect("target/tmp can be written");
    // Not by a macro: what those print, libtest keeps to itself.
    let _ = std::io::stderr().write_all(format!("\n{table}\n").as_bytes());
}

/// How many rows there will be: as many as this very program lists when it is asked with the same arguments.
fn expected() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| {
        let own = std::env::current_exe().expect("a test runs from a file");
        let out = Command::new(own).args(std::env::args().skip(1)).arg("--list").output();
        let listed = text(&out.expect("it runs").stdout);
        let rows = listed.lines().filter(|line| {
            line.starts_with("faults::")
                && !line.starts_with("faults::judge::")
                && line.ends_with(": test")
        });
        rows.count()
    })
}
