//! A million grants of 20,000 surgeons, embedded and in PostgreSQL: how long the import takes, the first answers in the
//! name of surgeons nobody has asked for yet, what memory it takes to hold everybody, the export.
//!
//! `ORGATE_TEST_POSTGRES=/usr/lib/postgresql/15/bin cargo bench --bench register`; `ORGATE=/path/to/orgate` for another
//! gate than the one built from this tree. To reach: import ≤ 30 s, cold first answer ≤ 20 ms, ≤ 300 MB resident.
//! Answers are to orders by MLLP, whole: read, judged, entered, forwarded to a stand-in, acknowledged. Beside them, on the
//! same database and as often: all grants of a surgeon by one indexed query.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

#[expect(dead_code, reason = "tests do more with it")]
#[path = "../../tests/support/cluster.rs"]
mod cluster;
mod house;
#[path = "../shared/measured.rs"]
mod measured;
#[path = "../shared/orders.rs"]
mod orders;
#[path = "../shared/ways.rs"]
mod ways;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use orgate::clock::monotonic;
use sqlx::any::AnyPoolOptions;
use sqlx::{AnyPool, Row as _};

use cluster::Cluster;
use house::{GRANTS_EACH, SURGEONS, id, order};
use measured::{Process, free_port, micros, orgate, text};
use orders::{route, stand_in};
use ways::runtime;

/// Orders in the name of surgeons that are asked for the first time, and as many of those in memory.
const ASKED: usize = 1_000;
/// A gate that is ready says so within this time.
const READY_WITHIN: Duration = Duration::from_secs(60);

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let files = house::write(folder.path());
    let stand_in = stand_in();
    println!("{} grants, {SURGEONS} surgeons", SURGEONS * GRANTS_EACH);
    println!("load average before: {}", text("/proc/loadavg").trim());
    let embedded = folder.path().join("embedded");
    measure("embedded (SQLite)", &embedded, "", &files, stand_in);
    let cluster = Cluster::new();
    let database = cluster.database();
    let url = folder.path().join("url");
    std::fs::write(&url, database.url()).unwrap();
    let register = format!("[register]\nsource = \"postgres\"\nurl_file = {url:?}\n");
    measure("PostgreSQL", &folder.path().join("shared"), &register, &files, stand_in);
    plain("PostgreSQL", &database.url(), "orgate_register.grants");
    println!("load average after: {}", text("/proc/loadavg").trim());
}

fn measure(
    name: &str,
    folder: &Path,
    register: &str,
    files: &[(&'static str, PathBuf)],
    stand_in: SocketAddr,
) {
    println!("\n{name}");
    let (address, console) = (free_port(), free_port());
    let config = configure(folder, register, (address, console), stand_in);
    let mut import = orgate(&config);
    import.arg("import");
    for (option, file) in files {
        import.arg(option).arg(file);
    }
    timed("import", &mut import);
    timed("import of the same again", &mut import);

    let began = monotonic();
    let gate = Process::start(orgate(&config).arg("run"), address, console);
    ready(console);
    println!("{:42}{:9.0} ms", "ready after", 1e3 * began.elapsed().as_secs_f64());
    let mut line = Line::open(address);
    // From the end of the alphabet: a warm-up begins at the other.
    let first = line.ask(SURGEONS - 1);
    println!("{:42}{:9.1} ms", "the very first answer (≤ 20 ms)", micros(first) / 1e3);
    let mut misses = Vec::new();
    let mut warm = None;
    for nth in 1..=ASKED {
        let before = lookups(console);
        let took = line.ask(SURGEONS - 1 - nth);
        if lookups(console) > before {
            misses.push(took);
        } else if warm.is_none() {
            warm = Some(began.elapsed());
        }
    }
    print("of surgeons not in memory", misses);
    print("of surgeons in memory", (0..ASKED).map(|nth| line.ask(SURGEONS - 1 - nth)).collect());
    println!("{:42}{:9.1} MB", "resident", gate.resident_kib() / 1e3);
    let began = monotonic();
    line.ask_all();
    println!("{:42}{:9.1} s", "an order of everybody", began.elapsed().as_secs_f64());
    println!(
        "{:42}{:9.1} MB (of its own {:.1} MB)",
        "resident with everybody in memory (≤ 300 MB)",
        gate.resident_kib() / 1e3,
        own_kib(&gate) / 1e3
    );
    let before = lookups(console);
    line.ask_all();
    println!("{:42}{:9}", "of whom were asked for again", lookups(console) - before);
    match warm.filter(|_| !register.is_empty()) {
        Some(warm) => {
            println!("{:42}{:9.1} s", "all in memory after the start", warm.as_secs_f64())
        }
        None => println!("{:42}", "nothing is brought into memory before it is asked for"),
    }
    gate.all_were_clean();
    drop(gate);
    timed("export", orgate(&config).args(["export", "grants"]));
    if register.is_empty() {
        let file = folder.join("data/register.db");
        plain(name, &format!("sqlite://{}", file.display()), "grants");
    }
}

fn configure(
    folder: &Path,
    register: &str,
    (address, console): (SocketAddr, SocketAddr),
    stand_in: SocketAddr,
) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    let config = folder.join("orgate.toml");
    let text = format!(
        "[node]\nname = \"bench\"\ndata_dir = {:?}\n{register}[console]\nlisten = \"{console}\"\n{}\
         listen = \"{address}\"\nstance = \"enforce\"\n",
        folder.join("data"),
        route(stand_in)
    );
    std::fs::write(&config, text).unwrap();
    config
}

fn timed(name: &str, command: &mut std::process::Command) {
    let began = monotonic();
    let out = command.output().unwrap();
    let took = began.elapsed().as_secs_f64();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    println!("{name:42}{took:9.1} s");
}

fn print(name: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).map_or(0.0, |time| micros(*time));
    let longest = took.last().map_or(0.0, |time| micros(*time));
    println!(
        "{name:42}{:9} times, p50 {:.0} µs, p99 {:.0} µs, longest {longest:.0} µs",
        took.len(),
        at(50),
        at(99)
    );
}

