//! CDS Hooks at the pace of a hospital: 50 calls of order-sign a second, beside a plain axum echo on the same machine,
//! asked in turn by the same client. `cargo bench --bench hooks`; `ORGATE=/path/to/orgate` for another gate than the one
//! built from this tree. To reach: p99 of 50 ms on two cores.
//!
//! Each call is one order, clean, read by the R4 mapping without any look-up, judged, written and synced
//! (`sync = "every"`) before it is answered. A call that comes late because one before it was slow is counted from when
//! it was due.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark prints, and ends at the first thing that is wrong"
)]

#[path = "../shared/measured.rs"]
mod measured;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use orgate::clock::monotonic;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

use measured::{Round, SURGEONS, gate};

/// Calls a second.
const RATE: u32 = 50;
/// For so long.
const SECONDS: u32 = 10;
/// Connections that take turns: a screen keeps one.
const CONNECTIONS: u32 = 8;
/// Calls before the clock runs, so that surgeons are in memory.
const WARM: u32 = 50;

fn main() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let route = "[[mllp]]\nname = \"his\"\nupstream = \"127.0.0.1:1\"\n\
                 mapping = \"mappings/hl7v2/standard.toml\"\n";
    let gate = gate(folder.path(), "every", route);
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let echo = runtime.block_on(echo());
    println!("{RATE} calls a second for {SECONDS} s on {CONNECTIONS} connections, times in ms");
    println!("{:<28} {:>8} {:>8} {:>8}", "", "p50", "p99", "max");
    for (name, address) in [("axum echo", echo), ("orgate order-sign", gate.console)] {
        let mut took = runtime.block_on(run(address));
        took.sort_unstable();
        let longest = took.last().copied().unwrap();
        let round = Round::of(took, Duration::from_secs(u64::from(SECONDS)), 0.0);
        let longest = longest.as_secs_f64() * 1e3;
        println!("{name:<28} {:>8.2} {:>8.2} {longest:>8.2}", round.p50 / 1e3, round.p99 / 1e3);
    }
}

/// Reads a body and gives it back.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let path = "/cds-services/orgate-order-sign";
    let app = axum::Router::new().route(path, axum::routing::post(async |body: bytes::Bytes| body));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// One call of order-sign; every surgeon holds a grant for the procedure.
fn call(nth: u32) -> Vec<u8> {
    let surgeon = usize::try_from(nth).unwrap() % SURGEONS;
    let body = serde_json::json!({
        "hook": "order-sign",
        "hookInstance": format!("d1577c69-dfbe-44ad-ba6d-3e05{nth:08x}"),
        "context": {
            "userId": "Practitioner/12",
            "patientId": format!("P{nth}"),
            "draftOrders": {
                "resourceType": "Bundle",
                "entry": [{
                    "resource": {
                        "resourceType": "ServiceRequest",
                        "id": format!("s{nth}"),
                        "status": "draft",
                        "intent": "order",
                        "category": [{ "coding": [{ "system": "http://snomed.info/sct", "code": "387713003" }] }],
                        "code": { "coding": [{ "code": "51.2300", "display": "腹腔镜下胆囊切除术" }] },
                        "subject": { "reference": format!("Patient/P{nth}") },
                        "performer": [{
                            "identifier": {
                                "system": "urn:oid:2.16.156.10011.1.4",
                                "value": format!("D{surgeon:02}"),
                            }
                        }],
                    }
                }],
            },
        },
        "prefetch": {
            "patient": { "resourceType": "Patient", "id": format!("P{nth}"), "name": [{ "text": "赵样例" }] },
            "encounter": null,
        },
    })
    .to_string();
    let head = format!(
        "POST /cds-services/orgate-order-sign HTTP/1.1\r\nHost: gate\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body.into_bytes()].concat()
}

/// Calls at the pace, spread over the connections.
async fn run(address: SocketAddr) -> Vec<Duration> {
    let mut warm = TcpStream::connect(address).await.unwrap();
    for nth in 0..WARM {
        ask(&mut warm, &call(nth)).await;
    }
    let began = monotonic();
    let mut tasks = Vec::new();
    for own in 0..CONNECTIONS {
        tasks.push(tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut took = Vec::new();
            for nth in (own..RATE * SECONDS).step_by(usize::try_from(CONNECTIONS).unwrap()) {
                let due: Instant = began + Duration::from_secs(1) * nth / RATE;
                let message = call(WARM + nth);
                tokio::time::sleep_until(due.into()).await;
                ask(&mut stream, &message).await;
                took.push(monotonic().saturating_duration_since(due));
            }
            took
        }));
    }
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.unwrap());
    }
    all
}

/// Sends a call and reads its answer whole.
async fn ask(stream: &mut TcpStream, call: &[u8]) {
    stream.write_all(call).await.unwrap();
    let mut came = Vec::new();
    loop {
        stream.read_buf(&mut came).await.unwrap();
        let text = String::from_utf8_lossy(&came);
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("HTTP/1.1 200"), "{text}");
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
        });
        if came.len() >= head.len() + 4 + length.unwrap() {
            // An order that is not clean would have a card, and the echo has no cards to look at.
            assert!(!text.contains("\"indicator\""), "{text}");
            return;
        }
    }
}
