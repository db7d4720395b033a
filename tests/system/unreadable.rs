//! What cannot be read with certainty: refused where the gate enforces, and not a byte of it gets through.

use crate::support::client::Client;
use crate::support::gate::{Gate, Hospital};
use crate::support::ledger::{decision, decisions};
use crate::support::message::{Draft, framed, gbk};
use crate::support::reply::Reply;
use crate::support::upstream::{Act, Upstream};

/// A payload that must be refused, the code of the answer and its MSA-2.
struct Nasty {
    name: &'static str,
    payload: Vec<u8>,
    code: &'static str,
    answers: &'static str,
}

fn nasty(name: &'static str, payload: impl Into<Vec<u8>>, code: &'static str) -> Nasty {
    Nasty { name, payload: payload.into(), code, answers: "N1" }
}

fn unnamed(name: &'static str, payload: impl Into<Vec<u8>>) -> Nasty {
    Nasty { name, payload: payload.into(), code: "AR", answers: "" }
}

/// Every trick by which a refused order might look like none, or like another.
fn nasties() -> Vec<Nasty> {
    let refused = Draft::refused("N1");
    let text = refused.text();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let clean = |id: &str| Draft::clean(id).text();
    let cut_gbk = {
        let undeclared =
            Draft { charset: "", patient: "P2699005^^^XYYY||汪弢", ..refused.clone() };
        let mut bytes = gbk(&undeclared.text());
        let at = bytes.windows(4).position(|four| four == b"PR1|").expect("PR1");
        // A lone lead byte before the separator: a reader of GBK swallows it.
        bytes.splice(at..at, *b"NTE|1||\xd5|\xd5\r");
        bytes
    };
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        unnamed("header cut off", with("MSH|", "SH|")),
        unnamed("no header at all", with("MSH|^~\\&|", "")),
        unnamed("lower-case header", with("MSH|", "msh|")),
        unnamed("no delimiters", "MSH\rPR1|1||52.7x00\r"),
        unnamed("delimiters that are letters", text.replace('|', "A")),
        unnamed("UTF-16", utf_16),
        unnamed("nothing", ""),
        unnamed("only a vertical tab", "\u{b}"),
        unnamed("text before the header", format!("hello\r{text}")),
        Nasty { answers: "", ..nasty("a header that names no type", "MSH|^~\\&|A\r", "AE") },
        nasty(
            "a refused order behind a line feed in an admission",
            {
                let hidden = text.replace('\r', "\n");
                format!("MSH|^~\\&|HIS||||||ADT^A01|N1|P|2.4\rNTE|1||x\n{hidden}\r")
            },
            "AE",
        ),
        nasty("a blank before PR1", with("\rPR1|", "\r PR1|"), "AE"),
        nasty("a blank behind PR1", with("\rPR1|", "\rPR1 |"), "AE"),
        nasty("lower-case pr1", with("\rPR1|", "\rpr1|"), "AE"),
        nasty("a zero width space before PR1", with("\rPR1|", "\r\u{feff}PR1|"), "AE"),
        nasty("PR1 behind a line feed", with("\rPR1|", "\rNTE|1||x\nPR1|"), "AE"),
        nasty("sub-components in the code", with("52.7x00^", "51.2300&52.7x00^"), "AE"),
        nasty("sub-components in the surgeon", with("D1005^", "D1002&D1005^"), "AE"),
        nasty("a message that goes on elsewhere", format!("{text}DSC|1|F\r"), "AE"),
        nasty("two patients", with("PV1|", "PID|2||P2699006^^^XYYY\rPV1|"), "AE"),
        nasty("two types", with("OMG^O19^OMG_O19", "OMG^O19~ADT^A01"), "AE"),
        nasty("a type with a blank", with("OMG^O19^OMG_O19", " OMG^O19"), "AE"),
        nasty("UTF-16 declared", with("UNICODE UTF-8", "UNICODE UTF-16"), "AR"),
        nasty("a lead byte that swallows a separator", cut_gbk, "AE"),
        nasty(
            "two messages, the second refused",
            format!("{}{}", clean("N1"), Draft::refused("N2").text()),
            "AE",
        ),
        nasty("two messages, the first refused", format!("{text}{}", clean("N2")), "AE"),
    ]
}

