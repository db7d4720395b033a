//! Faults of the downstream system.

use std::time::Duration;

use crate::faults::scene::Scene;
use crate::faults::standin::{Manner, Pen};
use crate::faults::table::Fault;
use crate::support::upstream::Act;

/// So long the gate waits for an answer here.
const TIMEOUT: &str = "upstream_timeout_ms = 400";

/// A downstream system that does this with every message, for a while.
fn misbehaves(fault: Fault, manner: Manner) {
    Scene::simple(fault, &[TIMEOUT])
        .play(|scene| scene.standin.now(manner), |scene| scene.standin.recovers());
}

#[test]
fn it_refuses_connections() {
    Scene::simple(Fault::named("downstream refuses connections"), &[TIMEOUT]).play(
        |scene| {
            scene.standin.upstream.refuse();
            scene.standin.upstream.hang_up();
        },
        |scene| scene.standin.upstream.listen_again(),
    );
}

#[test]
fn it_refuses_every_message() {
    misbehaves(Fault::named("downstream refuses every message (AE)"), |pen, id| {
        vec![Act::Send(pen.answer("AE", id))]
    });
}

#[test]
fn it_accepts_messages_and_never_answers() {
    misbehaves(Fault::named("downstream accepts and never answers"), |_, _| Vec::new());
}

#[test]
fn it_answers_late() {
    misbehaves(Fault::named("downstream answers late"), |pen, id| {
        let late = Duration::from_millis(700);
        vec![Act::Pause(late), Act::Send(pen.answer("AA", id))]
    });
}

#[test]
fn it_answers_with_somebody_elses_id() {
    misbehaves(Fault::named("downstream answers someone else's id"), |pen, id| {
        vec![Act::Send(pen.answer("AA", &format!("{id}9")))]
    });
}

#[test]
fn it_closes_in_the_middle_of_a_reply() {
    misbehaves(Fault::named("downstream closes mid-reply"), |pen, id| {
        let whole = pen.draft("AA", id);
        vec![Act::Send(whole[..whole.len() / 2].to_vec()), Act::Close]
    });
}

#[test]
fn it_half_closes() {
    misbehaves(Fault::named("downstream half-closes"), |_, _| vec![Act::Finish]);
}

#[test]
fn it_sends_garbage() {
    misbehaves(Fault::named("downstream sends garbage"), garbage);
}

/// No frame, a frame of nothing, one that never ends, an acceptance of nothing, and bytes that look like an end.
fn garbage(pen: &Pen, id: &str) -> Vec<Act> {
    let bytes = match pen.next() % 5 {
        0 => b"\x00\xff\xfe{\"not\": \"HL7\"}\r\n\r\n".to_vec(),
        1 => b"\x0b\xde\xad\xbe\xef\x1c\r".to_vec(),
        2 => b"\x0bMSH|^~\\&|ORIS|THEATRE|HIS|WARD|20260302".to_vec(),
        3 => pen.answer("AA", ""),
        _ => [b"\x1c\r\x1c\r".to_vec(), pen.draft("AA", id).split_off(1)].concat(),
    };
    vec![Act::Send(bytes)]
}

#[test]
fn it_restarts() {
    Scene::simple(Fault::named("downstream restarts, three times"), &[TIMEOUT]).play(
        |scene| {
            for _ in 0..3 {
                scene.standin.upstream.refuse();
                scene.standin.upstream.hang_up();
                std::thread::sleep(Duration::from_millis(200));
                scene.standin.upstream.listen_again();
                std::thread::sleep(Duration::from_millis(200));
            }
        },
        |_| {},
    );
}
