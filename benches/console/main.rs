//! What people on the console cost the orders: 2,000 clean orders a second with `sync = "every"`, in turn without
//! anybody there and with 20 people, each watching the live page and opening a page every second. `cargo bench --bench
//! console`; `ORGATE=/path/to/orgate` for another gate than the one built from this tree.
//!
//! An order that comes late because one before it was slow is counted from when it was due. People, senders and the
//! stand-in for the downstream system share the cores with the gate. To reach: a verdict stands on the live page within
//! 300 ms of its decision.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

#[path = "../shared/measured.rs"]
mod measured;
#[path = "../shared/orders.rs"]
mod orders;
mod people;
#[path = "../shared/ways.rs"]
mod ways;

use std::cell::Cell;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::rc::Rc;
use std::time::Duration;

use orgate::clock::monotonic;

use measured::{Process, Round, SURGEONS, gate, median, micros, orgate, text};
use orders::{Line, Template, Way, order, route, stand_in};
use people::{People, Seen};
use ways::{round, runtime};

/// Rounds; odd, so that the median is one of them.
const ROUNDS: usize = 5;
/// Orders a second.
const RATE: u32 = 2_000;
/// For so long in each round.
const SECONDS: u32 = 6;
/// Connections that take turns.
const CONNECTIONS: u32 = 16;
/// People on the console.
const PEOPLE: usize = 20;
/// Their first password.
const PASSWORD: &str = "bench-of-the-console-1";

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let stand_in = stand_in();
    let gate = gate(folder.path(), "every", &route(stand_in));
    let template = Rc::new(order());
    let (client, ids) = (runtime(), Rc::new(Cell::new(0)));
    let warm = Way {
        name: "warm",
        address: gate.address,
        process: Some(gate.child.id()),
        template: Rc::clone(&template),
    };
    client.block_on(warm.run(4, 4 * SURGEONS * 4, &ids));
    println!(
        "{RATE} orders a second for {SECONDS} s on {CONNECTIONS} connections, every entry synced"
    );
    println!("load average before: {}", text("/proc/loadavg").trim());
    let mut rounds = Vec::new();
    let mut all = Seen::default();
    for round in 0..ROUNDS {
        let alone = client.block_on(paced(&gate, &template, &ids));
        // Whoever has changed the first password does not come again.
        let names: Vec<String> = (0..PEOPLE).map(|nth| format!("person{round}-{nth}")).collect();
        names.iter().for_each(|name| account(folder.path(), name));
        let people = People::come(gate.console, &names, PASSWORD);
        let watched = client.block_on(paced(&gate, &template, &ids));
        let seen = people.leave();
        all.pages.extend(seen.pages);
        all.late.extend(seen.late);
        all.busy += seen.busy;
        all.missed += seen.missed;
        all.counted += seen.counted;
        rounds.push([alone, watched]);
    }
    println!("load average after: {}", text("/proc/loadavg").trim());
    gate.all_were_clean();
    table(&rounds);
    saw(all);
}

/// An account with every role that has pages.
fn account(folder: &Path, name: &str) {
    let mut command = orgate(&folder.join("orgate.toml"));
    command.args(["account", "add", name, "--stdin", "--role", "reviewer"]);
    command.args(["--role", "registrar", "--role", "operator", "--role", "auditor"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "no account");
}

/// Orders at the pace, spread over the connections.
async fn paced(gate: &Process, template: &Rc<Template>, ids: &Rc<Cell<usize>>) -> Round {
    let mut lines = Vec::new();
    for _ in 0..CONNECTIONS {
        lines.push(Line::open(gate.address, template).await);
    }
    let began = monotonic();
    let send = |(own, mut line): (u32, Line)| {
        let ids = Rc::clone(ids);
        async move {
            let mut took = Vec::new();
            for nth in (own..RATE * SECONDS).step_by(usize::try_from(CONNECTIONS).unwrap()) {
                let due = began + Duration::from_secs(1) * nth / RATE;
                tokio::time::sleep_until(due.into()).await;
                line.send(&ids).await;
                took.push(monotonic().saturating_duration_since(due));
            }
            took
        }
    };
    round((0..CONNECTIONS).zip(lines), Some(gate.child.id()), send).await
}

fn table(rounds: &[[Round; 2]]) {
    println!("\nmedians of {ROUNDS} rounds, from when an order was due to its acknowledgement");
    println!("{:30}{:>9}{:>9}{:>10}{:>16}", "", "p50 µs", "p99 µs", "msg/s", "own CPU µs/msg");
    for (at, name) in ["nobody on the console", "20 people"].iter().enumerate() {
        let of = |field: fn(&Round) -> f64| median(rounds.iter().map(|round| field(&round[at])));
        let (p50, p99) = (of(|r| r.p50), of(|r| r.p99));
        let (rate, cpu) = (of(|r| r.per_second), of(|r| r.cpu));
        println!("{name:30}{p50:9.0}{p99:9.0}{rate:10.0}{cpu:16.1}");
    }
    let over = |field: fn(&Round) -> f64| {
        median(rounds.iter().map(|[alone, watched]| field(watched) - field(alone)))
    };
    let ratio = median(rounds.iter().map(|[alone, watched]| watched.p99 / alone.p99));
    println!(
        "added by 20 people, median within a round: p50 {:.0} µs, p99 {:.0} µs ({ratio:.2} ×)",
        over(|r| r.p50),
        over(|r| r.p99)
    );
}

fn saw(mut seen: Seen) {
    let at = |times: &[Duration], share: usize| {
        times.get(times.len() * share / 1000).map_or(0.0, |time| micros(*time) / 1e3)
    };
    seen.pages.sort_unstable();
    seen.late.sort_unstable();
    println!(
        "\npages: {} opened, p50 {:.1} ms, p99 {:.1} ms; {} refused as too many at once",
        seen.pages.len(),
        at(&seen.pages, 500),
        at(&seen.pages, 990),
        seen.busy
    );
    println!(
        "live: {} verdicts shown, {} only counted, {} missed, after their decision p50 {:.0} ms, p99 {:.0} ms, p999 {:.0} ms (≤ 300)",
        seen.late.len(),
        seen.counted,
        seen.missed,
        at(&seen.late, 500),
        at(&seen.late, 990),
        at(&seen.late, 999)
    );
}
