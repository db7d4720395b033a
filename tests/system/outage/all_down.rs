//! Everything is down: a real HAProxy sends orders straight to the downstream system, and they are judged afterwards.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::support::client::Client;
use crate::support::gate::{Gate, Hospital, text};
use crate::support::ledger::{decision, decisions, decisions_of, findings};
use crate::support::message::{Draft, admission, control_id, framed};
use crate::support::reply::code;
use crate::support::upstream::{Upstream, accepted};
use crate::support::{eventually, foreign_program, repository};

/// A port that nobody uses, for who must be found again at the same place.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

/// A hospital whose gate has addresses that outlive it.
fn hospital(upstream: SocketAddr) -> (Hospital, u16, u16) {
    let (route, console) = (port(), port());
    let mut hospital = Hospital::new().route("his", upstream, &[]);
    hospital.listen(&format!("127.0.0.1:{console}"));
    hospital.change("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{route}\""));
    (hospital, route, console)
}

struct Balancer {
    child: Child,
    address: SocketAddr,
    /// How often each message was sent, by its MSH-10.
    sent: RefCell<BTreeMap<Vec<u8>, usize>>,
}

impl Balancer {
    fn start(gates: [(u16, u16); 2], downstream: SocketAddr) -> Self {
        let address: SocketAddr = format!("127.0.0.1:{}", port()).parse().expect("an address");
        let mut command = Command::new(foreign_program("ORGATE_TEST_HAPROXY"));
        command
            .args(["-db", "-f"])
            .arg(repository("config/haproxy.cfg"))
            .env("ORGATE_LISTEN", address.to_string())
            .env("ORGATE_DOWNSTREAM", downstream.to_string())
            .env("ORGATE_CHECK_MS", "100")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for (nth, (route, console)) in gates.into_iter().enumerate() {
            let nth = nth + 1;
            command
                .env(format!("ORGATE_GATE_{nth}"), format!("127.0.0.1:{route}"))
                .env(format!("ORGATE_CONSOLE_{nth}_HOST"), "127.0.0.1")
                .env(format!("ORGATE_CONSOLE_{nth}_PORT"), console.to_string());
        }
        Self { child: command.spawn().expect("haproxy runs"), address, sent: RefCell::default() }
    }

