//! A FHIR server and FHIR clients that others wrote (Medplum's router, fhir-kit-client, fhirpy), with the gate between.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decision, decisions};
use crate::support::{eventually, foreign_program, repository};

/// A script of `tests/system/foreign/fhir/`, for whatever runs it.
fn script(program: &str, name: &str) -> Command {
    let mut command = Command::new(foreign_program(program));
    command
        .arg(repository("tests/system/foreign/fhir").join(name))
        .env("PYTHONIOENCODING", "utf-8")
        .env("NODE_PATH", foreign_program("ORGATE_TEST_NODE_MODULES"));
    command
}

/// Medplum's router; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut command = script("ORGATE_TEST_NODE", "server.cjs");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("node runs");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next().expect("the server starts").expect("text");
        let port = first.strip_prefix("port ").and_then(|port| port.parse().ok());
        let port: u16 = port.unwrap_or_else(|| panic!("no port: {first}"));
        let asked = Arc::<Mutex<Vec<Value>>>::default();
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("a line of JSON");
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { child, address: ([127, 0, 0, 1], port).into(), asked }
    }

    /// Method and path of every write that came.
    fn writes(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |asked: &Value| format!("{} {}", of(asked, "method"), of(asked, "path"));
        asked.iter().map(line).filter(|line| !line.starts_with("GET")).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn of<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn gate_before(server: &Server) -> (Hospital, Gate) {
    let hospital = Hospital::new().fhir("fhir", server.address, &[]);
    let gate = hospital.start();
    (hospital, gate)
}

/// Runs a client through the gate; gives what it says of each step.
fn play(client: &mut Command, gate: &Gate) -> Vec<Value> {
    let out = client.arg(format!("http://{}/fhir", gate.route("fhir"))).output().expect("it runs");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let lines = text(&out.stdout);
    lines.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[test]
fn a_client_and_a_server_that_others_wrote_do_a_mornings_work_through_the_gate() {
    let server = Server::start();
    let (hospital, gate) = gate_before(&server);
    let steps = play(&mut script("ORGATE_TEST_NODE", "client.cjs"), &gate);
    let told = |name: &str| {
        let step = steps.iter().find(|step| step["step"] == name);
        let step = step.unwrap_or_else(|| panic!("no step {name}: {steps:#?}"));
        let rules = step["rules"].as_array().expect("rules");
        let rules: Vec<&str> = rules.iter().filter_map(Value::as_str).collect();
        (step["status"].as_u64().unwrap_or_default(), rules.join(" "), step["bundle"].to_string())
    };
    let passed = |name: &str, status: u64| assert_eq!(told(name).0, status, "{steps:#?}");
    let refused = |name: &str| {
        let (status, rules, _) = told(name);
        assert_eq!(status, 422, "{name}: {steps:#?}");
        assert!(rules.contains("grant-missing"), "{name}: {rules}");
    };
    passed("practitioner", 201);
    passed("order granted, by reference", 201);
    refused("order refused");
    passed("emergency", 201);
    passed("read", 200);
    passed("search", 200);
    passed("search by POST", 200);
    refused("update refused");
    refused("patch refused");
    passed("patch", 200);
    refused("transaction refused");
    passed("transaction", 200);
    passed("batch in part", 200);
    let (_, _, entries) = told("batch in part");
    assert_eq!(entries.matches("\"201").count(), 2, "{entries}");
    assert_eq!(entries.matches("\"422").count(), 1, "{entries}");
    passed("revoke", 200);
    passed("delete", 200);

    let writes = eventually("the server's last line", || {
        let writes = server.writes();
        writes.last().is_some_and(|last| last.starts_with("DELETE")).then_some(writes)
    });
    let count = |start: &str| writes.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("POST /fhir/ServiceRequest"), 3, "granted, emergency, search: {writes:?}");
    assert_eq!(count("PUT"), 0, "{writes:?}");
    assert_eq!(count("PATCH"), 2, "{writes:?}");
    let refusals = decisions(&hospital.data());
    let refusals = refusals.iter().filter(|entry| decision(entry) == "block").count();
    assert_eq!(
        refusals, 4,
        "order, update, patch, transaction; the one of the batch is the first again"
    );
}

#[test]
fn a_client_in_another_language_is_told_what_was_refused() {
    let server = Server::start();
    let (_hospital, gate) = gate_before(&server);
    let steps = play(&mut script("ORGATE_TEST_PYTHON", "client.py"), &gate);
    let good = |name: &str| {
        let step = steps.iter().find(|step| step["step"] == name);
        let step = step.unwrap_or_else(|| panic!("no step {name}: {steps:#?}"));
        (step["good"].as_bool().unwrap_or_default(), step["found"].to_string())
    };
    assert_eq!(good("order granted"), (true, "true".to_owned()), "{steps:#?}");
    for name in ["order refused", "change refused"] {
        let (passed, found) = good(name);
        assert!(!passed && found.contains("grant-missing"), "{name}: {steps:#?}");
    }
    assert_eq!(good("emergency"), (true, "true".to_owned()), "{steps:#?}");
    assert_eq!(good("search"), (true, "2".to_owned()), "{steps:#?}");
    assert_eq!(good("call off"), (true, "\"revoked\"".to_owned()), "{steps:#?}");
}
