//! A FHIR server that holds practitioners and their roles, for those who pull: pages, counts, and fails as a test wants.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orgate::clock::Clock;
use serde_json::{Value, json};

use crate::support::http::{Message, response};
use crate::support::server::Server;

/// How it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Well,
    /// Closes without a word.
    Silent,
    /// With status 500.
    Failing,
    /// With what is no page.
    Garbage,
    /// As if it held nothing.
    Empty,
    /// Well on the first page of a search, then with status 500.
    HalfWay,
    /// With a next page that is another server's.
    Elsewhere,
    /// With a next page that is the same again and again.
    Circle,
    /// With a first page only, though it says that there are more.
    CutOff,
    /// Each answer takes so long.
    Slow(Duration),
}

#[derive(Debug)]
struct Held {
    resources: BTreeMap<(String, String), (Value, Timestamp)>,
    mood: Mood,
    page: usize,
    /// How far its clock is from the machine's.
    off: SignedDuration,
    /// What must stand in `Authorization`.
    token: Option<String>,
}

/// The server.
pub(crate) struct Shelf {
    server: Server,
    held: Arc<Mutex<Held>>,
}

impl Shelf {
    /// Holds nothing yet.
    pub(crate) fn new() -> Self {
        let held = Arc::new(Mutex::new(Held {
            resources: BTreeMap::new(),
            mood: Mood::Well,
            page: 2,
            off: SignedDuration::ZERO,
            token: None,
        }));
        let own = Arc::clone(&held);
        let server = Server::doing(Box::new(move |request, stream| answer(&own, request, stream)));
        Self { server, held }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// `[register.fhir]` for a gate that pulls from it.
    pub(crate) fn table(&self, more: &str) -> String {
        let address = self.address();
        format!("[register.fhir]\nurl = \"http://{address}/fhir\"\npoll_s = 1\n{more}")
    }

    /// Writes a resource.
    pub(crate) fn put(&self, resource: Value) {
        let text = |key: &str| resource[key].as_str().expect("a text").to_owned();
        let key = (text("resourceType"), text("id"));
        let mut held = self.held();
        let now = held.now();
        held.resources.insert(key, (resource, now));
    }

    /// Deletes one.
    pub(crate) fn delete(&self, kind: &str, id: &str) {
        let gone = self.held().resources.remove(&(kind.to_owned(), id.to_owned()));
        assert!(gone.is_some(), "{kind}/{id} is not there");
    }

    pub(crate) fn mood(&self, mood: Mood) {
        self.held().mood = mood;
    }

    /// Its clock goes by so much from here on.
    pub(crate) fn clock_off(&self, off: SignedDuration) {
        self.held().off = off;
    }

    pub(crate) fn wants(&self, token: &str) {
        self.held().token = Some(format!("Bearer {token}"));
    }

    /// The start lines of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.server.lines()
    }

