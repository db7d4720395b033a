//! One HTTP hop, side by side: direct, through HAProxy in HTTP mode, through nginx, and through the gate, with the same
//! client and the same stand-in for the FHIR server. `cargo bench --bench fhir`; HAProxy and nginx from the path, or
//! `HAPROXY=…`, `NGINX=…`; `ORGATE=/path/to/orgate` for another gate than the one built from this tree.
//!
//! Rounds are interleaved and ratios are taken within a round. Client and stand-in are one thread each of this process;
//! they share the cores with what is measured.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

#[path = "../shared/measured.rs"]
mod measured;
mod traffic;
#[path = "../shared/ways.rs"]
mod ways;

use std::cell::Cell;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use measured::{Process, Round, SURGEONS, free_port, gate, haproxy, median, text};
use traffic::{Request, Way, order, read, stand_in};
use ways::runtime;

/// Rounds; odd, so that the median is one of them.
const ROUNDS: usize = 9;
/// Requests of one round on one connection.
const SINGLE: usize = 600;
/// Requests of one round on all of [`MANY`] connections together.
const CROWD: usize = 9_600;
/// Connections of the throughput rounds.
const MANY: usize = 64;
/// Ways of one kind of request: direct, HAProxy, nginx, the gate; of POST also the gate that waits for the disk.
const WAYS: usize = 9;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let stand_in = stand_in();
    let haproxy = haproxy(folder.path(), "http", stand_in);
    let nginx = nginx(folder.path(), stand_in);
    let route = format!(
        "[[fhir]]\nname = \"fhir\"\nupstream = \"http://{stand_in}/fhir\"\n\
         mapping = \"mappings/fhir/r4.toml\"\n"
    );
    let findings = gate(&folder.path().join("findings"), "findings", &route);
    let every = gate(&folder.path().join("every"), "every", &route);
    let (read, order) = (Rc::new(read()), Rc::new(order()));
    let way = |name, process: Option<&Process>, request: &Rc<Request>| Way {
        name,
        address: process.map_or(stand_in, |process| process.address),
        process: process.map(|process| process.child.id()),
        request: Rc::clone(request),
    };
    let ways = [
        way("GET direct", None, &read),
        way("GET HAProxy", Some(&haproxy), &read),
        way("GET nginx", Some(&nginx), &read),
        way("GET gate", Some(&findings), &read),
        way("POST direct", None, &order),
        way("POST HAProxy", Some(&haproxy), &order),
        way("POST nginx", Some(&nginx), &order),
        way("POST gate, judged, findings", Some(&findings), &order),
        way("POST gate, judged, every", Some(&every), &order),
    ];
    println!("client and stand-in are one thread each, on the same cores as what is measured");
    println!("load average before: {}", text("/proc/loadavg").trim());
    let client = runtime();
    let ids = Rc::new(Cell::new(0));
    for way in &ways {
        client.block_on(way.run(4, 4 * SURGEONS * 4, &ids));
    }
    let (mut single, mut crowd) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        single.push(ways.each_ref().map(|way| client.block_on(way.run(1, SINGLE, &ids))));
        crowd.push(ways.each_ref().map(|way| client.block_on(way.run(MANY, CROWD, &ids))));
    }
    println!("load average after: {}", text("/proc/loadavg").trim());
    table(&ways, &single, 1);
    table(&ways, &crowd, MANY);
    ratios(&single, &crowd);
    for gate in [findings, every] {
        gate.all_were_clean();
    }
}

fn nginx(folder: &Path, stand_in: SocketAddr) -> Process {
    let address = free_port();
    let file = folder.join("nginx.conf");
    let at = folder.display();
    let text = format!(
        "daemon off; pid {at}/nginx.pid; error_log {at}/nginx.log; worker_processes 2;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; client_body_temp_path {at}/body; proxy_temp_path {at}/proxy;\n\
         fastcgi_temp_path {at}/f; uwsgi_temp_path {at}/u; scgi_temp_path {at}/s;\n\
         upstream downstream {{ server {stand_in}; keepalive 128; }}\n\
         server {{ listen {address}; keepalive_requests 1000000; location / {{\n\
         proxy_pass http://downstream; proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }} }}\n"
    );
    fs::write(&file, text).unwrap();
    let program = std::env::var_os("NGINX").unwrap_or_else(|| "/usr/sbin/nginx".into());
    Process::start(Command::new(program).arg("-c").arg(file), address, address)
}

fn table(ways: &[Way; WAYS], rounds: &[[Round; WAYS]], connections: usize) {
    println!("\n{connections} connection(s), medians of {ROUNDS} rounds");
    println!("{:30}{:>9}{:>9}{:>10}{:>16}", "", "p50 µs", "p99 µs", "req/s", "own CPU µs/req");
    for (at, way) in ways.iter().enumerate() {
        let of = |field: fn(&Round) -> f64| median(rounds.iter().map(|round| field(&round[at])));
        let (p50, p99) = (of(|r| r.p50), of(|r| r.p99));
        let (rate, cpu) = (of(|r| r.per_second), of(|r| r.cpu));
        println!("{:30}{p50:9.0}{p99:9.0}{rate:10.0}{cpu:16.1}", way.name);
    }
}

fn ratios(single: &[[Round; WAYS]], crowd: &[[Round; WAYS]]) {
    println!("\nmedians of the ratios within a round");
    let say = |what: &str, found: f64| println!("{what:64}{found:9.2}");
    let of =
        |rounds: &[[Round; WAYS]], f: &dyn Fn(&[Round; WAYS]) -> f64| median(rounds.iter().map(f));
    for (what, direct, gate) in
        [("GET", 0, 3), ("POST judged, findings", 4, 7), ("POST judged, every", 4, 8)]
    {
        for (beside, other) in [("HAProxy", direct + 1), ("nginx", direct + 2)] {
            let added = |round: &[Round; WAYS], at: usize| round[at].p50 - round[direct].p50;
            let ratio = of(single, &|r| added(r, gate) / added(r, other));
            say(&format!("{what}, 1 connection: added p50 / {beside}'s"), ratio);
            let ratio = of(crowd, &|r| r[gate].per_second / r[other].per_second);
            say(&format!("{what}, {MANY} connections: req/s / {beside}'s"), ratio);
        }
    }
    let over = of(single, &|r| r[7].p50 - r[5].p50);
    say("POST judged, findings: p50 over HAProxy's, µs", over);
    let over = of(single, &|r| r[8].p50 - r[7].p50);
    say("POST judged, every: p50 over findings, µs", over);
}
