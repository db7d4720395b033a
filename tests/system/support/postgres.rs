//! A PostgreSQL of the tests' own: made by initdb in a temporary folder, on a loopback port, stopped by its own pid.
//!
//! One cluster serves the whole run, with a database for each test; a test that kills it makes one for itself. A shell
//! waits beside the server for the end of this process, whichever way it ends, and then stops it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::support::gate::{Hospital, text};
use crate::support::room::Room;
use crate::support::{eventually, foreign_program};

/// Of the cluster's only user.
pub(crate) const PASSWORD: &str = "only-for-tests";

/// Starts what follows, waits until nobody holds the pipe any more, stops it by its pid.
const KEEPER: &str = "\"$0\" \"$@\" & own=$!; read -r _; kill -INT $own 2>/dev/null; wait $own; \
     if [ -n \"$TIDY\" ]; then rm -rf \"$TIDY\"; fi";

/// A cluster; stopped when dropped.
pub(crate) struct Cluster {
    folder: PathBuf,
    /// Removes the folder of a cluster of a single test; that of the run is removed by the keeper.
    tidy: Option<TempDir>,
    /// Where its disk is, if it has one of its own.
    room: Option<Room>,
    port: u16,
    server: Option<(Child, ChildStdin)>,
}

/// A database of a cluster.
pub(crate) struct Database {
    name: String,
    port: u16,
}

fn program(name: &str) -> PathBuf {
    Path::new(&foreign_program("ORGATE_TEST_POSTGRES")).join(name)
}

fn root() -> bool {
    let out = Command::new("id").arg("-u").output().expect("id runs");
    text(&out.stdout).trim() == "0"
}

