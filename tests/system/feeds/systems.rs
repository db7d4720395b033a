//! What other systems take: NATS JetStream, a FHIR server, an HL7 v2 inbox.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::feeds::feed;
use crate::support::gate::Hospital;
use crate::support::message::Draft;
use crate::support::script::Script;
use crate::support::upstream::{Upstream, nobody};
use crate::support::{eventually, foreign_program, repository};

/// nats-server with JetStream on a port of its own choice.
struct Broker {
    _script: Script,
    folder: tempfile::TempDir,
}

impl Broker {
    fn start(folder: tempfile::TempDir, port: &str) -> Self {
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut command = Command::new(foreign_program("ORGATE_TEST_NATS_SERVER"));
        command.args(["-a", "127.0.0.1", "-p", port, "-js", "-sd", &path("js")]);
        command.args(["--ports_file_dir", &folder.path().display().to_string()]);
        command.args(["--user", "orgate", "--pass", "p-1"]);
        for old in std::fs::read_dir(folder.path()).expect("a folder").flatten() {
            if old.path().extension().is_some_and(|end| end == "ports") {
                std::fs::remove_file(old.path()).expect("it can be removed");
            }
        }
        Self { _script: Script::start(&mut command), folder }
    }

    fn port(&self) -> String {
        eventually("the NATS server's port", || {
            let files = std::fs::read_dir(self.folder.path()).ok()?.flatten();
            let mut files = files.filter(|f| f.path().extension().is_some_and(|e| e == "ports"));
            let text = std::fs::read_to_string(files.next()?.path()).ok()?;
            let ports: Value = serde_json::from_str(&text).ok()?;
            let url = ports["nats"][0].as_str()?.to_owned();
            url.rsplit(':').next().map(str::to_owned)
        })
    }
}

async fn stream(port: &str) -> async_nats::jetstream::stream::Stream {
    let options = async_nats::ConnectOptions::with_user_and_password("orgate".into(), "p-1".into());
    let client = options.connect(format!("nats://127.0.0.1:{port}")).await.expect("it connects");
    let context = async_nats::jetstream::new(client);
    let config = async_nats::jetstream::stream::Config {
        name: "ALERTS".to_owned(),
        subjects: vec!["orgate.alerts.>".to_owned()],
        ..Default::default()
    };
    context.get_or_create_stream(config).await.expect("a stream")
}

#[test]
fn jetstream_takes_each_alert_once_though_server_and_gate_are_killed() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let broker = Broker::start(tempfile::tempdir().expect("a folder"), "-1");
    let port = broker.port();
    runtime.block_on(stream(&port));
    let upstream = Upstream::accepting();
    let base = Hospital::new();
    let password = base.file("password", "p-1");
    let hospital = base
        .set(&feed(
            "nats",
            "nats",
            &[
                &format!("url = \"nats://127.0.0.1:{port}\""),
                "user = \"orgate\"",
                &format!("password_file = {password:?}"),
                "stream = \"ALERTS\"",
            ],
        ))
        .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    let send = |client: &mut crate::support::client::Client, from: usize| {
        for n in from..from + 10 {
            client.ask(&Draft::refused(format!("J{n}")).bytes());
        }
    };
    send(&mut client, 0);
    let Broker { _script: server, folder } = broker;
    drop(server);
    send(&mut client, 10);
    gate.kill();
    let mut gate = hospital.start();
    send(&mut gate.connect(), 20);
    let broker = Broker::start(folder, &port);
    broker.port();
    runtime.block_on(async {
        let mut stream = stream(&port).await;
        let mut count = 0;
        for _ in 0..600 {
            count = stream.info().await.expect("it answers").state.messages;
            if count >= 30 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let mut ids = Vec::new();
        for sequence in 1..=count {
            let message = stream.get_raw_message(sequence).await.expect("a message");
            assert_eq!(&*message.subject, "orgate.alerts.order.blocked");
            let event: Value = serde_json::from_slice(&message.payload).expect("JSON");
            let id = event["id"].as_str().expect("an id").to_owned();
            assert_eq!(message.headers.get("Nats-Msg-Id").map(|v| v.as_str()), Some(id.as_str()));
            ids.push(id);
        }
        let mut sorted = ids.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 30);
        assert_eq!(ids.len(), 30, "the stream drops repetitions by the message id");
        assert_eq!(ids, sorted, "in the order of the ledger: ids sort by time");
    });
    gate.stop();
}

