//! Habits of single files: a first line that says what belongs there, a bound on length, nothing
//! left undone, and one place each for the clock, for events and for acknowledgement codes.

use crate::architecture::floors::code;

/// A file that does not fit on a few screens holds more than one thing.
const LINES_MAX: usize = 400;

/// What must not be left anywhere. Written in pieces, since this file is read as well.
const UNDONE: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("db", "g!("),
    concat!("#[ig", "nore"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// Tests that take long are not left out: `./test --soak` runs them.
const LONG: &str = concat!("#[ig", "nore = \"takes ");
const RUN_BY: &str = ": ./test --soak\"]";

/// The clocks of the standard library, of jiff and of tokio.
const CLOCKS: [&str; 4] = ["Timestamp::now(", "Zoned::now(", "SystemTime::now(", "Instant::now("];

/// The crates that write logs and count.
const EVENTS: [&str; 2] = ["tracing", "metrics"];

/// The codes of MSA-1 that refuse.
const REFUSALS: [&str; 4] = ["\"AE\"", "\"AR\"", "\"CE\"", "\"CR\""];

/// What is wrong with any file, tests included.
pub(super) fn of_any_file(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push(format!("{path}:1: does not begin with `//!` and what belongs in the file"));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{path}: {lines} lines, {LINES_MAX} are allowed"));
    }
    let (marks, calls) = UNDONE.split_at(2);
    for (at, line) in text.lines().enumerate() {
        let comment = line.trim_start().starts_with("//");
        if line.starts_with(LONG) && line.ends_with(RUN_BY) {
            continue;
        }
        let undone = marks
            .iter()
            .find(|mark| word(line, mark))
            .or_else(|| calls.iter().find(|call| !comment && line.contains(**call)));
        if let Some(found) = undone {
            faults.push(format!("{path}:{}: `{found}` is left", at + 1));
        }
    }
    faults
}

fn word(line: &str, wanted: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == wanted)
}

/// What is wrong with a file of `src`.
pub(super) fn of_source(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |number, what: String| faults.push(format!("{path}:{number}: {what}"));
    let own_tests = text.lines().position(|line| line.trim() == "#[cfg(test)]");
    for (number, line) in code(text) {
        if path != "src/clock.rs"
            && let Some(clock) = CLOCKS.iter().find(|clock| line.contains(**clock))
        {
            fault(number, format!("`{clock})` outside src/clock.rs"));
        }
        if !path.starts_with("src/telemetry/")
            && let Some(name) = EVENTS.iter().find(|name| emits(line, name))
        {
            fault(number, format!("`{name}` outside src/telemetry"));
        }
        let in_tests = own_tests.is_some_and(|at| number > at);
        if !may_refuse(path)
            && !in_tests
            && let Some(literal) = REFUSALS.iter().find(|literal| line.contains(**literal))
        {
            fault(number, format!("{literal} outside a respond.rs and hl7/ack"));
        }
    }
    faults
}

/// Whether a line uses a macro of the crate `name`, or takes anything from it into scope.
fn emits(line: &str, name: &str) -> bool {
    let start = format!("{name}::");
    line.match_indices(&start).any(|(at, _)| {
        let (before, after) = line.split_at(at);
        let outer = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':'));
        let rest = after.trim_start_matches(&start);
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let called = rest.split_at(end).1.starts_with('!');
        let attribute = before.ends_with("#[");
        let taken = before.trim_start().starts_with("use ") || before.contains(" use ");
        outer && (called || attribute || taken)
    })
}

/// Where refusing acknowledgement codes are written: the answers, the codec, the settings, tests.
fn may_refuse(path: &str) -> bool {
    let respond = path.starts_with("src/inbound/") && path.ends_with("/respond.rs");
    let tests = path.contains("/tests/") || path.ends_with("/tests.rs");
    respond
        || tests
        || ["src/hl7/ack", "src/hl7/answering", "src/config/route.rs"]
            .iter()
            .any(|own| path.starts_with(own))
}
