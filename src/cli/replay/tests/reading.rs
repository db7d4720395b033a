//! Files taken apart into messages.

use proptest::prelude::*;

use crate::cli::replay::read::{FRAME_END_LOST, Piece, Splitter, TOO_LONG};

/// Pieces as text, with the bytes that belonged to none; fed `step` bytes at a time.
fn split(bytes: &[u8], max: usize, step: usize) -> (Vec<String>, u64) {
    let mut found = Vec::new();
    let mut keep = |piece: Piece<'_>| {
        found.push(match piece {
            Piece::Message(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Piece::Unreadable(why) => format!("!{why}"),
        });
    };
    let mut splitter = Splitter::new(max);
    for block in bytes.chunks(step.max(1)) {
        splitter.push(block, &mut keep);
    }
    let outside = splitter.finish(&mut keep);
    (found, outside)
}

fn messages(bytes: &[u8]) -> Vec<String> {
    split(bytes, 1_000, bytes.len()).0
}

#[test]
fn one_message_without_a_frame_is_the_whole_file() {
    assert_eq!(messages(b"MSH|^~\\&|1\rPID|1\r"), ["MSH|^~\\&|1\rPID|1\r"]);
    assert_eq!(messages(b"\xEF\xBB\xBFMSH|^~\\&|1\nPID|1"), ["\u{FEFF}MSH|^~\\&|1\nPID|1"]);
    assert_eq!(messages(b"MSH|^~\\&|1\r\x1C\r\n"), ["MSH|^~\\&|1\r"]);
}

#[test]
fn messages_one_after_the_other_are_told_apart_whatever_ends_their_lines() {
    for end in ["\r", "\n", "\r\n", "\n\n"] {
        let text = ["MSH|^~\\&|1", "PID|MSH|", "MSH|^~\\&|2", "MSHX", "PID|2", ""].join(end);
        let found = messages(text.as_bytes());
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].starts_with("MSH|^~\\&|2"));
    }
}

#[test]
fn frames_are_found_between_whatever_stands_between_them() {
    let bytes = b"log\n\x0BMSH|1\r\x1C\r\0\0#$#\x1C\r2026 sent\r\n\x0BMSH|2\r\x1C\r\n";
    let (found, outside) = split(bytes, 1_000, 7);
    assert_eq!(found, ["MSH|1\r", "MSH|2\r"]);
    assert_eq!(outside, 4 + 7 + 11 + 1);
}

#[test]
fn framed_and_unframed_messages_may_stand_in_one_file() {
    let bytes = b"MSH|1\rPID\r\x0BMSH|2\r\x1C\rMSH|3\rPID\r";
    assert_eq!(messages(bytes), ["MSH|1\rPID\r", "MSH|2\r", "MSH|3\rPID\r"]);
}

#[test]
fn a_batch_stays_one_unit() {
    let batch = "FHS|\rBHS|\rMSH|1\rMSH|2\rBTS|2\rFTS|1\r";
    assert_eq!(messages(format!("{batch}{batch}").as_bytes()), [batch, batch]);
    let batch = "BHS|\rMSH|1\rBTS|1\r";
    assert_eq!(messages(format!("{batch}{batch}").as_bytes()), [batch, batch]);
}

#[test]
fn a_frame_without_its_end_is_told_and_the_next_one_read() {
    let bytes = b"\x0BMSH|1\rPID\r\x0BMSH|2\r\x1C\r\x0BMSH|3\r";
    assert_eq!(messages(bytes), ["!frame-end-lost", "MSH|2\r", "!frame-end-lost"]);
    assert_eq!(messages(b"\x0BMSH|1\r\x1C\n"), ["MSH|1\r"], "a stored frame that lost its CR");
    assert_eq!(FRAME_END_LOST, "frame-end-lost");
}

#[test]
fn what_is_longer_than_the_route_takes_is_told_once_and_passed_over() {
    let long = format!("MSH|1\r{}\r", "x".repeat(300));
    for text in [
        format!("{long}MSH|2\r"),
        format!("\x0B{long}\x1C\r\x0BMSH|2\r\x1C\r"),
        format!("\x0B{long}\x0BMSH|2\r\x1C\r"),
    ] {
        let (found, _) = split(text.as_bytes(), 100, 16);
        assert_eq!(found, [&format!("!{TOO_LONG}"), "MSH|2\r"], "{text:?}");
    }
}

#[test]
fn files_of_something_else_hold_no_message() {
    for bytes in [&b""[..], b"PK\x03\x04", b"<xml>MSH|</xml>", b"text MSH|1\r", &[0xFF; 9_000]] {
        let (found, outside) = split(bytes, 1_000, 4_096);
        assert_eq!((found.len(), outside), (0, bytes.len() as u64));
    }
}

fn bits() -> impl Strategy<Value = Vec<u8>> {
    let bit = prop::sample::select(vec![
        &b"MSH|^~\\&|a\r"[..],
        b"MSH|b\n",
        b"BHS|c\r",
        b"FHS|d\r\n",
        b"PID|1\r",
        b"\x0B",
        b"\x1C\r",
        b"\x1C",
        b"\0",
        b"\n",
        b"MS",
        b"H|",
        b"\xEF\xBB\xBF",
        b"text\r",
        b"#$#\x1C\r",
    ]);
    prop::collection::vec(bit, 0..24).prop_map(|bits| bits.concat())
}

proptest! {
    #[test]
    fn how_the_bytes_arrive_changes_nothing(bytes in bits(), step in 1usize..9) {
        prop_assert_eq!(split(&bytes, 10_000, step), split(&bytes, 10_000, bytes.len()));
    }

    #[test]
    fn any_bytes_are_taken_apart_within_bounds(
        bytes in bits(), step in 1usize..50, max in 1usize..60,
    ) {
        let (found, outside) = split(&bytes, max, step);
        let told: usize = found.iter().filter(|p| !p.starts_with('!')).map(String::len).sum();
        prop_assert!(told + usize::try_from(outside).unwrap() <= bytes.len() + 3 * found.len());
    }

    #[test]
    fn framed_messages_come_out_as_they_went_in(
        texts in prop::collection::vec("MSH\\|[a-z|^]{0,40}\r(PR1\\|[0-9]{1,8}\r)?", 1..8),
        junk in prop::sample::select(vec!["", "\n", "\0\0", "log line\r\n", "#$#\u{1C}\r"]),
        step in 1usize..64,
    ) {
        let mut bytes = Vec::new();
        for text in &texts {
            bytes.extend_from_slice(junk.as_bytes());
            bytes.extend_from_slice(format!("\u{B}{text}\u{1C}\r").as_bytes());
        }
        let (found, outside) = split(&bytes, 10_000, step);
        prop_assert_eq!(&found, &texts);
        prop_assert_eq!(outside, (junk.len() * texts.len()) as u64);
    }
}