#[test]
fn not_a_byte_of_it_gets_through_and_the_sender_is_told() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let mut count = 0;
    for Nasty { name, payload, code, answers } in nasties() {
        let reply = Reply::read(&client.ask(&payload));
        assert_eq!(reply.code(), code, "{name}");
        assert_eq!(reply.field("MSA", 2), answers, "{name}");
        assert!(reply.field("MSH", 10).len() <= 20, "{name}");
        count += 1;
        assert_eq!(decisions(gate.data()).len(), count, "{name}: one entry");
    }
    let entries = decisions(gate.data());
    assert!(entries.iter().all(|e| matches!(decision(e), "block" | "unavailable")));
    assert!(upstream.bytes().is_empty());
    gate.still_serves("N9");
}

#[test]
fn in_observe_the_same_bytes_pass_and_so_does_the_answer() {
    let reply = framed(b"MSH|^~\\&|O|T|H|W|1||ACK|R\rMSA|AE||unreadable here too\r");
    let answer = reply.clone();
    let upstream = Upstream::that(move |_, _| vec![Act::Send(answer.clone())]);
    let (_hospital, gate, upstream) = Gate::before(upstream, &["stance = \"observe\""]);
    let mut client = gate.connect();
    let mut all = Vec::new();
    for Nasty { name, payload, .. } in nasties() {
        let frame = framed(&payload);
        client.send(&frame);
        all.extend_from_slice(&frame);
        upstream.wait_for_bytes(&all);
        assert_eq!(client.frame(), reply, "{name}");
    }
    assert!(
        decisions(gate.data()).iter().all(|entry| entry["body"]["verdict"]["stance"] == "observe")
    );
}

#[test]
fn random_bytes_in_frames_are_refused_or_none_of_our_business_and_hang_nobody() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state >> 56).expect("a byte")
    };
    for n in 0..60 {
        let mut payload: Vec<u8> = (0..n * 7).map(|_| next()).collect();
        payload.retain(|byte| *byte != 0x1c);
        let reply = Reply::read(&client.ask(&payload));
        assert_eq!(reply.code(), "AR");
    }
    assert!(upstream.bytes().is_empty());
    gate.still_serves("R9");
}

#[test]
fn a_batch_is_refused_whole_and_answered_once() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let three = [Draft::clean("B1"), Draft::refused("B2"), Draft::clean("B3")];
    let messages: String = three.iter().map(Draft::text).collect();
    let head = "BHS|^~\\&|HIS|WARD|ORIS|THEATRE|20260302080000||||BATCH 7\r";
    let batch = format!("FHS|^~\\&|HIS\r{head}{messages}BTS|3\rFTS|1\r");
    let reply = Reply::read(&client.ask(batch.as_bytes()));
    assert_eq!(reply.names()[0], "BHS");
    assert_eq!(reply.field("BHS", 12), "BATCH 7");
    assert_eq!([reply.code(), reply.field("MSA", 2)], ["AE", "BATCH 7"]);
    let reply = Reply::read(&client.ask(messages.as_bytes()));
    assert_eq!([reply.code(), reply.field("MSA", 2)], ["AE", "B1"]);
    let bad = format!("{head}{}PR1|1||52.7x00\rBTS|1\rPR1|9||52.7x00\r", Draft::clean("B4").text());
    let reply = Reply::read(&client.ask(bad.as_bytes()));
    assert_ne!(reply.code(), "AA");
    assert!(upstream.bytes().is_empty());
    assert_eq!(decisions(gate.data()).len(), 3);
}

#[test]
fn a_clean_batch_passes_whole_and_its_answer_comes_back_whatever_it_refers_to() {
    for answers in ["B1", "BATCH7"] {
        let reply = crate::support::message::acknowledgement("AA", answers.as_bytes());
        let answer = reply.clone();
        let upstream = Upstream::that(move |_, _| vec![Act::Send(answer.clone())]);
        let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
        let mut client = gate.connect();
        let messages: String = ["B1", "B2"].map(|id| Draft::clean(id).text()).concat();
        let head = "BHS|^~\\&|HIS|WARD|ORIS|THEATRE|20260302080000||||BATCH7\r";
        let frame = framed(format!("{head}{messages}BTS|2\r").as_bytes());
        client.send(&frame);
        assert_eq!(client.frame(), reply);
        assert_eq!(upstream.bytes(), frame);
    }
}

