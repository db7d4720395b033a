//! A PostgreSQL of the tests' own, and of benches: made by initdb in a temporary folder, on a loopback port, stopped by
//! its own pid.
//!
//! One cluster serves the whole run, with a database for each test; a test that kills it makes one for itself. A shell
//! waits beside the server for the end of this process, whichever way it ends, and then stops it.

use std::any::Any;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use orgate::clock::monotonic;

/// Longer than a start takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

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
    place: Option<Place>,
    port: u16,
    /// Further settings of the server.
    settings: Vec<String>,
    server: Option<(Child, ChildStdin)>,
}

/// Somewhere that only the server is in.
pub(crate) struct Place {
    /// A command that runs the one behind it there.
    pub(crate) enter: Vec<OsString>,
    /// Its `/`, as seen from here.
    pub(crate) root: PathBuf,
    /// What keeps it there.
    pub(crate) _keeper: Box<dyn Any + Send + Sync>,
}

/// A database of a cluster.
pub(crate) struct Database {
    name: String,
    port: u16,
}

fn program(name: &str) -> PathBuf {
    let folder = std::env::var("ORGATE_TEST_POSTGRES");
    let folder =
        folder.expect("ORGATE_TEST_POSTGRES: the folder of PostgreSQL's programs, see ./test");
    Path::new(&folder).join(name)
}

fn root() -> bool {
    let out = Command::new("id").arg("-u").output().expect("id runs");
    text(&out.stdout).trim() == "0"
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
        SHARED.get_or_init(|| {
            let mut cluster = Self::make(tempfile::tempdir().expect("a folder").keep(), None, None);
            cluster.start();
            cluster
        })
    }

    /// Makes one and starts it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::kept_in(folder, None, &[], |_| ())
    }

    /// Makes one in `folder` and starts it with further settings; `first` of all does something to it.
    pub(crate) fn kept_in(
        folder: TempDir,
        place: Option<Place>,
        settings: &[&str],
        first: impl FnOnce(&Self),
    ) -> Self {
        let mut cluster = Self::make(folder.path().to_owned(), Some(folder), place);
        cluster.settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        first(&cluster);
        cluster.start();
        cluster
    }

    /// Writes a file into the server's folder, which nobody else may read.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.seen().join("data").join(name);
        std::fs::write(&path, text).expect("the folder can be written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
        if root() {
            let out = Command::new("chown").arg("postgres").arg(&path).output();
            good(&out.expect("chown runs"), "chown");
        }
    }

    /// What stands in a file of the server's folder.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.seen().join("data").join(name);
        std::fs::read_to_string(path).expect("a file of the server")
    }

    /// What the server says to a statement.
    pub(crate) fn asked(&self, sql: &str) -> String {
        let out = self.run("postgres", sql);
        good(&out, sql);
        text(&out.stdout).trim().to_owned()
    }

    /// What it has written down.
    pub(crate) fn log(&self) -> String {
        text(&std::fs::read(self.seen().join("log")).expect("a log"))
    }

    fn make(folder: PathBuf, tidy: Option<TempDir>, place: Option<Place>) -> Self {
        let settings = Vec::new();
        let cluster = Self { folder, tidy, place, port: free_port(), settings, server: None };
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
        cluster
    }

    /// Its folder, as seen from here.
    pub(crate) fn seen(&self) -> PathBuf {
        let Some(place) = &self.place else { return self.folder.clone() };
        place.root.join(self.folder.strip_prefix("/").expect("an absolute path"))
    }

    /// A command where the server is, as a user that PostgreSQL agrees to run as: it refuses root.
    fn unprivileged(&self, program: &Path) -> Command {
        let as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
        let mut words: Vec<OsString> =
            self.place.as_ref().map(|place| place.enter.clone()).unwrap_or_default();
        if root() {
            words.extend(as_postgres.map(OsString::from));
        }
        words.push(program.into());
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).current_dir("/");
        command
    }

    /// Starts it and waits until it answers.
    pub(crate) fn start(&mut self) {
        // What a killed server leaves behind goes by itself, a moment later.
        let latest = monotonic() + PATIENCE;
        while !self.answers() {
            assert!(
                monotonic() < latest,
                "PostgreSQL does not answer, {PATIENCE:?} after its start"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts it where it does not run, and asks it something.
    fn answers(&mut self) -> bool {
        let ended =
            |(child, _): &mut (Child, ChildStdin)| child.try_wait().expect("a child").is_some();
        if self.server.as_mut().is_none_or(ended) {
            self.server = Some(self.launch());
        }
        std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self.run("postgres", "select 1").status.success()
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
        for setting in &self.settings {
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

    /// What psql says and how it ends.
    pub(crate) fn run(&self, database: &str, sql: &str) -> Output {
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

    /// Its address at `host`, asking so for TLS.
    pub(crate) fn url_asking(&self, host: &str, asked: &str) -> String {
        format!("postgres://gate:{PASSWORD}@{host}:{}/{}?{asked}", self.port, self.name)
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
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
