//! The real binary in a folder of its own: configured, filled, started, killed on drop.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tempfile::TempDir;

use crate::support::client::Client;
use crate::support::message::Draft;
use crate::support::upstream::Upstream;
use crate::support::{eventually, repository};

/// The binary under test.
pub(crate) const ORGATE: &str = env!("CARGO_BIN_EXE_orgate");

/// A hospital: a folder with configuration, register and ledger, in which a gate can be started.
pub(crate) struct Hospital {
    folder: TempDir,
    pub(in crate::support) head: String,
    routes: String,
    log: &'static str,
}

impl Hospital {
    /// With the sample register, imported by the command, and no route.
    pub(crate) fn new() -> Self {
        Self::empty().filled()
    }

    /// Imports the sample register.
    pub(crate) fn filled(self) -> Self {
        self.configure();
        let sample = |name: &str| repository("config/sample").join(name).display().to_string();
        let out = self.run(&[
            "import",
            "--catalogue",
            &sample("catalogue.csv"),
            "--surgeons",
            &sample("surgeons.csv"),
            "--grants",
            &sample("grants.csv"),
            "--roster",
            &sample("roster.csv"),
            "--techniques",
            &sample("techniques.csv"),
            "--dossiers",
            &sample("dossiers.csv"),
            "--discussions",
            &sample("discussions.csv"),
            "--calendar",
            &repository("config/lists/calendar-cn.csv").display().to_string(),
        ]);
        assert!(out.status.success(), "{}", text(&out.stderr));
        self
    }

