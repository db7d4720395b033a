//! Bytes between frames: dropped or passed on as set, never joined to a message, never a message.

use crate::support::gate::Gate;
use crate::support::message::{Draft, framed};
use crate::support::upstream::{Upstream, accepted};

const HEARTBEAT: &[u8] = b"#$#\x1c\r";

/// Everything that leaks into a stream without holding a message.
const JUNK: [&[u8]; 6] =
    [b"\0", b"\n", b"\r\n\r\n", b"\0\0\0\0", b"log: sent 1 message\n", b"\x1c\r"];

#[test]
fn what_stands_between_frames_is_dropped() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let mut all = Vec::new();
    for (n, junk) in JUNK.into_iter().chain([HEARTBEAT]).enumerate() {
        let frame = Draft::clean(format!("J{n}")).frame();
        client.send(&[junk, &frame, junk].concat());
        assert_eq!(client.frame(), accepted(&frame));
        all.extend_from_slice(&frame);
    }
    assert_eq!(upstream.bytes(), all);
}

#[test]
fn heartbeats_are_passed_on_where_the_route_says_so() {
    let (_hospital, gate, upstream) = Gate::simple(&["outside_frames = \"forward\""]);
    let mut client = gate.connect();
    client.send(HEARTBEAT);
    upstream.wait_for_bytes(HEARTBEAT);
    let frame = Draft::clean("H1").frame();
    client.send(&[HEARTBEAT, &frame, HEARTBEAT].concat());
    assert_eq!(client.frame(), accepted(&frame));
    upstream.wait_for_bytes(&[HEARTBEAT, HEARTBEAT, &frame, HEARTBEAT].concat());
    upstream.say(0, HEARTBEAT);
    client.expect(HEARTBEAT);
}

#[test]
fn a_message_without_a_frame_is_never_passed_on() {
    let (_hospital, gate, upstream) = Gate::simple(&["outside_frames = \"forward\""]);
    let payload = Draft::refused("U1").bytes();
    let ended = [&payload[..], &[0x1c, b'\r']].concat();
    let long = [&[b'x'; 5000][..], &ended].concat();
    let hidden = [b"#$#", &ended[..]].concat();
    let mut passed = Vec::new();
    for (n, bytes) in [ended, payload, long, hidden].iter().enumerate() {
        let mut client = gate.connect();
        let frame = framed(&crate::support::message::admission(&format!("U{n}")));
        client.send(&[bytes, &frame[..]].concat());
        assert_eq!(client.frame(), accepted(&frame));
        passed.extend_from_slice(&frame);
    }
    let came = upstream.bytes();
    assert!(!came.windows(7).any(|text| text == b"52.7x00"), "a refused order came through");
    assert_eq!(upstream.connections(), 4);
    assert_eq!(came, passed);
}

#[test]
fn in_observe_an_upstream_gets_no_more_than_frames_either() {
    let (_hospital, gate, upstream) =
        Gate::before(Upstream::accepting(), &["stance = \"observe\""]);
    let mut client = gate.connect();
    let frame = Draft::refused("O1").frame();
    client.send(&[b"\0\n", &frame[..]].concat());
    assert_eq!(client.frame(), accepted(&frame));
    assert_eq!(upstream.bytes(), frame);
}
