//! A real Chromium, driven by chromedriver over WebDriver; both are Debian's. Nothing but HTTP and JSON.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::gate::Gate;
use crate::support::{PATIENCE, eventually, foreign_program, repository};

/// The key that WebDriver gives elements under.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// No picture is higher: a long table is seen well enough by then.
const HIGHEST: u64 = 2400;
/// What the window has around its page.
const FRAME: u64 = 160;
/// Return, as WebDriver types it.
pub(crate) const RETURN: &str = "\u{e007}";

/// Asks the driver, which leaves connections open whatever one asks for.
fn asked(at: SocketAddr, method: &str, path: &str, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(at).expect("chromedriver accepts");
    stream.set_read_timeout(Some(4 * PATIENCE)).expect("a socket");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {at}\r\nContent-Type: application/json; \
         charset=utf-8\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("chromedriver reads");
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line).expect("a status line");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        answer.read_line(&mut line).expect("a header");
        let field = line.to_ascii_lowercase();
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut bytes = vec![0; length];
    answer.read_exact(&mut bytes).expect("the whole answer");
    (status, serde_json::from_slice(&bytes).expect("JSON"))
}

/// A driver and every browser that it has started: none of them outlives the value.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // A browser does not end with its driver; but both are of one group, which the driver leads.
        let group = format!("-{}", self.0.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.0.wait();
    }
}

/// A browser with an empty profile; closed when dropped.
pub(crate) struct Chromium {
    driver: Driver,
    at: SocketAddr,
    session: String,
    gate: String,
    _profile: TempDir,
}

impl Chromium {
    /// Opens a browser for a gate's console.
    pub(crate) fn open(gate: &Gate) -> Self {
        Self::at(gate.console())
    }

