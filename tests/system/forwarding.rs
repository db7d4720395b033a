//! What passes is what came: bytes out, bytes back, however they are cut into writes.

use crate::support::gate::{Gate, Hospital};
use crate::support::message::{Draft, admission, control_id, framed, gbk};
use crate::support::reply::code;
use crate::support::upstream::{Act, Upstream, accepted};
use crate::support::{in_process::FixedGate, of_the_day};

/// Clean orders and messages that are none of the gate's business, in every shape that may pass.
fn passing() -> Vec<Vec<u8>> {
    let clean = Draft::clean("F1").text();
    let in_ascii = Draft {
        charset: "",
        surgeon: "D1002",
        code: "51.2300",
        patient: "P2699003",
        ..Draft::clean("F2")
    };
    let delimiters = |byte: char| match byte {
        '|' => '#',
        '^' => '*',
        '~' => '%',
        other => other,
    };
    let in_gbk =
        Draft { charset: "GBK", patient: "P2699004^^^XYYY||汪弢珅昞", ..Draft::clean("F3") };
    vec![
        clean.clone().into_bytes(),
        clean.trim_end().to_owned().into_bytes(),
        clean.replace('\r', "\n").into_bytes(),
        clean.replace('\r', "\r\n").into_bytes(),
        in_ascii.text().chars().map(delimiters).collect::<String>().into_bytes(),
        gbk(&in_gbk.text()),
        Draft::clean("F4").line("NTE|1||  blanks  at both ends  ").line("ZZZ|1|").line("").bytes(),
        Draft::clean("F5").line("OBX|1|TX|NOTE||\\.br\\ \\X0D0A\\ \\Zunknown\\ \\ |||").bytes(),
        Draft { control: "CA", ..Draft::refused("F6") }.bytes(),
        admission(" F7 "),
        b"MSH|^~\\&|A|B|C|D|20260302||ACK|F8|P|2.4\rMSA|AA|X1\r".to_vec(),
        b"MSH|^~\\&|||||||QRY\r".to_vec(),
    ]
}

/// A reply with everything in it that a careless gate would lose.
fn odd_reply(frame: &[u8]) -> Vec<u8> {
    let head: &[u8] = b" MSH|^~\\&|O|T|H|W|1||ACK|R\rMSA|AA|";
    let tail: &[u8] = b"| ok \x1c\x0b \xff\xfe\rZZZ|  |\n\r\r";
    framed(&[&head[1..], &control_id(frame), tail].concat())
}

#[test]
fn what_passes_arrives_byte_for_byte_and_so_does_the_reply() {
    let upstream = Upstream::that(|frame, _| vec![Act::Send(odd_reply(frame))]);
    let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    let mut all = Vec::new();
    for payload in passing() {
        let frame = framed(&payload);
        client.send(&frame);
        all.extend_from_slice(&frame);
        upstream.wait_for_bytes(&all);
        // An answer is not answered: what the stand-in says to it belongs to nobody.
        if !payload.windows(5).any(|name| name == b"\rMSA|") {
            client.expect(&odd_reply(&frame));
        }
    }
}

#[test]
fn a_message_written_byte_by_byte_is_one_message() {
    let upstream = Upstream::that(|frame, _| vec![Act::SendInPieces(accepted(frame))]);
    let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    let frame = Draft::clean("B1").frame();
    for byte in &frame {
        client.send(&[*byte]);
    }
    assert_eq!(client.frame(), accepted(&frame));
    assert_eq!(upstream.bytes(), frame);
}

#[test]
fn a_message_may_be_cut_at_any_place() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let frame = framed(&admission("C1"));
    for at in 1..frame.len() {
        client.send(&frame[..at]);
        client.send(&frame[at..]);
        assert_eq!(client.frame(), accepted(&frame), "cut at {at}");
    }
    assert_eq!(upstream.bytes(), frame.repeat(frame.len() - 1));
}