#[test]
fn a_his_inbox_gets_the_refusal_a_second_way() {
    let downstream = Script::python("server.py", &[]);
    let inbox = downstream.address();
    let upstream = Upstream::accepting();
    let hospital = Hospital::new()
        .set(&feed(
            "inbox",
            "hl7v2",
            &[
                &format!("to = \"{inbox}\""),
                "receiving_application = \"HIS\"",
                "patient = \"full\"",
            ],
        ))
        .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    gate.connect().ask(&Draft::refused("H1").bytes());
    let hex = downstream.says("message ");
    let digits = |two: &[u8]| String::from_utf8(two.to_vec()).expect("ASCII");
    let byte = |two: &[u8]| u8::from_str_radix(&digits(two), 16).expect("hex");
    let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(byte).collect();
    let text = String::from_utf8(bytes).expect("UTF-8");
    gate.stop();
    let lines: Vec<&str> = text.split('\r').collect();
    assert!(lines[0].starts_with("MSH|^~\\&|ORGATE|test-gate|HIS||"), "{text}");
    assert!(lines[0].contains("|ORU^R01^ORU_R01|"), "{text}");
    assert!(lines[1].starts_with("PID|1||P2699001^^^^PI"), "{text}");
    let of = |name: &str| lines.iter().filter(|line| line.starts_with(name)).count();
    assert_eq!([of("OBR"), of("ORC"), of("PV1")], [1, 1, 1], "{text}");
    assert!(text.contains("OBR|1|SQH1|"), "{text}");
    assert!(text.contains("orgate.order.blocked") && text.contains("grant-missing^"), "{text}");
}

#[test]
fn an_emergency_is_a_break_glass_on_the_fhir_server() {
    let mut command = Command::new(foreign_program("ORGATE_TEST_NODE"));
    command
        .arg(repository("tests/system/foreign/fhir/server.cjs"))
        .env("NODE_PATH", foreign_program("ORGATE_TEST_NODE_MODULES"));
    let server = Script::start(&mut command);
    let address = server.address();
    let upstream = Upstream::accepting();
    let hospital = Hospital::new()
        .set(&feed("audit", "fhir", &[&format!("url = \"http://{address}/fhir\"")]))
        .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    client.ask(&Draft::emergency("A1").bytes());
    client.ask(&Draft::refused("A2").bytes());
    eventually("both AuditEvents", || {
        let posts = server.told().iter().filter(|r| r["method"] == "POST").count();
        (posts >= 2).then_some(())
    });
    gate.stop();
    let found = get(address, "/fhir/AuditEvent?_sort=_lastUpdated");
    let entries = found["entry"].as_array().expect("a searchset");
    assert_eq!(entries.len(), 2, "{found}");
    let event = |code: &str| {
        let has = |e: &&Value| e["resource"]["subtype"].to_string().contains(code);
        entries.iter().find(has).unwrap_or_else(|| panic!("{code}: {found}"))["resource"].clone()
    };
    let override_event = event("110127");
    assert_eq!(override_event["purposeOfEvent"][0]["coding"][0]["code"], "ETREAT");
    assert_eq!(override_event["type"]["code"], "110113");
    assert_eq!(override_event["agent"][1]["altId"], "D1005");
    let refused = event("orgate.order.blocked");
    assert_eq!([&refused["outcome"], &override_event["outcome"]], [&json!("4"), &json!("0")]);
    assert!(!found.to_string().contains("P2699001"));
}

/// A GET without ceremony.
fn get(address: std::net::SocketAddr, path: &str) -> Value {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).expect("it listens");
    let ask = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(ask.as_bytes()).expect("it reads");
    let mut came = String::new();
    stream.read_to_string(&mut came).expect("it answers");
    let (_, body) = came.split_once("\r\n\r\n").expect("a response");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {came}"))
}

#[test]
fn a_receiver_that_is_away_delays_neither_orders_nor_the_end() {
    let upstream = Upstream::accepting();
    let to = nobody();
    let hospital = [
        feed("hook", "webhook", &[&format!("url = \"http://{to}/\"")]),
        feed("inbox", "hl7v2", &[&format!("to = \"{to}\"")]),
        feed("nats", "nats", &[&format!("url = \"nats://{to}\"")]),
        feed(
            "mail",
            "mail",
            &[
                &format!("smtp = \"{to}\""),
                "tls = \"none\"",
                "from = \"a@b.example\"",
                "to = [\"c@d.example\"]",
                "group_s = 0",
            ],
        ),
    ]
    .iter()
    .fold(Hospital::new(), |hospital, feed| hospital.set(feed))
    .route("his", upstream.address, &[]);
    let mut gate = hospital.start();
    let mut client = gate.connect();
    for n in 0..20 {
        client.ask(&Draft::refused(format!("Z{n}")).bytes());
    }
    for feed in ["hook", "inbox", "nats", "mail"] {
        eventually(feed, || {
            let failed = format!("they will be tried again feed={feed}");
            gate.lines().iter().any(|line| line.contains(&failed)).then_some(())
        });
    }
    gate.still_serves("Z99");
    gate.stop();
}