    /// With an empty register.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let head = format!(
            "[node]\nname = \"test-gate\"\ndata_dir = {:?}\n[console]\nlisten = \"127.0.0.1:0\"\n\
             [register]\nwait_ms = 60000\n",
            folder.path().join("data")
        );
        Self { folder, head, routes: String::new(), log: "info" }
    }

    /// A further table or key before the routes.
    pub(crate) fn set(mut self, toml: &str) -> Self {
        self.head.push_str(toml);
        self.head.push('\n');
        self
    }

    /// A further key of the console port.
    pub(crate) fn console(mut self, line: &str) -> Self {
        self.head = self.head.replace("[console]\n", &format!("[console]\n{line}\n"));
        self
    }

    /// The console port listens here, instead of on any port.
    pub(crate) fn listen(&mut self, at: &str) {
        self.head = self.head.replace("listen = \"127.0.0.1:0\"", &format!("listen = {at:?}"));
    }

    /// What `ORGATE_LOG` says.
    pub(crate) fn log(mut self, level: &'static str) -> Self {
        self.log = level;
        self
    }

    /// A route that reads by the standard mapping and enforces unless `settings` say otherwise.
    pub(crate) fn route(self, name: &str, upstream: SocketAddr, settings: &[&str]) -> Self {
        let mapping = "mapping = \"mappings/hl7v2/standard.toml\"";
        self.any_route("mllp", (name, &upstream.to_string()), mapping, settings)
    }

    /// The same for FHIR R4, before a server whose base is `/fhir`.
    pub(crate) fn fhir(self, name: &str, upstream: SocketAddr, settings: &[&str]) -> Self {
        let mapping = "mapping = \"mappings/fhir/r4.toml\"";
        self.any_route("fhir", (name, &format!("http://{upstream}/fhir")), mapping, settings)
    }

    fn any_route(
        mut self,
        table: &str,
        (name, upstream): (&str, &str),
        mapping: &str,
        settings: &[&str],
    ) -> Self {
        let mut lines = vec![format!("name = \"{name}\""), "listen = \"127.0.0.1:0\"".to_owned()];
        let upstream = format!("upstream = \"{upstream}\"");
        let defaults = [
            ("upstream =", upstream.as_str()),
            ("mapping", mapping),
            ("stance", "stance = \"enforce\""),
            // A busy machine must not look like a silent upstream.
            ("upstream_timeout_ms", "upstream_timeout_ms = 60000"),
        ];
        for (key, line) in defaults {
            if !settings.iter().any(|setting| setting.starts_with(key)) {
                lines.push(line.to_owned());
            }
        }
        lines.extend(settings.iter().map(|setting| (*setting).to_owned()));
        self.routes.push_str(&format!("[[{table}]]\n{}\n", lines.join("\n")));
        self
    }

    /// Changes the routes' settings for the next start.
    pub(crate) fn change(&mut self, from: &str, to: &str) {
        assert!(self.routes.contains(from), "{from} is not set");
        self.routes = self.routes.replace(from, to);
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder; gives its path.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the folder can be written");
        path.display().to_string()
    }

    /// Writes the configuration as it is now.
    pub(crate) fn configure(&self) -> PathBuf {
        let path = self.path("orgate.toml");
        let mut text = format!("{}\n{}", self.head, self.routes);
        if self.routes.is_empty() {
            text.push_str(
                "[[mllp]]\nname = \"none\"\nlisten = \"127.0.0.1:0\"\nupstream = \"127.0.0.1:1\"\n\
                 mapping = \"mappings/hl7v2/standard.toml\"\n",
            );
        }
        std::fs::write(&path, text).expect("the folder can be written");
        path
    }

    /// A command with the configuration, from the repository's folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(ORGATE);
        command
            .arg("--config")
            .arg(self.configure())
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_remove("ORGATE_LOG")
            .stdin(Stdio::null());
        command
    }

    /// `orgate run` in a shell that first does something to its own process.
    pub(crate) fn command_under(&self, preparation: &str) -> Command {
        let script = format!("{preparation}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command
            .args(["-c", &script, ORGATE, "--config"])
            .arg(self.configure())
            .arg("run")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Grants `surgeon` one procedure, in force at once, by `orgate import --merge`.
    pub(crate) fn grant(&self, surgeon: &str, code: &str, status: &str) {
        let rows = format!(
            "surgeon_id,code,right,valid_from,status,document_no,document_on,evaluated_on\n\
             {surgeon},{code},perform,2024-01-01,{status},院医务〔2026〕9号,2026-02-27,2026-02-01\n"
        );
        let file = self.file("grants.csv", rows);
        // A gate that was cut off in the middle of something holds up a shared database for ten seconds.
        let out = eventually("the register answers an import", || {
            let out = self.run(&["import", "--merge", "--grants", &file]);
            (!text(&out.stderr).contains("pool timed out")).then_some(out)
        });
        assert!(out.status.success(), "{}{}", text(&out.stdout), text(&out.stderr));
    }

    /// Starts the gate and waits until every route listens.
    pub(crate) fn start(&self) -> Gate {
        self.start_by(&mut self.command(&["run"]))
    }

    /// Starts the gate by a command of the test's own.
    pub(crate) fn start_by(&self, command: &mut Command) -> Gate {
        command.env("ORGATE_LOG", self.log).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let stderr = child.stderr.take().expect("a pipe");
        let kept = Arc::clone(&lines);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let mut gate = Gate {
            child,
            lines,
            reader: Some(reader),
            routes: HashMap::new(),
            console: None,
            data: self.data(),
        };
        gate.wait_until_listening(self.routes.matches("[[").count().max(1));
        gate
    }
}

/// A gate that runs; killed when dropped.
pub(crate) struct Gate {
    child: Child,
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
    routes: HashMap<String, SocketAddr>,
    console: Option<SocketAddr>,
    data: PathBuf,
}

impl Gate {
    /// Enforcing by the standard mapping before an upstream that accepts everything, and this upstream.
    pub(crate) fn simple(settings: &[&str]) -> (Hospital, Gate, Upstream) {
        Self::before(Upstream::accepting(), settings)
    }

    /// The same before an upstream of the test's own.
    pub(crate) fn before(upstream: Upstream, settings: &[&str]) -> (Hospital, Gate, Upstream) {
        let hospital = Hospital::new().route("his", upstream.address, settings);
        let gate = hospital.start();
        (hospital, gate, upstream)
    }

    fn wait_until_listening(&mut self, routes: usize) {
        eventually("the gate listens", || {
            let ended = self.child.try_wait().expect("a child");
            assert!(ended.is_none(), "the gate ended: {}", self.log());
            for line in self.lines() {
                let value = |key: &str| {
                    let key = format!(" {key}=");
                    let (_, rest) = line.split_once(&key)?;
                    Some(rest.split(' ').next().unwrap_or(rest).trim_matches('"').to_owned())
                };
                let listen = value("listen").and_then(|text| text.parse().ok());
                if line.contains("route listening") {
                    self.routes.extend(value("route").zip(listen));
                } else if line.contains("console listening") {
                    self.console = listen;
                }
            }
            (self.routes.len() == routes && self.console.is_some()).then_some(())
        });
    }

    /// Where the only route listens.
    pub(crate) fn address(&self) -> SocketAddr {
        assert_eq!(self.routes.len(), 1, "name the route");
        *self.routes.values().next().expect("a route")
    }

    pub(crate) fn route(&self, name: &str) -> SocketAddr {
        *self.routes.get(name).unwrap_or_else(|| panic!("no route {name}"))
    }

    /// Where the console port listens.
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    pub(crate) fn console(&self) -> SocketAddr {
        self.console.expect("the console listens")
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn log(&self) -> String {
        self.lines().join("\n")
    }

    /// Waits until the log says something.
    pub(crate) fn says(&self, text: &str) {
        eventually(text, || self.log().contains(text).then_some(()));
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// A page of the console port: status line and body.
    pub(crate) fn page(&self, path: &str) -> (String, String) {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(self.console()).expect("it accepts");
        let ask = format!("GET {path} HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).expect("the console reads");
        let mut came = String::new();
        stream.read_to_string(&mut came).expect("the console answers");
        let (head, body) = came.split_once("\r\n\r\n").expect("an HTTP response");
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    /// Still serves: a clean order passes and is answered.
    pub(crate) fn still_serves(&self, id: &str) {
        let mut client = self.connect();
        let answer = client.ask(&Draft::clean(id).bytes());
        assert_eq!(crate::support::reply::code(&answer), "AA");
    }

    /// Asks it to stop (SIGTERM).
    pub(crate) fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Kills it (SIGKILL).
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(super) fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.pid()]).status().expect("kill runs");
        assert!(done.success());
    }

    /// Waits for its end; gives its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let status = eventually("the gate ends", || self.child.try_wait().expect("a child"));
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        status.code()
    }

    /// Stops it and waits until it has ended well.
    pub(crate) fn stop(&mut self) {
        self.terminate();
        assert_eq!(self.wait(), Some(0), "{}", self.log());
    }
}

impl Drop for Gate {
    #[expect(clippy::print_stderr, reason = "for whoever reads why a test has failed")]
    fn drop(&mut self) {
        self.kill();
        // A test that fails by chance is not seen again soon.
        if std::thread::panicking() {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            let last = lines.len().saturating_sub(15);
            eprintln!("the gate said last:\n{}", lines[last..].join("\n"));
        }
    }
}

/// Output as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