#[test]
fn many_messages_in_one_write_are_many_messages() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let frames: Vec<Vec<u8>> = (0..300)
        .map(|n| match n % 3 {
            0 => Draft::clean(format!("M{n}")).frame(),
            1 => framed(&admission(&format!("M{n}"))),
            _ => Draft::refused(format!("M{n}")).frame(),
        })
        .collect();
    client.send(&frames.concat());
    for (n, frame) in frames.iter().enumerate() {
        let answer = client.frame();
        if n % 3 == 2 {
            assert_eq!(code(&answer[1..answer.len() - 2]), "AE");
        } else {
            assert_eq!(answer, accepted(frame), "{n}");
        }
    }
    let passed: Vec<Vec<u8>> =
        frames.into_iter().enumerate().filter(|(n, _)| n % 3 != 2).map(|(_, f)| f).collect();
    assert_eq!(upstream.frames(), passed);
}

#[test]
fn file_separators_and_vertical_tabs_inside_a_message_belong_to_it() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let mut all = Vec::new();
    for text in ["a\u{1c}b", "a\u{b}b", "\u{1c}\u{1c}", "\u{b}note ", "x\u{b}\u{b}y\u{1c}"] {
        let frame = Draft::clean("V1").line(&format!("NTE|1||{text}|")).frame();
        client.send(&frame);
        assert_eq!(client.frame(), accepted(&frame), "{text:?}");
        all.extend_from_slice(&frame);
    }
    assert_eq!(upstream.bytes(), all);
}

#[test]
fn five_megabytes_pass_whole() {
    let (_hospital, gate, upstream) = Gate::simple(&[]);
    let mut client = gate.connect();
    let large = Draft::clean("L1").line(&format!("OBX|1|ED|PDF||{}", "Qk0K".repeat(1_310_720)));
    let frame = large.frame();
    assert!(frame.len() > 5 * 1024 * 1024);
    let mut writer = client.writer();
    let copy = frame.clone();
    let writing = std::thread::spawn(move || std::io::Write::write_all(&mut writer, &copy));
    assert_eq!(client.frame(), accepted(&frame));
    writing.join().expect("no panic").expect("written whole");
    upstream.wait_for_bytes(&frame);
}

#[test]
fn a_large_reply_comes_back_whole_although_the_sender_reads_late() {
    let reply = |frame: &[u8]| {
        let mut payload = accepted(frame);
        payload.truncate(payload.len() - 2);
        payload.extend("NTE|1||x\r".repeat(300_000).bytes());
        payload.extend([0x1c, b'\r']);
        payload
    };
    let upstream = Upstream::that(move |frame, _| vec![Act::Send(reply(frame))]);
    let (_hospital, gate, upstream) = Gate::before(upstream, &[]);
    let mut client = gate.connect();
    let frames = [Draft::clean("R1").frame(), Draft::clean("R2").frame()];
    client.send(&frames.concat());
    upstream.wait_for_frames(2);
    for frame in &frames {
        assert!(client.frame() == reply(frame));
    }
}

#[test]
fn a_whole_day_passes_as_it_came_but_for_what_is_refused() {
    let upstream = Upstream::accepting();
    let to = upstream.address;
    let mapping = |name: &str| format!("mapping = \"mappings/hl7v2/{name}.toml\"");
    let hospital = Hospital::new()
        .route("his-orders", to, &[])
        .route("his-zop", to, &[&mapping("zop")])
        .route("aims", to, &[&mapping("srm-aims")]);
    let mut gate = FixedGate::start(hospital, "2026-03-02T08:00:00+08:00");
    let day: toml::Table = toml::from_str(&String::from_utf8_lossy(&crate::support::bytes_of(
        "config/sample/day/day.toml",
    )))
    .expect("day.toml");
    let mut passed = Vec::new();
    for message in day["message"].as_array().expect("messages") {
        let text = |key: &str| message[key].as_str().expect("a text").to_owned();
        let (file, decision) = (text("file"), text("decision"));
        let frame = framed(&of_the_day(&file));
        let mut client = crate::support::client::Client::connect(gate.route(&text("route")));
        client.send(&frame);
        let answer = client.frame();
        if matches!(decision.as_str(), "block" | "unavailable") {
            assert_ne!(code(&answer[1..answer.len() - 2]), "AA", "{file}");
        } else {
            assert_eq!(answer, accepted(&frame), "{file}");
            passed.push(frame);
        }
        assert_eq!(upstream.frames(), passed, "{file}");
    }
    gate.stop();
    assert_eq!(upstream.bytes(), passed.concat());
    assert!(crate::support::ledger::decisions(&gate.data()).len() > 30);
}
