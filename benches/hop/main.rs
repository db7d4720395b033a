//! One hop, side by side: direct, through HAProxy in TCP mode, and through the gate, with the same client and the same
//! stand-in for the downstream system. `cargo bench --bench hop`; HAProxy from the path, or
//! `HAPROXY=/path/to/haproxy`; `ORGATE=/path/to/orgate` for another gate than the one built from this tree.
//!
//! Rounds are interleaved and ratios are taken within a round, so that other work on the machine strikes all alike.
//! Client and stand-in are one thread each of this process; they share the cores with what is measured, so that
//! throughput here is that of the whole chain. CPU time per message is the measured process's own.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

#[path = "../shared/measured.rs"]
mod measured;
#[path = "../shared/orders.rs"]
mod orders;
#[path = "../shared/ways.rs"]
mod ways;

use std::cell::Cell;
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use tokio::runtime::Runtime;

use measured::{Disk, Process, Round, SURGEONS, gate, haproxy, median, number, text};
use orders::{Line, Template, Way, lab, order, route, stand_in};
use ways::runtime;

/// Rounds; odd, so that the median is one of them.
const ROUNDS: usize = 9;
/// Messages of one round on one connection.
const SINGLE: usize = 800;
/// Messages of one round on all of [`MANY`] connections together.
const CROWD: usize = 12_800;
/// Connections of the throughput rounds.
const MANY: usize = 64;
/// Idle connections whose memory is measured.
const IDLE: usize = 1000;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let stand_in = stand_in();
    let haproxy = haproxy(folder.path(), "tcp", stand_in);
    let findings = gate(&folder.path().join("findings"), "findings", &route(stand_in));
    let every = gate(&folder.path().join("every"), "every", &route(stand_in));
    let (order, lab) = (Rc::new(order()), Rc::new(lab()));
    let way = |name, process: Option<&Process>, template: &Rc<Template>| Way {
        name,
        address: process.map_or(stand_in, |process| process.address),
        process: process.map(|process| process.child.id()),
        template: Rc::clone(template),
    };
    let ways = [
        way("direct", None, &lab),
        way("HAProxy, TCP mode", Some(&haproxy), &lab),
        way("gate, not surgical", Some(&findings), &lab),
        way("gate, clean order, findings", Some(&findings), &order),
        way("gate, clean order, every", Some(&every), &order),
    ];
    println!("client and stand-in are one thread each, on the same cores as what is measured");
    println!("load average before: {}", text("/proc/loadavg").trim());
    let client = runtime();
    let ids = Rc::new(Cell::new(0));
    for way in &ways {
        client.block_on(way.run(4, 4 * SURGEONS * 4, &ids));
    }
    let mut disk = Disk::new(folder.path());
    let mut single = Vec::new();
    let mut crowd = Vec::new();
    for _ in 0..ROUNDS {
        disk.round();
        single.push(ways.each_ref().map(|way| client.block_on(way.run(1, SINGLE, &ids))));
        crowd.push(ways.each_ref().map(|way| client.block_on(way.run(MANY, CROWD, &ids))));
    }
    println!("load average after: {}", text("/proc/loadavg").trim());
    table(&ways, &single, 1);
    table(&ways, &crowd, MANY);
    ratios(&single, &crowd, &disk);
    for gate in [findings, every] {
        gate.all_were_clean();
    }
    memory(&client, &folder.path().join("idle"), stand_in, &lab, &ids);
}

/// Resident memory of a gate that has done nothing, and with connections that are idle after a message each.
fn memory(
    client: &Runtime,
    folder: &Path,
    stand_in: SocketAddr,
    lab: &Rc<Template>,
    ids: &Cell<usize>,
) {
    let gate = gate(folder, "findings", &route(stand_in));
    thread::sleep(Duration::from_millis(500));
    let idle = gate.resident_kib();
    let mut lines = Vec::new();
    client.block_on(async {
        for _ in 0..IDLE {
            let mut line = Line::open(gate.address, lab).await;
            line.send(ids).await;
            lines.push(line);
        }
    });
    let each = (gate.resident_kib() - idle) / number(IDLE);
    println!(
        "\nidle gate                                            {:8.1} MB resident",
        idle / 1024.0
    );
    println!("an idle connection after a message, of {IDLE}         {each:8.1} KB resident");
}

fn table(ways: &[Way; 5], rounds: &[[Round; 5]], connections: usize) {
    println!("\n{connections} connection(s), medians of {ROUNDS} rounds");
    println!("{:30}{:>9}{:>9}{:>10}{:>16}", "", "p50 µs", "p99 µs", "msg/s", "own CPU µs/msg");
    for (at, way) in ways.iter().enumerate() {
        let of = |field: fn(&Round) -> f64| median(rounds.iter().map(|round| field(&round[at])));
        let (p50, p99) = (of(|r| r.p50), of(|r| r.p99));
        let (rate, cpu) = (of(|r| r.per_second), of(|r| r.cpu));
        println!("{:30}{p50:9.0}{p99:9.0}{rate:10.0}{cpu:16.1}", way.name);
    }
}

fn ratios(single: &[[Round; 5]], crowd: &[[Round; 5]], disk: &Disk) {
    let added = |round: &[Round; 5], at: usize| round[at].p50 - round[0].p50;
    let say = |what: &str, wanted: &str, found: f64| println!("{what:58}{found:9.2}   ({wanted})");
    let of = |rounds: &[[Round; 5]], f: &dyn Fn(&[Round; 5]) -> f64| median(rounds.iter().map(f));
    println!("\nmedians of the ratios and differences within a round");
    let ratio = of(single, &|r| added(r, 2) / added(r, 1));
    say("not surgical, 1 connection: added p50 / HAProxy's", "≤ 1.2", ratio);
    let ratio = of(crowd, &|r| r[2].per_second / r[1].per_second);
    say(&format!("not surgical, {MANY} connections: msg/s / HAProxy's"), "≥ 0.9", ratio);
    let ratio = of(crowd, &|r| r[2].cpu / r[1].cpu);
    say(&format!("not surgical, {MANY} connections: CPU / HAProxy's"), "—", ratio);
    let over = of(single, &|r| r[3].p50 - r[2].p50);
    say("clean order, findings: p50 over not surgical, µs", "≤ 60", over);
    let (sync, sync_p99) = (disk.at(50), disk.at(99));
    println!(
        "fdatasync of this disk: p50 {sync:.0} µs, p99 {sync_p99:.0} µs, {} times",
        disk.took.len()
    );
    let over = of(single, &|r| r[4].p50 - r[2].p50);
    say("clean order, every: p50 over not surgical, µs", "one fdatasync + 60", over);
    say("  less one fdatasync, µs", "≤ 60", over - sync);
    let ratio = of(single, &|r| (r[4].p99 - r[2].p50) / (r[4].p50 - r[2].p50));
    say("clean order, every: added p99 / added p50", "≤ 3", ratio);
    let rate = of(crowd, &|r| r[4].per_second);
    say(&format!("clean order, every, {MANY} connections: msg/s"), "≥ 20000", rate);
}
