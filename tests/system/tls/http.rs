//! HTTPS: foreign clients on FHIR routes and the console, and FHIR servers behind https.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::certificates::{Authority, Pair, self_signed};
use crate::support::gate::{Hospital, text};
use crate::support::http::Client;
use crate::support::ledger::decisions;
use crate::support::resource::{clean, refused};
use crate::support::script::Script;
use crate::support::server::Server;
use crate::support::{foreign_program, repository};
use crate::tls::{hospital, port, table};

pub(super) const ORDERS: &str = "/fhir/ServiceRequest";

/// What a program told that was given this body.
fn told(command: &mut Command, body: &str) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(body.as_bytes()).expect("it reads");
    drop(stdin);
    let out = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("no JSON: {}", text(&out.stdout)))
}

/// A request by Python's own HTTPS client.
pub(super) fn ask(
    port: &str,
    ca: &str,
    method: &str,
    path: &str,
    body: &str,
    pair: &[String],
) -> Value {
    let mut command = Command::new(foreign_program("ORGATE_TEST_PYTHON"));
    command.arg(repository("tests/system/foreign/https_client.py"));
    told(command.args([port, ca, method, path]).args(pair), body)
}

/// Readings by Node's own HTTP/2 client.
fn ask_h2(port: &str, ca: &str, paths: &[&str]) -> Value {
    let mut command = Command::new(foreign_program("ORGATE_TEST_NODE"));
    command.arg(repository("tests/system/foreign/h2_client.js")).args([port, ca]).args(paths);
    told(&mut command, "")
}

#[test]
fn foreign_clients_write_and_read_fhir_by_https() {
    let server = Server::storing();
    let (hospital, _, [ca, cert, key]) = hospital();
    let tls = table("fhir.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.fhir("fhir", server.address, &["rewrite_base = \"on\"", &tls]);
    let gate = hospital.start();
    let good = ask(&port(&gate), &ca, "POST", ORDERS, &clean("A1").to_string(), &[]);
    assert_eq!(good["status"], 201, "{good}");
    assert_eq!(good["version"], "TLSv1.3");
    let bad = ask(&port(&gate), &ca, "POST", ORDERS, &refused("A2").to_string(), &[]);
    assert_eq!(bad["status"], 422, "{bad}");
    assert!(bad["body"].as_str().expect("a body").contains("OperationOutcome"));
    let came = &server.writes()[0];
    assert_eq!(server.writes().len(), 1);
    let forwarded = came.field("forwarded").expect("it says for whom");
    assert!(forwarded.contains("proto=https"), "{forwarded}");

    let both = ask_h2(&port(&gate), &ca, &["/fhir/Patient/1", "/outside"]);
    assert_eq!(both["protocol"], "h2", "{both}");
    assert_eq!(both["answers"][0]["status"], 404);
    assert_eq!(both["answers"][1]["status"], 404);
    assert!(both["answers"][1]["body"].as_str().expect("text").contains("OperationOutcome"));
}

#[test]
fn a_fhir_route_asks_for_client_certificates_where_it_is_told_to() {
    let server = Server::storing();
    let (hospital, authority, [ca, cert, key]) = hospital();
    let keys = [("cert", cert.as_str()), ("key", &key), ("client_ca", &ca)];
    let hospital = hospital.fhir("fhir", server.address, &[&table("fhir.tls", &keys)]);
    let gate = hospital.start();
    let order = clean("B1").to_string();
    let without = ask(&port(&gate), &ca, "POST", ORDERS, &order, &[]);
    assert!(without["wrong"].is_string(), "{without}");
    gate.says("why=no-certificate");
    let stranger = hospital.pair("stranger", &self_signed("stranger"));
    let other = ask(&port(&gate), &ca, "POST", ORDERS, &order, &stranger);
    assert!(other["wrong"].is_string(), "{other}");
    assert!(server.requests().is_empty(), "nothing went on");
    let own = hospital.pair("engine", &authority.issue("engine"));
    let with = ask(&port(&gate), &ca, "POST", ORDERS, &order, &own);
    assert_eq!(with["status"], 201, "{with}");
}

#[test]
fn the_console_is_served_by_https_and_its_cookies_are_for_https_only() {
    let (hospital, _, [ca, cert, key]) = hospital();
    let hospital = hospital.set(&table("console.tls", &[("cert", &cert), ("key", &key)]));
    let gate = hospital.start();
    let console = gate.console().port().to_string();
    let ready = ask(&console, &ca, "GET", "/readyz", "", &[]);
    assert_eq!(ready["status"], 200, "{ready}");
    let metrics = ask(&console, &ca, "GET", "/metrics", "", &[]);
    let metrics = metrics["body"].as_str().expect("a body");
    let line = metrics.lines().find(|line| line.starts_with("orgate_certificate_expiry_seconds{"));
    let line = line.unwrap_or_else(|| panic!("{metrics}"));
    assert!(line.contains("route=\"console\"") && line.contains("side=\"listener\""), "{line}");
    let both = ask_h2(&console, &ca, &["/livez", "/.well-known/authzen-configuration", "/login"]);
    assert_eq!(both["protocol"], "h2", "{both}");
    assert_eq!(both["answers"][0]["status"], 200);
    let asked = both["answers"][1]["body"].as_str().expect("a body");
    assert!(asked.contains(&format!("\"https://localhost:{console}\"")), "{asked}");
    assert_eq!(both["answers"][2]["status"], 200);
    let login = ask(&console, &ca, "GET", "/login", "", &[]);
    let cookies = login["cookies"].as_array().expect("a list");
    assert!(!cookies.is_empty(), "{login}");
    for cookie in cookies {
        assert!(cookie.as_str().expect("text").contains("; Secure"), "{cookie}");
    }

    let mut plain = Client::connect(gate.console());
    assert!(plain.try_get("/livez").is_none(), "nothing is told by http");
    gate.says("plain bytes on a TLS port");
}

