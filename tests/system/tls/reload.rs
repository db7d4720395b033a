//! Certificates that change while the gate runs: in use without a restart, and no open connection notices.

use crate::support::certificates::Authority;
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::message::Draft;
use crate::support::peer::{Peer, reply};
use crate::support::reply::code;
use crate::support::script::Script;
use crate::support::upstream::Upstream;
use crate::tls::{hospital, port, table};

fn serial(client: &mut Peer) -> String {
    client.tell("serial");
    client.line()
}

/// A client, and the number of the certificate it was shown.
fn newcomer(gate: &Gate, ca: &str) -> (Peer, String) {
    let mut client = Peer::start("client.py", &[&port(gate), ca]);
    assert_eq!(client.line(), "connected");
    let serial = serial(&mut client);
    (client, serial)
}

#[test]
fn a_new_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let upstream = Upstream::accepting();
    let (hospital, authority, [ca, cert, key]) = hospital();
    let tls = table("mllp.tls", &[("cert", &cert), ("key", &key)]);
    let hospital = hospital.route("his", upstream.address, &[&tls]);
    let gate = hospital.start();
    let (mut old, first) = newcomer(&gate, &ca);

    // A certificate without its key changes nothing.
    let next = authority.issue("gate");
    hospital.file("gate.pem", &next.cert);
    gate.says("new certificate files cannot be used, the old ones go on");
    gate.says("does not belong to the certificate");
    assert_eq!(newcomer(&gate, &ca).1, first);
    // Nor does half a file.
    hospital.file("gate.pem", &next.cert.as_bytes()[..100]);
    gate.says("gate.pem holds");
    assert_eq!(newcomer(&gate, &ca).1, first);

    hospital.pair("gate", &next);
    gate.says("new certificate files in use");
    let (mut new, second) = newcomer(&gate, &ca);
    assert_ne!(second, first);
    assert_eq!(reply(&new.ask(&Draft::clean("N1").bytes())).code(), "AA");
    assert_eq!(reply(&old.ask(&Draft::clean("N2").bytes())).code(), "AA");
    assert_eq!(serial(&mut old), first);
}

#[test]
fn whoever_is_trusted_no_longer_does_not_get_in_again() {
    let upstream = Upstream::accepting();
    let (hospital, authority, [ca, cert, key]) = hospital();
    let clients = hospital.file("clients.pem", &authority.pem);
    let keys = [("cert", cert.as_str()), ("key", &key), ("client_ca", &clients)];
    let hospital = hospital.route("his", upstream.address, &[&table("mllp.tls", &keys)]);
    let gate = hospital.start();
    let [his_cert, his_key] = hospital.pair("his", &authority.issue("HIS"));
    let mut client = Peer::start("client.py", &[&port(&gate), &ca, &his_cert, &his_key]);
    assert_eq!(client.line(), "connected");
    assert_eq!(reply(&client.ask(&Draft::clean("G1").bytes())).code(), "AA");
    hospital.file("clients.pem", Authority::new("the new CA").pem);
    gate.says("new certificate files in use");
    assert_eq!(reply(&client.ask(&Draft::clean("G2").bytes())).code(), "AA");
    client.tell(&format!("reconnect {}", port(&gate)));
    if client.line() == "connected" {
        assert!(client.ask_in_vain(&Draft::clean("G3").bytes()));
    }
    gate.says("why=certificate-unknown-issuer");
}

#[test]
fn an_upstream_is_trusted_as_soon_as_its_ca_is_there() {
    let (hospital, authority, _) = hospital();
    let [cert, key] = hospital.pair("lis", &authority.issue("lis"));
    let lis = Script::python("server.py", &[&cert, &key]);
    let trusted = hospital.file("trusted.pem", Authority::new("somebody else's CA").pem);
    let outward = table("mllp.upstream_tls", &[("ca", &trusted)]);
    let hospital = hospital.route("his", lis.address(), &[&outward]);
    let gate = hospital.start();
    let mut client = Client::connect(gate.address());
    client.try_send(&Draft::clean("U1").frame());
    client.expect_closed();
    gate.says("why=certificate-unknown-issuer");
    hospital.file("trusted.pem", &authority.pem);
    gate.says("new certificate files in use");
    let mut client = Client::connect(gate.address());
    assert_eq!(code(&client.ask(&Draft::clean("U2").bytes())), "AA");
    eventually("the message", || {
        lis.lines().iter().any(|line| line.starts_with("message")).then_some(())
    });
}
