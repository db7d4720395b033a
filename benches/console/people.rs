//! People before the console: each has logged in, watches the live page, and opens a page every second.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use orgate::clock::{Clock, monotonic};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::ways;

/// How often each opens a page.
const PAGE_EVERY: Duration = Duration::from_secs(1);
/// What they open, in turn; the search is a form.
const PAGES: [&str; 6] =
    ["/live", "/overrides", "/search", "/supervision", "/register", "/operations"];

/// What people saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// How long each page took.
    pub(crate) pages: Vec<Duration>,
    /// Pages that were refused since too many are asked for at once.
    pub(crate) busy: usize,
    /// How long after its decision each verdict stood on a live page.
    pub(crate) late: Vec<Duration>,
    /// Verdicts that a live page only counted, since there were too many to list.
    pub(crate) counted: usize,
    /// Verdicts that a live page was told it has missed.
    pub(crate) missed: usize,
}

/// One person's session.
struct Person {
    console: SocketAddr,
    cookies: BTreeMap<String, String>,
    word: String,
}

impl Person {
    async fn log_in(console: SocketAddr, name: &str, password: &str) -> Self {
        let mut person = Self { console, cookies: BTreeMap::new(), word: String::new() };
        let new = format!("{password}-new");
        person.enter(name, password).await;
        person.get("/password").await;
        let form = [("old", password), ("new", &new), ("again", &new)];
        person.post("/password", &form).await;
        person.enter(name, &new).await;
        let page = person.get("/search").await;
        assert!(page.starts_with("HTTP/1.1 200"), "nobody is let in: {page}");
        person
    }

    async fn enter(&mut self, name: &str, password: &str) {
        self.get("/login").await;
        self.post("/login", &[("name", name), ("password", password)]).await;
    }

    fn head(&self, method: &str, path: &str) -> String {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        let host = self.console;
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n")
    }

    async fn get(&mut self, path: &str) -> String {
        let head = self.head("GET", path);
        self.ask(format!("{head}Connection: close\r\n\r\n")).await
    }

    async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> String {
        let pairs = form.iter().map(|(name, value)| format!("{name}={value}"));
        let word = format!("word={}", self.word);
        let body = pairs.chain([word]).collect::<Vec<_>>().join("&");
        let (head, length) = (self.head("POST", path), body.len());
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let head = format!("{head}{kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
        self.ask(head + &body).await
    }

    async fn ask(&mut self, request: String) -> String {
        let mut stream = TcpStream::connect(self.console).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut came = Vec::new();
        stream.read_to_end(&mut came).await.unwrap();
        let came = String::from_utf8(came).unwrap();
        let head = came.split("\r\n\r\n").next().unwrap();
        for line in head.lines() {
            let Some((name, value)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("set-cookie") {
                let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        if let Some((_, rest)) = came.split_once("name=\"word\" value=\"") {
            self.word = rest.split('"').next().unwrap().to_owned();
        }
        came
    }
}

/// People who stay until the value is dropped or asked what they saw.
pub(crate) struct People {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl People {
    /// Logs them in and lets them begin.
    pub(crate) fn come(console: SocketAddr, names: &[String], password: &'static str) -> Self {
        let (stop, seen) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Seen>>::default());
        let (names, own) = (names.to_vec(), (Arc::clone(&stop), Arc::clone(&seen)));
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            ways::runtime().block_on(async move {
                let mut tasks = Vec::new();
                for name in names {
                    let person = Person::log_in(console, &name, password).await;
                    let watching = watch(&person, own.clone()).await;
                    tasks.push(tokio::spawn(watching));
                    tasks.push(tokio::spawn(browse(person, own.clone())));
                }
                tell.send(()).unwrap();
                for task in tasks {
                    task.await.unwrap();
                }
            });
        });
        told.recv().unwrap();
        Self { stop, seen, thread: Some(thread) }
    }

    /// They leave.
    pub(crate) fn leave(mut self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

type Shared = (Arc<AtomicBool>, Arc<Mutex<Seen>>);

async fn browse(mut person: Person, (stop, seen): Shared) {
    for page in PAGES.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let began = monotonic();
        let came = match *page {
            "/search" => person.post(page, &[("surgeon", "D07")]).await,
            page => person.get(page).await,
        };
        let took = began.elapsed();
        {
            let mut seen = seen.lock().unwrap();
            match came.get(..12) {
                Some("HTTP/1.1 200") => seen.pages.push(took),
                Some("HTTP/1.1 503") => seen.busy += 1,
                _ => panic!("{page}: {came}"),
            }
        }
        tokio::time::sleep(PAGE_EVERY.saturating_sub(took)).await;
    }
}

/// Opens the live page's stream; what is to be done with it is the future that is given back.
async fn watch(person: &Person, (stop, seen): Shared) -> impl Future<Output = ()> + use<> {
    let mut stream = TcpStream::connect(person.console).await.unwrap();
    let head = person.head("GET", "/live/stream");
    stream.write_all(format!("{head}Accept: text/event-stream\r\n\r\n").as_bytes()).await.unwrap();
    async move {
        let mut lines = BufReader::with_capacity(1 << 16, stream).lines();
        let (mut name, mut came) = (String::new(), Seen::default());
        while !stop.load(Ordering::Relaxed) {
            let line = tokio::time::timeout(Duration::from_millis(200), lines.next_line()).await;
            let Ok(line) = line else { continue };
            let line = line.unwrap().expect("the stream stays");
            if let Some(event) = line.strip_prefix("event: ") {
                event.clone_into(&mut name);
            }
            let Some(data) = line.strip_prefix("data: ") else { continue };
            if name == "missed" {
                came.missed += data.parse::<usize>().unwrap();
            } else if name == "counted" {
                let counted: BTreeMap<String, usize> = serde_json::from_str(data).unwrap();
                came.counted += counted.values().sum::<usize>();
            } else if let Some((_, rest)) = data.split_once("datetime=\"") {
                let at: Timestamp = rest.split('"').next().unwrap().parse().unwrap();
                let late = Clock::System.now().duration_since(at);
                came.late.push(late.try_into().unwrap_or(Duration::ZERO));
            }
        }
        let mut seen = seen.lock().unwrap();
        seen.late.append(&mut came.late);
        seen.missed += came.missed;
        seen.counted += came.counted;
    }
}