fn own_kib(gate: &Process) -> f64 {
    let status = text(&format!("/proc/{}/status", gate.child.id()));
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn page(console: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(console).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    page
}

fn ready(console: SocketAddr) {
    let late = monotonic() + READY_WITHIN;
    while !page(console, "/readyz").contains(" 200 ") {
        assert!(monotonic() < late, "not ready: {}", page(console, "/readyz"));
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How often the database was asked for somebody.
fn lookups(console: SocketAddr) -> u64 {
    let counters = page(console, "/metrics");
    let own = "orgate_register_lookups_total{from=\"source\"} ";
    let line = counters.lines().find_map(|line| line.strip_prefix(own));
    line.map_or(0, |count| count.parse().unwrap())
}

/// A sender.
struct Line {
    stream: TcpStream,
    sent: usize,
}

impl Line {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, sent: 0 }
    }

    /// An order of everybody.
    fn ask_all(&mut self) {
        for nth in 0..SURGEONS {
            self.ask(nth);
        }
    }

    /// How long the answer to an order of the nth surgeon takes.
    fn ask(&mut self, nth: usize) -> Duration {
        self.sent += 1;
        let frame = order(nth, self.sent);
        let began = monotonic();
        self.stream.write_all(&frame).unwrap();
        let (mut answer, mut chunk) = (Vec::new(), [0; 4096]);
        while !answer.ends_with(&[0x1c, b'\r']) {
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "the connection was closed on a message");
            answer.extend_from_slice(&chunk[..count]);
        }
        let took = began.elapsed();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("MSA|AA|"), "{}: {answer}", id(nth));
        took
    }
}

/// The same question as plain SQL.
fn plain(name: &str, url: &str, table: &str) {
    sqlx::any::install_default_drivers();
    let took = runtime().block_on(async {
        let pool: AnyPool = AnyPoolOptions::new().max_connections(1).connect(url).await.unwrap();
        let sql = format!("select * from {table} where surgeon_id = $1 and to_version is null");
        let mut took = Vec::new();
        for nth in 0..ASKED {
            let began = monotonic();
            let query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(id(nth * 19));
            let rows = query.fetch_all(&pool).await.unwrap();
            took.push(began.elapsed());
            assert_eq!(rows.len(), GRANTS_EACH);
            let code: String = rows[0].try_get("code").unwrap();
            assert!(!code.is_empty());
        }
        took
    });
    print(&format!("one indexed query, {name}"), took);
}