    /// Opens one for the console at this address.
    pub(crate) fn at(console: SocketAddr) -> Self {
        let driver = Command::new(foreign_program("ORGATE_TEST_CHROMEDRIVER"))
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut driver = Driver(driver.expect("chromedriver runs"));
        let lines = BufReader::new(driver.0.stdout.take().expect("a pipe")).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let profile = tempfile::tempdir().expect("a folder");
        let mut own = Self {
            driver,
            at: ([127, 0, 0, 1], port.expect("a port")).into(),
            session: String::new(),
            gate: format!("http://{console}"),
            _profile: profile,
        };
        let folder = format!("--user-data-dir={}", own._profile.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--window-size=1280,900",
            &folder,
        ];
        let options =
            json!({ "args": arguments, "binary": foreign_program("ORGATE_TEST_CHROMIUM") });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
        } } });
        let made = own.command("POST", "/session", &wanted);
        own.session = made["sessionId"].as_str().expect("a session").to_owned();
        own
    }

    /// The group of its processes.
    pub(crate) fn group(&self) -> u32 {
        self.driver.0.id()
    }

    /// What a command gives.
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.tried(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn tried(&self, method: &str, path: &str, body: &Value) -> Result<Value, Value> {
        let sent = if method == "POST" { body.to_string() } else { String::new() };
        let (status, answer) = asked(self.at, method, path, &sent);
        let value = answer["value"].clone();
        if status == 200 { Ok(value) } else { Err(value) }
    }

    fn here(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session)
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.command("POST", &self.here(path), body)
    }

    /// Opens a page of the console.
    pub(crate) fn go(&self, path: &str) {
        self.post("/url", &json!({ "url": format!("{}{path}", self.gate) }));
    }

    /// The path of the page that is open.
    pub(crate) fn path(&self) -> String {
        let url = self.command("GET", &self.here("/url"), &Value::Null);
        let url = url.as_str().expect("an address");
        url.strip_prefix(&self.gate).unwrap_or(url).to_owned()
    }

    fn found(&self, css: &str) -> Option<String> {
        let by = json!({ "using": "css selector", "value": css });
        let found = self.tried("POST", &self.here("/element"), &by).ok()?;
        found[ELEMENT].as_str().map(str::to_owned)
    }

    /// The element, once there is one.
    fn element(&self, css: &str) -> String {
        eventually(css, || self.found(css))
    }

    /// Whether there is such an element now.
    pub(crate) fn has(&self, css: &str) -> bool {
        self.found(css).is_some()
    }

    /// Its text as people see it.
    pub(crate) fn text(&self, css: &str) -> String {
        eventually(css, || {
            let path = self.here(&format!("/element/{}/text", self.element(css)));
            // A page that is being left has no elements any more.
            self.tried("GET", &path, &Value::Null).ok()?.as_str().map(str::to_owned)
        })
    }

    /// Waits until an element says something.
    pub(crate) fn says(&self, css: &str, text: &str) {
        eventually(&format!("{css}: {text}"), || self.text(css).contains(text).then_some(()));
    }

    pub(crate) fn click(&self, css: &str) {
        self.post(&format!("/element/{}/click", self.element(css)), &json!({}));
    }

    /// Types after what stands there.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        self.post(&format!("/element/{}/value", self.element(css)), &json!({ "text": text }));
    }

    /// What a script of the test's own gives; the page's policy does not bind it.
    pub(crate) fn script(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    pub(crate) fn title(&self) -> String {
        let title = self.command("GET", &self.here("/title"), &Value::Null);
        title.as_str().expect("a title").to_owned()
    }

    /// Of this width from now on, and as high as the page is, within reason.
    pub(crate) fn wide(&self, width: u32) {
        self.post("/window/rect", &json!({ "width": width, "height": 900 }));
        let high = self.script("return document.documentElement.scrollHeight").as_u64();
        let height = high.unwrap_or(900).clamp(900, HIGHEST);
        self.post("/window/rect", &json!({ "width": width, "height": height + FRAME }));
    }

    /// Whether the page is wider than the window: then somebody has to scroll sideways.
    pub(crate) fn overflows(&self) -> bool {
        let wider = "return document.documentElement.scrollWidth > window.innerWidth";
        self.script(wider) == json!(true)
    }

    /// Keeps the page as a picture in `target/screenshots`, at both widths, and asserts that none is too wide.
    pub(crate) fn picture(&self, name: &str) {
        let folder = repository("target/screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        for width in [1280, 820] {
            self.wide(width);
            let drawn = self.command("GET", &self.here("/screenshot"), &Value::Null);
            let bytes = BASE64.decode(drawn.as_str().expect("a picture")).expect("base64");
            std::fs::write(folder.join(format!("{name}-{width}.png")), bytes).expect("a file");
            assert!(!self.overflows(), "{name} is wider than {width}");
        }
        self.post("/window/rect", &json!({ "width": 1280, "height": 900 }));
    }

    /// Keeps the page as it is printed.
    pub(crate) fn print(&self, name: &str) {
        let drawn = self.post("/print", &json!({ "background": false }));
        let bytes = BASE64.decode(drawn.as_str().expect("a document")).expect("base64");
        assert!(bytes.starts_with(b"%PDF"));
        let folder = repository("target/screenshots");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(Path::new(&folder).join(format!("{name}.pdf")), bytes).expect("a file");
    }

    /// Logs in, by the keyboard.
    pub(crate) fn log_in(&self, name: &str, password: &str) {
        self.go("/login");
        self.fill("input[name=name]", name);
        self.fill("input[name=password]", &format!("{password}{RETURN}"));
    }

    /// Logs in for the first time: the password is changed, and is `password-new` then.
    pub(crate) fn first_login(&self, name: &str, password: &str) {
        let new = format!("{password}-new");
        self.log_in(name, password);
        self.fill("input[name=old]", password);
        self.fill("input[name=new]", &new);
        self.fill("input[name=again]", &format!("{new}{RETURN}"));
        eventually("the login page", || (self.path() == "/login").then_some(()));
        self.log_in(name, &new);
        eventually("inside", || self.has("header nav").then_some(()));
    }

    /// Logs out.
    pub(crate) fn log_out(&self) {
        self.click("form[action='/logout'] button");
        eventually("the login page", || (self.path() == "/login").then_some(()));
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            let _ = self.tried("DELETE", &self.here(""), &Value::Null);
        }
    }
}
