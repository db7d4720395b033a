//! A stand-in for a FHIR server: records every request as it came, and answers as a test wants it.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::support::eventually;
use crate::support::http::{Message, Reader, response};
use crate::support::listening::Listening;

/// What the stand-in does with a request, on the connection it came on.
type Behaviour = Box<dyn FnMut(&Message, &mut TcpStream) + Send>;

#[derive(Default)]
struct Seen {
    requests: Vec<Message>,
    connections: usize,
}

/// It listens on an address of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    behaviour: Arc<Mutex<Behaviour>>,
    listening: Mutex<Option<Listening>>,
}

impl Server {
    /// Stores what is written and finds nothing: 201 with a Location for POST, 200 for what else is written, 404 for GET.
    pub(crate) fn storing() -> Self {
        Self::doing(Box::new(|request, stream| {
            let _ = stream.write_all(&stored(request));
        }))
    }

    /// Holds these resources by `Type/id`, and stores like [`Server::storing`].
    pub(crate) fn holding(resources: Vec<Value>) -> Self {
        Self::doing(Box::new(move |request, stream| {
            let _ = stream.write_all(&held(&resources, request).unwrap_or_else(|| stored(request)));
        }))
    }

    /// Answers with these bytes.
    pub(crate) fn answering(bytes: Vec<u8>) -> Self {
        Self::doing(Box::new(move |_, stream| {
            let _ = stream.write_all(&bytes);
        }))
    }

    /// Does whatever a test wants.
    pub(crate) fn doing(behaviour: Behaviour) -> Self {
        Self::at("127.0.0.1", behaviour)
    }

    /// The same at an address of the machine, which may be one that nobody else uses.
    pub(crate) fn at(address: &str, behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("an address"),
            seen: Arc::default(),
            behaviour: Arc::new(Mutex::new(behaviour)),
            listening: Mutex::default(),
        };
        server.listen_by(listener);
        server
    }

    fn listen_by(&self, listener: TcpListener) {
        let (seen, behaviour) = (Arc::clone(&self.seen), Arc::clone(&self.behaviour));
        let each = move |stream| {
            let (seen, behaviour) = (Arc::clone(&seen), Arc::clone(&behaviour));
            lock(&seen).connections += 1;
            std::thread::spawn(move || connection(stream, &seen, &behaviour));
        };
        *lock(&self.listening) = Some(Listening::on(listener, each));
    }

    /// From now on does this.
    pub(crate) fn now(&self, behaviour: Behaviour) {
        *lock(&self.behaviour) = behaviour;
    }

    /// From now on who connects is refused, as where nothing runs.
    pub(crate) fn refuse(&self) {
        *lock(&self.listening) = None;
    }

    /// Accepts again, at the same address.
    pub(crate) fn listen_again(&self) {
        let listener =
            eventually("its own address is free", || TcpListener::bind(self.address).ok());
        self.listen_by(listener);
    }

    /// Every request that ever came whole.
    pub(crate) fn requests(&self) -> Vec<Message> {
        lock(&self.seen).requests.clone()
    }

    /// The requests that were no readings.
    pub(crate) fn writes(&self) -> Vec<Message> {
        let mut requests = self.requests();
        requests.retain(|request| !request.start().starts_with("GET "));
        requests
    }

    /// The start lines of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests().iter().map(|request| request.start().to_owned()).collect()
    }

    /// How many connections were ever opened.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.seen).connections
    }

    /// Waits until so many requests have come.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<Message> {
        eventually(&format!("{count} requests at the stand-in"), || {
            let requests = self.requests();
            (requests.len() >= count).then_some(requests)
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn connection(stream: TcpStream, seen: &Mutex<Seen>, behaviour: &Mutex<Behaviour>) {
    let Ok(mut writer) = stream.try_clone() else { return };
    let mut reader = Reader::new(stream);
    while let Some(request) = reader.request() {
        lock(seen).requests.push(request.clone());
        (lock(behaviour))(&request, &mut writer);
    }
    let _ = writer.shutdown(Shutdown::Both);
}

/// The answer of a server that stores.
pub(crate) fn stored(request: &Message) -> Vec<u8> {
    let mut words = request.start().split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let json = "Content-Type: application/fhir+json;charset=utf-8";
    match method {
        "GET" => response("404 Not Found", &[json], b"{\"resourceType\":\"OperationOutcome\"}"),
        "POST" if target == "/fhir" || target == "/fhir/" => {
            response("200 OK", &[json], bundle_response(&request.body).as_bytes())
        }
        "POST" => {
            let kind = target.split('?').next().and_then(|path| path.rsplit('/').next());
            let kind = kind.unwrap_or_default();
            let location = format!("Location: http://server/fhir/{kind}/77/_history/1");
            response("201 Created", &[json, &location, "ETag: W/\"1\""], &request.body)
        }
        _ => response("200 OK", &[json], &request.body),
    }
}

/// A response with an entry for each of the request's.
fn bundle_response(body: &[u8]) -> String {
    let bundle: Value = serde_json::from_slice(body).unwrap_or_default();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let answers = entries.iter().enumerate().map(|(at, entry)| {
        let kind = entry["request"]["url"].as_str().unwrap_or_default();
        format!(
            "{{\"response\" : {{\"status\": \"201 Created\", \"location\": \"{kind}/{}/_history/1\"}}}}",
            100 + at
        )
    });
    let kind = bundle["type"].as_str().unwrap_or_default();
    format!(
        "{{\"resourceType\":\"Bundle\", \"type\":\"{kind}-response\",\n \"entry\":[{}]}}",
        answers.collect::<Vec<_>>().join(", ")
    )
}

fn held(resources: &[Value], request: &Message) -> Option<Vec<u8>> {
    let target = request.start().strip_prefix("GET /fhir/")?.split(' ').next()?;
    let named = |resource: &Value| {
        let text = |member: &str| resource[member].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", text("resourceType"), text("id")) == target
    };
    let own = resources.iter().find(|resource| named(resource))?;
    Some(response("200 OK", &["Content-Type: application/fhir+json"], own.to_string().as_bytes()))
}
