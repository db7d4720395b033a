//! The processes and the disk under measurement, and what rounds come to; for benches that measure one hop side by side.
#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "each bench is a program of its own and uses what it measures"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use orgate::clock::{Clock, monotonic};

/// Surgeons that take turns, so that not one cache entry serves all.
pub(crate) const SURGEONS: usize = 16;

/// A process under measurement; ends with the value.
pub(crate) struct Process {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) console: SocketAddr,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    pub(crate) fn start(command: &mut Command, address: SocketAddr, console: SocketAddr) -> Self {
        let log = if std::env::var_os("VERBOSE").is_some() { Stdio::inherit } else { Stdio::null };
        let child = command.stdout(log()).stderr(log()).spawn();
        let child = child.unwrap_or_else(|error| {
            println!("{:?} cannot be started: {error}", command.get_program());
            println!(
                "Debian has packages haproxy and nginx-light; HAPROXY and NGINX name other binaries"
            );
            std::process::exit(1)
        });
        let process = Self { child, address, console };
        let late = monotonic() + Duration::from_secs(10);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(monotonic() < late, "no listener: run again with VERBOSE=1");
            thread::sleep(Duration::from_millis(10));
        }
        process
    }

    /// Every order was clean, or the figures mean something else.
    pub(crate) fn all_were_clean(&self) {
        let mut stream = std::net::TcpStream::connect(self.console).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut counters = String::new();
        stream.read_to_string(&mut counters).unwrap();
        let mut judged = counters.lines().filter(|line| line.starts_with("orgate_messages_total"));
        let clean =
            |line: &str| ["\"forward\"", "\"not-surgical\""].iter().any(|d| line.contains(d));
        assert!(judged.clone().next().is_some(), "no counters");
        assert!(judged.all(clean), "orders were not clean:\n{counters}");
    }

    pub(crate) fn resident_kib(&self) -> f64 {
        let status = text(&format!("/proc/{}/status", self.child.id()));
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

/// HAProxy with one `listen` section; `mode` is tcp or http.
pub(crate) fn haproxy(folder: &Path, mode: &str, stand_in: SocketAddr) -> Process {
    let address = free_port();
    let file = folder.join("haproxy.cfg");
    let text = format!(
        "global\n  maxconn 4096\ndefaults\n  mode {mode}\n  timeout connect 5s\n  timeout client 1h\n  \
         timeout server 1h\nlisten hop\n  bind {address}\n  server downstream {stand_in}\n"
    );
    fs::write(&file, text).unwrap();
    let program = std::env::var_os("HAPROXY").unwrap_or_else(|| "haproxy".into());
    Process::start(Command::new(program).arg("-db").arg("-f").arg(file), address, address)
}

/// The release binary with a register of its own in which every order is clean. `route` is a table of the
/// configuration without its `listen`.
pub(crate) fn gate(folder: &Path, sync: &str, route: &str) -> Process {
    fs::create_dir_all(folder).unwrap();
    let (address, console) = (free_port(), free_port());
    let config = folder.join("orgate.toml");
    let text = format!(
        "[node]\nname = \"bench\"\ndata_dir = {:?}\n[ledger]\nsync = \"{sync}\"\n\
         [console]\nlisten = \"{console}\"\n{route}listen = \"{address}\"\n\
         stance = \"enforce\"\nmax_connections = 4096\n",
        folder.join("data")
    );
    fs::write(&config, text).unwrap();
    let mut rows = [
        "code,name,grade\n51.2300,腹腔镜下胆囊切除术,2\n".to_owned(),
        "surgeon_id,name\n".to_owned(),
        "surgeon_id,grade,document_no,document_on,evaluated_on\n".to_owned(),
    ];
    let zone = jiff::tz::TimeZone::UTC;
    let today = zone.to_datetime(Clock::System.now()).date();
    for number in 0..SURGEONS {
        rows[1].push_str(&format!("D{number:02},沈若川\n"));
        rows[2].push_str(&format!("D{number:02},2,医务〔2024〕1号,2024-01-02,{today}\n"));
    }
    let mut import = orgate(&config);
    import.arg("import");
    for (name, rows) in ["catalogue", "surgeons", "grants"].iter().zip(rows) {
        let file = folder.join(name).with_extension("csv");
        fs::write(&file, rows).unwrap();
        import.arg(format!("--{name}")).arg(file);
    }
    let imported = import.output().unwrap();
    assert!(imported.status.success(), "{}", String::from_utf8_lossy(&imported.stdout));
    Process::start(orgate(&config).arg("run"), address, console)
}

pub(crate) fn orgate(config: &Path) -> Command {
    let program = std::env::var_os("ORGATE");
    let mut command = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_orgate").into()));
    command.arg("--config").arg(config);
    command
}

pub(crate) fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

pub(crate) fn text(file: &str) -> String {
    fs::read_to_string(file).unwrap()
}

/// CPU seconds of a process so far, of all its threads.
pub(crate) fn cpu(process: Option<u32>) -> f64 {
    let Some(process) = process else { return 0.0 };
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of = |thread: std::io::Result<fs::DirEntry>| {
        let stat = text(&thread.unwrap().path().join("schedstat").display().to_string());
        stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
    };
    threads.map(of).sum()
}

/// The disk under the ledgers: one line as long as an entry, written and synced.
pub(crate) struct Disk {
    file: File,
    pub(crate) took: Vec<Duration>,
}

impl Disk {
    pub(crate) fn new(folder: &Path) -> Self {
        let file = OpenOptions::new().append(true).create(true).open(folder.join("disk")).unwrap();
        Self { file, took: Vec::new() }
    }

    pub(crate) fn round(&mut self) {
        for _ in 0..60 {
            self.file.write_all(&[b'x'; 4500]).unwrap();
            let began = monotonic();
            self.file.sync_data().unwrap();
            self.took.push(began.elapsed());
        }
    }

    pub(crate) fn at(&self, share: usize) -> f64 {
        let mut sorted = self.took.clone();
        sorted.sort_unstable();
        micros(sorted[sorted.len() * share / 100])
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

pub(crate) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

/// What one round on one way came to; times in µs.
#[derive(Clone, Copy, Default)]
pub(crate) struct Round {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) per_second: f64,
    /// CPU time of the process in between, for each message.
    pub(crate) cpu: f64,
}

impl Round {
    /// From the time each message took, that of the round, and the CPU seconds of the process in between.
    pub(crate) fn of(mut took: Vec<Duration>, wall: Duration, cpu: f64) -> Self {
        took.sort_unstable();
        let count = took.len();
        let at = |share: usize| micros(took[(count * share / 100).min(count - 1)]);
        Self {
            p50: at(50),
            p99: at(99),
            per_second: number(count) / wall.as_secs_f64(),
            cpu: cpu * 1e6 / number(count),
        }
    }
}
