//! Several messages in flight: each answer goes to its own message, in the order of the messages.

use std::time::Duration;

use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::ledger::entries;
use crate::support::message::{Draft, acknowledgement, admission, framed};
use crate::support::reply::{Reply, code};
use crate::support::upstream::{Act, Upstream, accepted};

#[test]
fn answers_come_in_the_order_of_the_messages_though_the_upstream_answers_backwards() {
    let mut held = Vec::new();
    let upstream = Upstream::that(move |frame, _| {
        held.push(accepted(frame));
        if held.len() < 3 {
            return Vec::new();
        }
        held.drain(..).rev().map(Act::Send).collect()
    });
    let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    let sent = [
        Draft::clean("1").frame(),
        Draft::refused("2").frame(),
        framed(&admission("3")),
        Draft::clean("4").frame(),
    ];
    client.send(&sent.concat());
    assert_eq!(client.frame(), accepted(&sent[0]));
    assert_eq!(code(&client.answer()), "AE");
    assert_eq!(client.frame(), accepted(&sent[2]));
    assert_eq!(client.frame(), accepted(&sent[3]));
    assert_eq!(upstream.bytes(), [&sent[0][..], &sent[2], &sent[3]].concat());
}

#[test]
fn a_late_or_foreign_reply_is_given_to_no_other_message() {
    // Two in flight, so that the one without a number cannot be told to be anybody's.
    let mut first = None;
    let pair = Upstream::that(move |frame, _| match first.take() {
        None => {
            first = Some(frame.to_vec());
            Vec::new()
        }
        Some(first) => vec![
            Act::Send(acknowledgement("AA", b"SOMEBODY ELSE")),
            Act::Send(acknowledgement("AE", b"")),
            Act::Send(framed(b"MSH|^~\\&|no MSA\rZZZ|1\r")),
            Act::Send(accepted(frame)),
            Act::Send(accepted(&first)),
            Act::Send(accepted(&first)),
        ],
    });
    let (_hospital, gate, _upstream) = Gate::before(pair, &[]);
    let mut client = gate.connect();
    for round in ["a", "b"] {
        let sent = [1, 2].map(|n| Draft::clean(format!("{round}{n}")).frame());
        client.send(&sent.concat());
        assert_eq!(client.frame(), accepted(&sent[0]));
        assert_eq!(client.frame(), accepted(&sent[1]));
    }
    client.finish();
    client.expect_closed();
    eventually("all that answered nothing is counted", || {
        let dropped = |line: &&String| line.contains("foreign reply dropped");
        (gate.lines().iter().filter(dropped).count() == 8).then_some(())
    });
}

#[test]
fn a_reply_with_another_number_is_no_answer_and_none_is_invented() {
    let upstream = Upstream::that(|_, _| vec![Act::Send(acknowledgement("AA", b"WRONG"))]);
    let (_hospital, gate, _upstream) = Gate::before(upstream, &["upstream_timeout_ms = 300"]);
    let mut client = gate.connect();
    client.send(&Draft::clean("W1").frame());
    client.expect_closed();
}

#[test]
fn an_accept_and_an_application_acknowledgement_both_come_back() {
    let upstream = Upstream::that(|frame, _| {
        let id = crate::support::message::control_id(frame);
        let both = [acknowledgement("CA", &id), acknowledgement("AA", &id)];
        if id == b"C1" { vec![Act::Send(both.concat())] } else { both.map(Act::Send).into() }
    });
    let (_hospital, gate, _upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    for id in ["C1", "C2"] {
        let draft = Draft { accept: "AL", application: "AL", ..Draft::clean(id) };
        client.send(&draft.frame());
        client.expect(&acknowledgement("CA", id.as_bytes()));
        client.expect(&acknowledgement("AA", id.as_bytes()));
    }
}

#[test]
fn a_reply_that_names_no_message_answers_the_only_one() {
    let reply = framed(b"MSH|^~\\&|O|T|H|W|1||ORR^O02|R\rZZZ|no MSA at all\r");
    let answer = reply.clone();
    let upstream = Upstream::that(move |_, _| vec![Act::Send(answer.clone())]);
    let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    for id in ["1", "2"] {
        client.send(&Draft::clean(id).frame());
        assert_eq!(client.frame(), reply);
    }
    let own = framed(b"MSH|^~\\&|O|T|H|W|1||QRY^A19|Q1\r");
    upstream.say(0, &own);
    assert_eq!(client.frame(), own, "the downstream system may speak on its own");
}

#[test]
fn an_upstream_that_stays_silent_ends_the_connection_and_the_ledger_says_so() {
    let upstream = Upstream::that(|_, _| Vec::new());
    let (_hospital, gate, upstream) = Gate::before(upstream, &["upstream_timeout_ms = 300"]);
    let mut client = gate.connect();
    let began = orgate::clock::monotonic();
    client.send(&[Draft::clean("S1").frame(), Draft::refused("S2").frame()].concat());
    client.expect_closed();
    assert!(began.elapsed() < Duration::from_secs(20), "closed long after the time allowed");
    upstream.wait_until_finished(0);
    let outcome = eventually("the delivery entry", || {
        let all = entries(gate.data());
        let found = all.iter().find(|entry| entry["kind"] == "delivery")?;
        Some(found["body"]["outcome"].as_str()?.to_owned())
    });
    assert_eq!(outcome, "timeout");
}

#[test]
fn each_sender_has_its_own_line_to_the_upstream() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut clients: Vec<_> = (0..5).map(|_| gate.connect()).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        let reply = Reply::read(&client.ask(&Draft::clean(format!("L{n}")).bytes()));
        assert_eq!(reply.field("MSA", 2), format!("L{n}"));
    }
    assert_eq!(upstream.connections(), 5);
}

#[test]
fn a_thousand_messages_in_flight_are_answered_one_for_one() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let frames: Vec<Vec<u8>> = (0..1000)
        .map(|n| match n % 10 {
            0 => Draft::clean(format!("T{n}")).frame(),
            1 => Draft::refused(format!("T{n}")).frame(),
            _ => framed(&admission(&format!("T{n}"))),
        })
        .collect();
    let bytes = frames.concat();
    let mut writer = client.writer();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &bytes));
    for n in 0..1000 {
        let reply = Reply::read(&client.answer());
        assert_eq!(reply.field("MSA", 2), format!("T{n}"));
        assert_eq!(reply.code(), if n % 10 == 1 { "AE" } else { "AA" });
    }
    writing.join().expect("no panic").expect("written whole");
    assert_eq!(upstream.frames().len(), 900);
}