    /// How many searches for everything, or for changes, have begun.
    pub(crate) fn searches(&self, full: bool) -> usize {
        let begun = |line: &&String| line.contains("/fhir/PractitionerRole?_count");
        let own = |line: &&String| line.contains("_lastUpdated") != full;
        self.lines().iter().filter(begun).filter(own).count()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn now(&self) -> Timestamp {
        Clock::System.now().checked_add(self.off).expect("a time")
    }
}

/// A practitioner of that staff number.
pub(crate) fn practitioner(id: &str, staff: &str) -> Value {
    json!({
        "resourceType": "Practitioner",
        "id": id,
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.4", "value": staff}],
        "name": [{"text": if staff == "D1005" { "秦可欣".to_owned() } else { format!("{staff}某") }}],
    })
}

/// A role that grants one procedure.
pub(crate) fn role(id: &str, practitioner: &str, code: &str) -> Value {
    json!({
        "resourceType": "PractitionerRole",
        "id": id,
        "active": true,
        "practitioner": {"reference": format!("Practitioner/{practitioner}")},
        "extension": [{"url": "urn:orgate:procedure-grant", "extension": [
            {"url": "code", "valueCoding": {"code": code}},
            {"url": "period", "valuePeriod": {"start": "2024-01-01"}},
            {"url": "document", "valueString": "院医务〔2026〕9号"},
            {"url": "documentDate", "valueDate": "2026-02-27"},
            {"url": "evaluated", "valueDate": "2026-02-01"},
        ]}],
    })
}

fn answer(held: &Mutex<Held>, request: &Message, stream: &mut TcpStream) {
    let (bytes, pause) = {
        let held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let pause = if let Mood::Slow(pause) = held.mood { pause } else { Duration::ZERO };
        (said(&held, request), pause)
    };
    std::thread::sleep(pause);
    match bytes {
        Some(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        None => {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn fhir(status: &str, body: &Value) -> Vec<u8> {
    response(status, &["Content-Type: application/fhir+json"], body.to_string().as_bytes())
}

/// What it answers; nothing: it closes.
fn said(held: &Held, request: &Message) -> Option<Vec<u8>> {
    let outcome = json!({"resourceType": "OperationOutcome"});
    let token = request.field("authorization").map(str::to_owned);
    if held.token.is_some() && held.token != token {
        return Some(fhir("401 Unauthorized", &outcome));
    }
    match held.mood {
        Mood::Silent => return None,
        Mood::Failing => return Some(fhir("500 Internal Server Error", &outcome)),
        Mood::Garbage => return Some(fhir("200 OK", &json!(["<html>", 7]))),
        _ => {}
    }
    let target = request.start().split(' ').nth(1)?.strip_prefix("/fhir/")?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if let Some((kind, id)) = path.split_once('/') {
        let own = held.resources.get(&(kind.to_owned(), id.to_owned()));
        let own = own.filter(|_| held.mood != Mood::Empty);
        return Some(own.map_or_else(
            || fhir("404 Not Found", &outcome),
            |(resource, _)| fhir("200 OK", resource),
        ));
    }
    Some(search(held, path, query, request.field("host").unwrap_or_default()))
}

fn search(held: &Held, kind: &str, query: &str, host: &str) -> Vec<u8> {
    let value = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(name, _)| *name == key).map(|(_, value)| value.to_owned()).next()
    };
    let since = value("_lastUpdated").map(|text| {
        let text = text.replace("%3A", ":");
        text.strip_prefix("ge").expect("ge").parse::<Timestamp>().expect("a time")
    });
    let found: Vec<&Value> = held
        .resources
        .iter()
        .filter(|((own, _), (_, at))| own == kind && since.is_none_or(|since| *at >= since))
        .map(|(_, (resource, _))| resource)
        .filter(|_| held.mood != Mood::Empty)
        .collect();
    let mut bundle = json!({
        "resourceType": "Bundle",
        "type": "searchset",
        "meta": {"lastUpdated": held.now().to_string()},
        "total": found.len(),
    });
    if value("_summary").is_some() {
        return fhir("200 OK", &bundle);
    }
    let from: usize = value("_offset").map_or(0, |text| text.parse().expect("a number"));
    if from > 0 && held.mood == Mood::HalfWay {
        return fhir("500 Internal Server Error", &json!({"resourceType": "OperationOutcome"}));
    }
    let page: Vec<Value> = found
        .iter()
        .skip(from)
        .take(held.page)
        .map(|own| json!({"resource": own, "search": {"mode": "match"}}))
        .collect();
    bundle["entry"] = json!(page);
    let next = from + held.page;
    let base = format!("http://{host}/fhir/{kind}?{query}");
    let link = match held.mood {
        Mood::Elsewhere => Some("http://127.0.0.1:1/fhir/Practitioner?_offset=2".to_owned()),
        Mood::Circle => Some(base.clone()),
        Mood::CutOff => None,
        _ if next < found.len() => {
            let bare = base.split("&_offset").next().unwrap_or(&base);
            Some(format!("{bare}&_offset={next}"))
        }
        _ => None,
    };
    if let Some(link) = link {
        bundle["link"] = json!([{"relation": "next", "url": link}]);
    }
    fhir("200 OK", &bundle)
}
