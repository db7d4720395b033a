//! MSH-15 and MSH-16: which answer a refused message gets, on the wire.

use crate::support::eventually;
use crate::support::gate::Gate;
use crate::support::ledger::{decision, decisions_of};
use crate::support::message::Draft;
use crate::support::reply::Reply;

const VALUES: [&str; 5] = ["", "AL", "NE", "ER", "SU"];

/// Contract §5, written out; `-` is silence.
fn expected(accept: &str, application: &str) -> &'static str {
    match (accept, application) {
        ("SU", _) | (_, "SU") | ("NE", "NE") => "-",
        ("AL" | "ER", "NE" | "") => "CE",
        _ => "AE",
    }
}

#[test]
fn each_pair_gets_the_answer_of_the_table_and_silence_holds_nothing_up() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for accept in VALUES {
        for application in VALUES {
            let id = format!("T{accept}.{application}");
            let draft = Draft { accept, application, ..Draft::refused(&id) };
            // What comes next on the connection is the answer to this message, or to the one behind it.
            let behind = format!("B{accept}.{application}");
            client.send(&[draft.frame(), Draft::refused(&behind).frame()].concat());
            let wanted = expected(accept, application);
            if wanted != "-" {
                let reply = Reply::read(&client.answer());
                assert_eq!((reply.code().as_str(), reply.field("MSA", 2)), (wanted, id.clone()));
                let kind = if wanted == "CE" { "ACK^O19^ACK" } else { "ORG^O20^ORG_O20" };
                assert_eq!(reply.field("MSH", 9), kind);
                assert_eq!(reply.components("ERR", 0, 5)[0], "grant-missing");
            }
            let reply = Reply::read(&client.answer());
            assert_eq!(reply.field("MSA", 2), behind);
            let entries = decisions_of(gate.data(), &id);
            assert_eq!(entries.iter().map(decision).collect::<Vec<_>>(), ["block"]);
        }
    }
    assert!(upstream.bytes().is_empty());
    eventually("silence is alarmed", || {
        let untold = |line: &&String| line.contains("wants no answer");
        (gate.lines().iter().filter(untold).count() == 10).then_some(())
    });
}

#[test]
fn a_route_may_answer_those_who_want_no_answer() {
    let (_hospital, gate, _upstream) = Gate::simple(&["refusal_unwanted = \"send\""]);
    let mut client = gate.connect();
    for (accept, application) in [("NE", "NE"), ("SU", "SU"), ("AL", "SU")] {
        let draft = Draft { accept, application, ..Draft::refused("X") };
        assert_eq!(Reply::read(&client.ask(&draft.bytes())).code(), "AE");
    }
}

#[test]
fn what_cannot_be_read_is_refused_for_good() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    for (accept, application, wanted) in [("", "", "AE"), ("NE", "AL", "AE"), ("AL", "NE", "CE")] {
        let draft = Draft { accept, application, surgeon: "D1002&D1003", ..Draft::clean("G") };
        let reply = Reply::read(&client.ask(&draft.bytes()));
        assert_eq!(reply.code(), wanted);
        assert_eq!(reply.components("ERR", 0, 3)[0], "207");
        assert_eq!(reply.components("ERR", 0, 5)[0], "message-unreadable");
    }
    assert!(upstream.bytes().is_empty());
}