fn good(out: &Output, what: &str) {
    assert!(out.status.success(), "{what}: {}{}", text(&out.stdout), text(&out.stderr));
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

impl Cluster {
    /// The one of this run.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| Self::make(tempfile::tempdir().expect("a folder").keep(), None, None))
    }

    /// Makes one and starts it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::make(folder.path().to_owned(), Some(folder), None)
    }

    /// One whose data lies on a disk of its own, with little room to spare.
    pub(crate) fn on_a_small_disk() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let room = Room::with_disks();
        let place = folder.path().display();
        room.sh(&format!("mount -t tmpfs -o size=160m tmpfs {place}"));
        Self::make(folder.path().to_owned(), Some(folder), Some(room))
    }

    fn make(folder: PathBuf, tidy: Option<TempDir>, room: Option<Room>) -> Self {
        let mut cluster = Self { folder, tidy, room, port: free_port(), server: None };
        let folder = cluster.seen();
        if root() {
            let out = Command::new("chown").arg("postgres").arg(&folder).output();
            good(&out.expect("chown runs"), "chown");
        }
        std::fs::write(folder.join("password"), PASSWORD).expect("the folder can be written");
        let made = cluster
            .unprivileged(&program("initdb"))
            .args([
                "--username=gate",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ])
            .args(["--no-sync", "--no-instructions"])
            .arg(format!("--pwfile={}", cluster.folder.join("password").display()))
            .arg("-D")
            .arg(cluster.folder.join("data"))
            .output();
        good(&made.expect("initdb runs"), "initdb");
        cluster.start();
        cluster
    }

    /// Its folder, as seen from here.
    fn seen(&self) -> PathBuf {
        self.room.as_ref().map_or(self.folder.clone(), |room| room.path(&self.folder))
    }

    /// A command as a user that PostgreSQL agrees to run as: it refuses root.
    fn unprivileged(&self, program: &Path) -> Command {
        let first = if root() { Path::new("setpriv") } else { program };
        let mut command = match &self.room {
            Some(room) => room.command(first, "/"),
            None => Command::new(first),
        };
        if root() {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        }
        command.current_dir("/");
        command
    }

    /// Takes all the room on its disk, and has it need more.
    pub(crate) fn fill(&mut self) {
        let mut ballast = std::fs::File::create(self.seen().join("ballast")).expect("a file");
        while std::io::Write::write_all(&mut ballast, &[0; 4096]).is_ok() {}
        eventually("PostgreSQL gives up", || {
            let more = self.run("postgres", "select pg_switch_wal(); checkpoint");
            (!more.status.success()).then_some(())
        });
    }

    /// Gives the room back, and starts it again if it has ended.
    pub(crate) fn make_room(&mut self) {
        std::fs::remove_file(self.seen().join("ballast")).expect("a file");
        self.end();
        self.start();
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start(&mut self) {
        // What a killed server leaves behind goes by itself, a moment later.
        eventually("PostgreSQL answers", || {
            if self
                .server
                .as_mut()
                .is_none_or(|(child, _)| child.try_wait().expect("a child").is_some())
            {
                self.server = Some(self.launch());
            }
            let socket = std::net::TcpStream::connect(("127.0.0.1", self.port)).ok()?;
            drop(socket);
            self.run("postgres", "select 1").status.success().then_some(())
        });
    }

    fn launch(&self) -> (Child, ChildStdin) {
        let mut command = self.unprivileged(Path::new("sh"));
        command.args(["-c", KEEPER]).arg(program("postgres"));
        command.arg("-D").arg(self.folder.join("data"));
        let tidy = if self.tidy.is_none() { self.folder.as_path() } else { Path::new("") };
        command.env("TIDY", tidy);
        let port = self.port.to_string();
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "max_connections=200",
            "shared_buffers=32MB",
            &format!("port={port}"),
        ] {
            command.args(["-c", setting]);
        }
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.seen().join("log"))
            .expect("the folder can be written");
        let again = log.try_clone().expect("a file");
        let mut child =
            command.stdin(Stdio::piped()).stdout(log).stderr(again).spawn().expect("a shell runs");
        let pipe = child.stdin.take().expect("a pipe");
        (child, pipe)
    }

    /// Kills the server (SIGKILL), by its own pid.
    pub(crate) fn kill(&mut self) {
        let file = self.seen().join("data/postmaster.pid");
        let pid = std::fs::read_to_string(file).expect("a server that runs");
        let pid = pid.lines().next().expect("a pid").to_owned();
        let done = Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs");
        assert!(done.success());
        self.end();
    }

    /// Stops it in good order.
    pub(crate) fn stop(&mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some((mut child, pipe)) = self.server.take() {
            drop(pipe);
            let _ = child.wait();
        }
    }

    /// A new database.
    pub(crate) fn database(&self) -> Database {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("hospital_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        good(&self.run("postgres", &format!("create database {name}")), "create database");
        Database { name, port: self.port }
    }

    fn run(&self, database: &str, sql: &str) -> Output {
        psql(self.port, database, sql)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

fn psql(port: u16, database: &str, sql: &str) -> Output {
    Command::new(program("psql"))
        .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-U", "gate"])
        .args(["-p", &port.to_string(), "-d", database, "-c", sql])
        .env("PGPASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .expect("psql runs")
}

impl Database {
    /// Its address.
    pub(crate) fn url(&self) -> String {
        self.url_by(self.address(), PASSWORD)
    }

    /// Its address through somebody else, or with another password.
    pub(crate) fn url_by(&self, at: SocketAddr, password: &str) -> String {
        format!("postgres://gate:{password}@{at}/{}?sslmode=disable", self.name)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// What psql says to a statement.
    pub(crate) fn psql(&self, sql: &str) -> String {
        let out = psql(self.port, &self.name, sql);
        good(&out, sql);
        text(&out.stdout).trim().to_owned()
    }
}

impl Hospital {
    /// The register, and what else gates share, in the database at `url`; this gate is called `node`.
    pub(crate) fn sharing(mut self, url: &str, node: &str) -> Self {
        let file = self.file("database", url);
        let shared = format!("[register]\nsource = \"postgres\"\nurl_file = {file:?}\n");
        self.head = self.head.replace("[register]\nwait_ms = 60000\n", &shared);
        self.head = self.head.replace("\"test-gate\"", &format!("{node:?}"));
        self
    }
}