    /// Sends until it is answered, as a HIS does that connects anew; gives the answer.
    fn delivers(&self, payload: &[u8]) -> Vec<u8> {
        eventually("an answer", || {
            let mut client = Client::try_connect(self.address)?;
            *self.sent.borrow_mut().entry(control_id(payload)).or_default() += 1;
            client.try_send(&framed(payload)).then_some(())?;
            client.next_frame().map(|frame| answer_payload(&frame))
        })
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn with_every_gate_dead_orders_still_arrive_and_are_judged_and_recorded_afterwards() {
    let upstream = Upstream::accepting();
    let (first, route_1, console_1) = hospital(upstream.address);
    let (second, route_2, console_2) = hospital(upstream.address);
    let (mut gate_1, mut gate_2) = (first.start(), second.start());
    let balancer = Balancer::start([(route_1, console_1), (route_2, console_2)], upstream.address);
    let refused = Draft::refused("A1");
    assert_eq!(code(&balancer.delivers(&refused.bytes())), "AE", "gates stand before it");
    assert_eq!(code(&balancer.delivers(&Draft::clean("A2").bytes())), "AA");
    // One gate alone serves on.
    gate_1.kill();
    assert_eq!(code(&balancer.delivers(&Draft::refused("A3").bytes())), "AE");
    gate_2.kill();
    let outage = [
        admission("B1"),
        Draft::clean("B2").bytes(),
        Draft::refused("B3").bytes(),
        Draft::emergency("B4").bytes(),
    ];
    for message in &outage {
        let frame = framed(message);
        let answer = balancer.delivers(message);
        assert_eq!(framed(&answer), accepted(&frame));
    }
    // The same connection stays on the direct line, until a gate is back.
    let mut stays = Client::connect(balancer.address);
    assert_eq!(code(&stays.ask(&Draft::clean("B5").bytes())), "AA");
    let arrived = upstream.frames();
    // HAProxy ends connections when it learns that a gate is dead, also one that has just gone on to the direct line: its
    // message has arrived, and is sent again.
    let ids = arrivals(&arrived);
    assert!(ids.keys().eq(["A2", "B1", "B2", "B3", "B4", "B5"].map(str::as_bytes)), "{ids:?}");
    for (id, count) in &ids {
        // B5 went once, on a connection of its own.
        let sent = balancer.sent.borrow().get(id).copied().unwrap_or(1);
        assert!(*count <= sent, "{id:?} was sent {sent} times, and has arrived {count} times");
    }
    let gate_1 = first.start();
    assert!(stays.next_frame().is_none(), "the direct line ends when a gate is back");
    eventually("the gate is before it again", || {
        let answer = balancer.delivers(&Draft::refused("C1").bytes());
        (code(&answer) == "AE").then_some(())
    });

    let before = upstream.frames().len();
    recorded_afterwards((&first, gate_1), &second, &arrived);
    assert_eq!(upstream.frames().len(), before, "nothing is sent");
}

/// Has what arrived meanwhile recorded by a gate.
fn recorded_afterwards((first, gate_1): (&Hospital, Gate), second: &Hospital, arrived: &[Vec<u8>]) {
    // What arrived in the meantime, as the downstream system's journal has it.
    let admissions = arrivals(arrived)[&b"B1"[..]];
    let known = arrived.len() - admissions - 4;
    let journal = first.file("journal.hl7", arrived.concat());
    let record = || {
        first.run(&[
            "replay",
            &journal,
            "--route",
            "his",
            "--record",
            "--by",
            "周样例",
            "--reason",
            "两台网关停机",
            "--known",
            &second.data().display().to_string(),
        ])
    };
    let out = record();
    let said = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{said}{}", text(&out.stderr));
    assert!(said.contains("recorded afterwards: 4"), "{said}");
    assert!(said.contains(&format!("in the ledger already: {known}\n")), "{said}");
    assert!(said.contains(&format!("not surgical: {admissions}\n")), "{said}");
    let entry = |id| {
        let mut own = decisions_of(gate_1.data(), id);
        own.retain(|entry| !entry["body"]["afterwards"].is_null());
        assert_eq!(own.len(), 1, "{id}");
        own.remove(0)
    };
    for (id, decided) in [("B2", "forward"), ("B3", "block"), ("B4", "override"), ("B5", "forward")]
    {
        let entry = entry(id);
        assert_eq!(decision(&entry), decided, "{id}");
        assert_eq!(entry["body"]["verdict"]["stance"], "bypass");
        assert_eq!(entry["body"]["afterwards"], json!({"by": "周样例", "reason": "两台网关停机"}));
    }
    assert!(findings(&entry("B4")).contains(&"emergency-override flag".to_owned()));
    let count = decisions(gate_1.data()).len();
    // A second time, and after a restart: what is recorded is not recorded twice.
    assert!(text(&record().stdout).contains("recorded afterwards: 0"));
    drop(gate_1);
    let gate_1 = first.start();
    assert!(text(&record().stdout).contains("recorded afterwards: 0"));
    assert_eq!(decisions(gate_1.data()).len(), count);
    let verified = first.run(&["ledger", "verify"]);
    assert!(verified.status.success(), "{}", text(&verified.stderr));
}

/// How often each message has arrived, by its MSH-10.
fn arrivals(frames: &[Vec<u8>]) -> BTreeMap<Vec<u8>, usize> {
    let mut count = BTreeMap::new();
    for frame in frames {
        *count.entry(control_id(frame)).or_default() += 1;
    }
    count
}

fn answer_payload(frame: &[u8]) -> Vec<u8> {
    frame
        .strip_prefix(b"\x0b")
        .and_then(|rest| rest.strip_suffix(b"\x1c\r"))
        .unwrap_or(frame)
        .to_vec()
}

#[test]
fn nothing_is_recorded_afterwards_without_a_gate_a_name_and_a_reason() {
    let upstream = Upstream::accepting();
    let hospital = Hospital::new().route("his", upstream.address, &[]);
    let file = hospital.file("one.hl7", Draft::clean("N1").bytes());
    let out = hospital.run(&["replay", &file, "--route", "his", "--record"]);
    assert_eq!(out.status.code(), Some(2));
    let all = ["replay", &file, "--route", "his", "--record", "--by", "周", "--reason", "停电"];
    let out = hospital.run(&all);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("no gate is running"), "{}", text(&out.stderr));
    assert!(!hospital.data().join("ledger").exists());
}

#[test]
fn what_gates_had_refused_is_told_apart_among_what_they_know() {
    let (hospital, gate, _upstream) = Gate::simple(&[]);
    let (refused, clean) = (Draft::refused("K1"), Draft::clean("K2"));
    assert_eq!(code(&gate.connect().ask(&refused.bytes())), "AE");
    assert_eq!(code(&gate.connect().ask(&clean.bytes())), "AA");
    let [refused, clean, admission] = [refused.bytes(), clean.bytes(), admission("K3")];
    let sent = [&*refused, &clean, &admission, &refused, &admission].concat();
    let file = hospital.file("sent.hl7", sent);
    let told = ["--record", "--by", "周样例", "--reason", "停机"];
    let out = hospital.run(&[&["replay", &file, "--route", "his"], &told[..]].concat());
    let said = text(&out.stdout);
    assert!(said.contains("in the ledger already: 3\n"), "{said}{}", text(&out.stderr));
    assert!(said.contains("of these always refused by a gate: 1（"), "a copy is no other: {said}");
    assert!(said.contains("not surgical: 2\n"), "{said}");
}
