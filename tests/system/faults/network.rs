//! A bad line between the HIS and the gate.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use orgate::clock::monotonic;

use crate::faults::scene::{Scene, Site, WHILE};
use crate::faults::standin::Standin;
use crate::faults::table::Fault;
use crate::support::gate::Hospital;
use crate::support::proxy::Proxy;
use crate::support::room::Room;
use crate::support::{python, repository};

/// Carries IP packets between two rooms, as well or badly as it is told.
struct BadLine(Child);

impl BadLine {
    fn between(one: &Room, other: &Room) -> Self {
        let mut child = Command::new(python())
            .arg(repository("tests/system/faults/line.py"))
            .args([one.pid(), other.pid()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut said = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut said).expect("a pipe");
        assert_eq!(said, "ready\n", "no TUN interface (root, and /dev/net/tun)");
        for (room, address) in [(one, "10.77.1.1"), (other, "10.77.1.2")] {
            room.sh(&format!("ip addr add {address}/30 dev line0; ip link set dev line0 up"));
        }
        Self(child)
    }

    /// From now on so much of a packet's way is lost, each way, and the rest comes so much later.
    fn is(&mut self, loss_percent: u32, delay_ms: u32) {
        use std::io::Write;
        let pipe = self.0.stdin.as_mut().expect("a pipe");
        writeln!(pipe, "{loss_percent} {delay_ms}").expect("it reads");
    }
}

impl Drop for BadLine {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn a_fifth_of_all_packets_is_lost_and_the_rest_comes_late() {
    let fault = Fault::named("20 % loss and 200 ms delay each way between HIS and gate");
    let standin = Standin::new();
    let (his, gates) = (Arc::new(Room::with_network()), Arc::new(Room::with_network()));
    let mut line = BadLine::between(&his, &gates);
    let inside = gates.inside(|| TcpListener::bind("127.0.0.1:0").expect("a port"));
    let onward = Proxy::on(inside, standin.upstream.address);
    let mut hospital = Hospital::new().route("his", onward.address, &[]);
    hospital.change("listen = \"127.0.0.1:0\"", "listen = \"10.77.1.2:0\"");
    let site = Site::start_in(hospital, &gates);
    let mut scene = Scene::of(fault, standin, vec![site]);
    scene.begin_from(move || his.enter());
    scene.flows_since(monotonic());
    line.is(20, 200);
    let bad = monotonic();
    std::thread::sleep(4 * WHILE);
    scene.accepted_since(bad);
    line.is(0, 0);
    scene.recovers_since(monotonic());
    scene.end();
}
