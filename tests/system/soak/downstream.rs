//! The systems behind the gate and the receiver of alerts: they count, and keep nothing but that.

use std::collections::HashMap;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::soak::book::{Book, one_more};
use crate::soak::traffic::read_control_id;
use crate::support::http::{Message, Reader, response};
use crate::support::message::acknowledgement;
use crate::support::read_some;

/// Something that listens until it is dropped.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    stop: Arc<AtomicBool>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes it.
        let _ = TcpStream::connect(self.address);
    }
}

/// Each connection has a thread.
fn listen(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> Listener {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("a port");
    let stop = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&stop);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            if own.load(Ordering::Relaxed) {
                return;
            }
            let _ = stream.set_nodelay(true);
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    Listener { address, stop }
}

/// The theatre's system: counts each message and acknowledges it.
pub(super) fn theatre(book: &Arc<Book>) -> Listener {
    let book = Arc::clone(book);
    listen(move |stream| acknowledge(stream, &book))
}

fn acknowledge(mut stream: TcpStream, book: &Book) {
    let (mut held, mut chunk) = (Vec::new(), [0; 16_384]);
    loop {
        match read_some(&mut stream, &mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => held.extend_from_slice(&chunk[..count]),
        }
        while let Some(end) = held.windows(2).position(|two| two == [0x1c, b'\r']) {
            let frame: Vec<u8> = held.drain(..end + 2).collect();
            let id = frame.split(|byte| *byte == b'|').nth(9).unwrap_or_default();
            match read_control_id(id) {
                Some(place) => book.came.add(place),
                None if id.starts_with(b"PROBE") => {}
                None => book.say(format!("downstream: {}", String::from_utf8_lossy(id))),
            }
            if stream.write_all(&acknowledgement("AA", id)).is_err() {
                return;
            }
        }
    }
}

/// A FHIR server: stores what it is given, each under an address of its own.
pub(super) fn fhir(book: &Arc<Book>) -> Listener {
    let book = Arc::clone(book);
    let stored = Arc::new(AtomicU64::new(0));
    listen(move |stream| {
        requests(stream, |request| {
            one_more(&book.fhir_came);
            let id = stored.fetch_add(1, Ordering::Relaxed);
            let location = format!("Location: http://server/fhir/ServiceRequest/{id}/_history/1");
            let json = "Content-Type: application/fhir+json;charset=utf-8";
            response("201 Created", &[json, &location], &request.body)
        });
    })
}

/// What a receiver of alerts was told: type and entry, and how often.
pub(super) type Told = Arc<Mutex<HashMap<(String, String), u32>>>;

/// A receiver of webhooks.
pub(super) fn receiver(told: &Told) -> Listener {
    let told = Arc::clone(told);
    listen(move |stream| {
        requests(stream, |request| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            *told.entry(alert(&request.body)).or_default() += 1;
            response("204 No Content", &[], b"")
        });
    })
}

/// Type and entry of an alert.
pub(super) fn alert(event: &[u8]) -> (String, String) {
    let event: serde_json::Value = serde_json::from_slice(event).expect("a CloudEvent");
    let text = |member: &str| event[member].as_str().unwrap_or_default().to_owned();
    (text("type"), text("subject"))
}

fn requests(mut stream: TcpStream, mut answer: impl FnMut(&Message) -> Vec<u8>) {
    let Ok(own) = stream.try_clone() else { return };
    let mut reader = Reader::new(own);
    while let Some(request) = reader.request() {
        if stream.write_all(&answer(&request)).is_err() {
            return;
        }
    }
}