#[test]
fn tls_on_a_plain_http_port_ends_and_the_log_says_what_to_do() {
    let server = Server::storing();
    let (hospital, _, [ca, ..]) = hospital();
    let hospital = hospital.fhir("fhir", server.address, &[]);
    let gate = hospital.start();
    for port in [port(&gate), gate.console().port().to_string()] {
        let outcome = ask(&port, &ca, "GET", "/fhir/Patient/1", "", &[]);
        assert!(outcome["wrong"].is_string(), "{outcome}");
    }
    gate.says("TLS on a plain port, connection closed: let the sender speak plain, or write a table `tls` for this listener route=fhir");
    gate.says("TLS on a plain port, connection closed: let the sender speak plain, or write a table `tls` for this listener route=console");
    assert!(server.requests().is_empty());
}

/// A FHIR server by Python behind https.
fn behind(hospital: &Hospital, pair: &Pair, client_ca: Option<&str>) -> Script {
    let [cert, key] = hospital.pair("server", pair);
    let mut arguments = vec![cert.as_str(), &key];
    arguments.extend(client_ca);
    Script::python("https_server.py", &arguments)
}

fn https(server: &Script) -> String {
    format!("upstream = \"https://localhost:{}/fhir\"", server.address().port())
}

#[test]
fn a_fhir_server_behind_https_is_trusted_by_its_ca_and_trusts_the_gate_by_its_certificate() {
    let (hospital, authority, [ca, cert, key]) = hospital();
    let server = behind(&hospital, &authority.issue("server"), Some(&ca));
    let keys = [("ca", ca.as_str()), ("cert", &cert), ("key", &key)];
    let settings = [https(&server), table("fhir.upstream_tls", &keys)];
    let settings = settings.each_ref().map(String::as_str);
    let hospital = hospital.fhir("fhir", server.address(), &settings);
    let gate = hospital.start();
    let mut client = Client::connect(gate.address());
    let answer = client.write("POST", ORDERS, &clean("H1").to_string());
    assert_eq!(answer.status(), 201, "{answer:?}");
    let answer = client.write("POST", ORDERS, &refused("H2").to_string());
    assert_eq!(answer.status(), 422, "{answer:?}");
    assert_eq!(server.told().len(), 1);
    assert_eq!(server.told()[0]["path"], ORDERS);
}

#[test]
fn a_fhir_server_whose_certificate_does_not_hold_gets_nothing_and_the_client_502() {
    let authority = Authority::new("the hospital's CA");
    let names = ["localhost"];
    let shown = [
        (self_signed("server"), "certificate-unknown-issuer"),
        (authority.issue_for("server", &names, (-30, -1)), "certificate-expired"),
        (authority.issue_for("server", &["his.example"], (-1, 9)), "certificate-wrong-name"),
    ];
    for (pair, why) in shown {
        let hospital = Hospital::new();
        let ca = hospital.file("ca.pem", &authority.pem);
        let server = behind(&hospital, &pair, None);
        let settings = [https(&server), table("fhir.upstream_tls", &[("ca", &ca)])];
        let settings = settings.each_ref().map(String::as_str);
        let hospital = hospital.fhir("fhir", server.address(), &settings);
        let gate = hospital.start();
        let mut client = Client::connect(gate.address());
        let answer = client.write("POST", ORDERS, &clean("X1").to_string());
        assert_eq!(answer.status(), 502, "{answer:?}");
        gate.says(&format!("why={why}"));
        assert_eq!(server.told(), Vec::<Value>::new());
        assert_eq!(decisions(gate.data()).len(), 1, "it was judged, and not delivered");
    }
}

#[test]
fn a_fhir_server_that_wants_a_certificate_gets_nothing_without_one() {
    let (hospital, authority, [ca, ..]) = hospital();
    let server = behind(&hospital, &authority.issue("server"), Some(&ca));
    let settings = [https(&server), table("fhir.upstream_tls", &[("ca", &ca)])];
    let settings = settings.each_ref().map(String::as_str);
    let hospital = hospital.fhir("fhir", server.address(), &settings);
    let gate = hospital.start();
    let mut client = Client::connect(gate.address());
    let answer = client.write("POST", ORDERS, &clean("C1").to_string());
    assert_eq!(answer.status(), 502, "{answer:?}");
    assert_eq!(server.told(), Vec::<Value>::new());
}
