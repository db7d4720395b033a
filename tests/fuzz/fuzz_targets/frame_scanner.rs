//! Frames out of any bytes: the pieces cover the stream in order, no frame hides the lost end of another, and how
//! the bytes arrive changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use orgate::hl7::frame::{FrameScanner, MAX_OUTSIDE_BYTES, Scanned, payload, wrap};

/// What the scanner said of `stream` when it arrived in chunks of these sizes, over and over.
fn scan(stream: &[u8], chunks: &[usize], max_frame: usize) -> (Vec<(usize, Scanned)>, bool) {
    let mut scanner = FrameScanner::new(max_frame);
    let (mut said, mut taken, mut arrived) = (Vec::new(), 0, 0);
    let mut sizes = chunks.iter().cycle();
    while arrived < stream.len() {
        arrived = (arrived + sizes.next().unwrap()).min(stream.len());
        loop {
            let scanned = scanner.next(&stream[taken..arrived]);
            let range = match &scanned {
                Scanned::NeedMore => break,
                Scanned::TooLong => return (said, true),
                Scanned::Frame { range }
                | Scanned::Outside { range, .. }
                | Scanned::LostEnd { range } => range.clone(),
            };
            assert_eq!(range.start, 0, "a piece begins where the one before ended");
            assert!(!range.is_empty(), "a piece has bytes, or the caller never ends");
            assert!(range.end <= arrived - taken, "a piece has arrived");
            said.push((taken, scanned));
            taken += range.end;
        }
    }
    (said, false)
}

fn begins_header(bytes: &[u8]) -> bool {
    let name = matches!(bytes.get(..3), Some(b"MSH" | b"FHS" | b"BHS"));
    name && bytes.get(3).is_some_and(u8::is_ascii_punctuation)
}

fn check(stream: &[u8], max_frame: usize, at: usize, scanned: &Scanned) {
    match scanned {
        Scanned::Frame { range } => {
            let frame = &stream[at..at + range.end];
            assert!(frame.len() <= max_frame, "a frame is within its limit");
            assert_eq!(wrap(payload(frame)), frame, "a frame is 0B payload 1C 0D");
            let inside = payload(frame);
            assert!(!inside.windows(2).any(|w| w == [0x1C, 0x0D]), "a frame ends once");
            let lost = |i: usize| inside[i] == 0x0B && begins_header(&inside[i + 1..]);
            assert!(!(0..inside.len()).any(lost), "no frame begins inside another");
        }
        Scanned::Outside { range, forwardable } => {
            let piece = &stream[at..at + range.end];
            assert!(piece.len() <= MAX_OUTSIDE_BYTES);
            let upper = piece.to_ascii_uppercase();
            let message = upper.windows(3).any(|w| matches!(w, b"MSH" | b"FHS" | b"BHS"));
            assert!(!forwardable || !message && !piece.contains(&0x0B), "no message is passed on");
        }
        Scanned::LostEnd { range } => {
            assert_eq!(stream[at + range.end], 0x0B);
            assert!(begins_header(&stream[at + range.end + 1..]), "only a header ends a frame");
        }
        Scanned::NeedMore | Scanned::TooLong => {}
    }
}

fuzz_target!(|input: &[u8]| {
    let [limit, first, second, stream @ ..] = input else { return };
    let max_frame = 16 + usize::from(*limit) * 32;
    let whole = scan(stream, &[usize::MAX / 2], max_frame);
    for (at, scanned) in &whole.0 {
        check(stream, max_frame, *at, scanned);
    }
    let chunks = [usize::from(*first) + 1, usize::from(*second % 7) + 1];
    assert_eq!(scan(stream, &chunks, max_frame), whole, "how bytes arrive changes nothing");
    assert_eq!(scan(stream, &[1], max_frame), whole, "how bytes arrive changes nothing");
});