#[test]
fn a_frame_whose_end_is_lost_is_refused_and_the_one_behind_it_is_read() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let mut lost = Draft::refused("L1").frame();
    lost.truncate(lost.len() - 2);
    let behind = Draft::clean("L2").frame();
    client.send(&[lost, behind.clone()].concat());
    let reply = Reply::read(&client.answer());
    assert_ne!(reply.code(), "AA");
    assert_eq!(Reply::read(&client.answer()).field("MSA", 2), "L2");
    assert_eq!(upstream.bytes(), behind);
}

fn limited(settings: &[&str]) -> (Hospital, Gate, Upstream) {
    Gate::before(Upstream::accepting(), settings)
}

#[test]
fn a_frame_that_is_too_long_is_refused_and_its_connection_closed() {
    let (_hospital, gate, upstream) = limited(&["max_frame_kib = 64"]);
    for size in [70_000, 3_000_000] {
        let mut client = gate.connect();
        let first = Draft::clean("X1").frame();
        let long = Draft::refused("X2").line(&format!("NTE|1||{}", "x".repeat(size))).frame();
        let mut writer = client.writer();
        let bytes = [first, long].concat();
        let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &bytes));
        assert_eq!(Reply::read(&client.answer()).field("MSA", 2), "X1");
        let reply = Reply::read(&client.answer());
        assert_ne!(reply.code(), "AA");
        client.expect_closed();
        let _ = writing.join().expect("no panic");
    }
    assert_eq!(upstream.bytes(), Draft::clean("X1").frame().repeat(2));
    gate.still_serves("X9");
}

#[test]
fn a_frame_that_does_not_end_is_refused_and_its_connection_closed() {
    let (_hospital, gate, upstream) = limited(&["frame_timeout_ms = 200"]);
    let mut client = gate.connect();
    let mut frame = Draft::refused("T1").frame();
    frame.truncate(frame.len() - 1);
    client.send(&frame);
    assert_ne!(Reply::read(&client.answer()).code(), "AA");
    client.expect_closed();
    assert!(upstream.bytes().is_empty());
    gate.still_serves("T9");
}

#[test]
fn a_frame_that_is_cut_off_by_the_end_of_the_connection_is_refused() {
    let (_hospital, gate, upstream) = limited(&[]);
    let mut client = gate.connect();
    let mut frame = Draft::refused("C1").frame();
    frame.truncate(frame.len() - 2);
    client.send(&frame);
    client.finish();
    let reply = Reply::read(&client.answer());
    assert_eq!([reply.code(), reply.field("MSA", 2)], ["AE", "C1"]);
    client.expect_closed();
    upstream.wait_until_finished(0);
    assert!(upstream.bytes().is_empty());
    assert_eq!(decisions(gate.data()).len(), 1);
    gate.still_serves("C9");
}

#[test]
fn in_observe_what_cannot_be_framed_is_relayed_as_it_is() {
    let (_hospital, gate, upstream) = limited(&["stance = \"observe\"", "max_frame_kib = 64"]);
    let mut cut = Draft::refused("C1").frame();
    cut.truncate(cut.len() - 2);
    let mut client = gate.connect();
    client.send(&cut);
    client.finish();
    upstream.wait_until_finished(0);
    assert!(upstream.bytes() == cut, "the beginning of a frame, as the sender left it");

    let long = Draft::refused("X2").line(&format!("NTE|1||{}", "x".repeat(70_000))).frame();
    let mut client = Client::connect(gate.address());
    client.send(&[long.clone(), Draft::clean("X3").frame()].concat());
    client.frame();
    client.frame();
    assert!(upstream.bytes_on(1) == [long, Draft::clean("X3").frame()].concat());
    assert_eq!(decisions(gate.data()).len(), 2, "the message behind is relayed unread");
}
