//! The scanner beside a plain model, whatever the chunks.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Frame(Vec<u8>),
    Outside(Vec<u8>, bool),
    LostEnd(Vec<u8>),
    TooLong,
}

/// Feeds `stream` in chunks of the given sizes (cycled) and gathers the pieces; the rest is what
/// stays in the buffer at the end.
fn scan(stream: &[u8], chunks: &[usize], max: usize) -> (Vec<Piece>, Vec<u8>) {
    let mut scanner = FrameScanner::new(max);
    let (mut buffer, mut pieces, mut at) = (Vec::new(), Vec::new(), 0);
    let mut sizes = chunks.iter().cycle();
    loop {
        match scanner.next(&buffer) {
            Scanned::NeedMore if at == stream.len() => return (pieces, buffer),
            Scanned::NeedMore => {
                let end = (at + sizes.next().copied().unwrap_or(1).max(1)).min(stream.len());
                buffer.extend_from_slice(&stream[at..end]);
                at = end;
            }
            Scanned::TooLong => {
                pieces.push(Piece::TooLong);
                return (pieces, Vec::new());
            }
            Scanned::Frame { range } => {
                pieces.push(Piece::Frame(buffer.drain(..range.end).collect()));
            }
            Scanned::Outside { range, forwardable } => {
                let piece: Vec<u8> = buffer.drain(..range.end).collect();
                assert!(!piece.is_empty());
                pieces.push(Piece::Outside(piece, forwardable));
            }
            Scanned::LostEnd { range } => {
                pieces.push(Piece::LostEnd(buffer.drain(..range.end).collect()));
            }
        }
    }
}

fn header_at(rest: &[u8]) -> bool {
    let named = [b"MSH", b"FHS", b"BHS"].iter().any(|n| rest.starts_with(*n));
    named && rest.get(3).is_some_and(u8::is_ascii_punctuation)
}

/// Whether `rest` ends before it can be told from a header.
fn may_be_header(rest: &[u8]) -> bool {
    rest.len() < 4 && [b"MSH|", b"FHS|", b"BHS|"].iter().any(|n| n.starts_with(rest))
}

/// The definition on the whole stream; short streams only, so nothing outside is cut.
fn model(stream: &[u8], max: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = stream;
    while let Some(&first) = rest.first() {
        let ends = |n: usize| rest[n..].starts_with(&[END, CR]);
        let cut = if first == START {
            let lost = |n: &usize| rest[*n] == START && header_at(&rest[n + 1..]);
            let Some(at) = (1..rest.len()).find(|n| ends(*n) || lost(n)) else {
                // A start near the limit may still turn out to be that of the next frame.
                let open = |n: usize| rest[n] == START && may_be_header(&rest[n + 1..]);
                if rest.len() > max && !(1..rest.len().min(max)).any(open) {
                    pieces.push(Piece::TooLong);
                }
                break;
            };
            let length = if ends(at) { at + 2 } else { at };
            if length > max || at >= max {
                pieces.push(Piece::TooLong);
                break;
            }
            let piece = rest[..length].to_vec();
            pieces.push(match (ends(at), at) {
                (true, _) => Piece::Frame(piece),
                (false, 1) => Piece::Outside(piece, false),
                (false, _) => Piece::LostEnd(piece),
            });
            length
        } else {
            let end = (0..rest.len()).find(|n| ends(*n) || rest[*n] == START);
            let Some(at) = end else { break };
            let length = if ends(at) { at + 2 } else { at };
            let piece = rest[..length].to_vec();
            let upper = piece.to_ascii_uppercase();
            let like = ["MSH", "FHS", "BHS"]
                .iter()
                .any(|n| memchr::memmem::find(&upper, n.as_bytes()).is_some());
            pieces.push(Piece::Outside(piece, !like));
            length
        };
        rest = &rest[cut..];
    }
    pieces
}

fn whole(stream: &[u8]) -> Vec<Piece> {
    scan(stream, &[usize::MAX / 2], 1 << 20).0
}

#[test]
fn frames_one_after_another_are_told_apart() {
    let stream = [wrap(b"MSH|1"), wrap(b"MSH|2")].concat();
    assert_eq!(whole(&stream), [Piece::Frame(wrap(b"MSH|1")), Piece::Frame(wrap(b"MSH|2"))]);
    assert_eq!(payload(&wrap(b"MSH|1")), b"MSH|1");
}

#[test]
fn a_frame_at_its_limit_waits_for_the_byte_that_tells_a_lost_end() {
    let stream = [11, 28, 11, 13, 10, 11, 66, 72, 83];
    for chunks in [&[1][..], &[9]] {
        assert_eq!(scan(&stream, chunks, 6), (model(&stream, 6), stream.to_vec()));
    }
    let lost = [&stream[..], b"|"].concat();
    assert_eq!(scan(&lost, &[1], 6).0, [Piece::LostEnd(stream[..5].to_vec())]);
    let none = [&stream[..], b"x"].concat();
    assert_eq!(scan(&none, &[1], 6).0, [Piece::TooLong]);
}

#[test]
fn a_heartbeat_without_start_is_one_piece_that_may_be_forwarded() {
    let stream = [&b"#$#\x1C\r"[..], b"\n\0", &wrap(b"MSH|1")].concat();
    assert_eq!(
        whole(&stream),
        [
            Piece::Outside(b"#$#\x1C\r".to_vec(), true),
            Piece::Outside(b"\n\0".to_vec(), true),
            Piece::Frame(wrap(b"MSH|1")),
        ]
    );
}

#[test]
fn a_message_outside_a_frame_is_never_forwardable() {
    let found = whole(b"MSH|^~\\&|\rPR1|\x1C\r");
    assert_eq!(found, [Piece::Outside(b"MSH|^~\\&|\rPR1|\x1C\r".to_vec(), false)]);
    let long = [&b"MSH|"[..], &[b'x'; 2 * MAX_OUTSIDE_BYTES], b"\x1C\r#$#\x1C\r"].concat();
    let forwardable: Vec<bool> =
        whole(&long).iter().map(|p| matches!(p, Piece::Outside(_, true))).collect();
    assert_eq!(forwardable, [false, false, false, true]);
}

#[test]
fn an_end_character_alone_and_a_start_inside_are_payload() {
    for text in [&b"a\x1Cb"[..], b"a\x0Bb", b"\x1C\x1C", b"a\x0BMSHx"] {
        assert_eq!(whole(&wrap(text)), [Piece::Frame(wrap(text))]);
    }
}

#[test]
fn a_lost_end_is_reported_and_the_next_frame_is_whole() {
    let stream = [&b"\x0BMSH|lost\r"[..], &wrap(b"MSH|2")].concat();
    let expected = [Piece::LostEnd(b"\x0BMSH|lost\r".to_vec()), Piece::Frame(wrap(b"MSH|2"))];
    assert_eq!(whole(&stream), expected);
    let doubled = [&b"\x0B"[..], &wrap(b"MSH|2")].concat();
    assert_eq!(whole(&doubled)[1], Piece::Frame(wrap(b"MSH|2")));
}

#[test]
fn a_frame_of_the_greatest_length_passes_and_one_more_byte_does_not() {
    let frame = wrap(b"MSH|12345");
    assert_eq!(scan(&frame, &[1], frame.len()).0, [Piece::Frame(frame.clone())]);
    assert_eq!(scan(&frame, &[1], frame.len() - 1).0, [Piece::TooLong]);
    assert_eq!(scan(b"\x0Bendless", &[3], 5).0, [Piece::TooLong]);
}

#[test]
fn it_says_whether_a_frame_has_begun() {
    let mut scanner = FrameScanner::new(100);
    assert_eq!(scanner.next(b"\x0BMS"), Scanned::NeedMore);
    assert!(scanner.in_frame());
    assert_eq!(scanner.next(b"\x0BMSH|\x1C\r"), Scanned::Frame { range: 0..7 });
    assert!(!scanner.in_frame());
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        Just(b"\x0B".to_vec()),
        Just(b"\x1C\r".to_vec()),
        Just(b"\x1C".to_vec()),
        Just(b"MSH|".to_vec()),
        Just(b"BHS".to_vec()),
        Just(b"M".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"#$#\x1C\r".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn chunks_make_no_difference_and_the_model_agrees(
        stream in stream(),
        chunks in prop::collection::vec(1_usize..9, 1..8),
        max in 4_usize..40,
    ) {
        let (pieces, _) = scan(&stream, &chunks, max);
        let at_once = scan(&stream, &[stream.len().max(1)], max).0;
        prop_assert_eq!(&pieces, &at_once);
        prop_assert_eq!(pieces, model(&stream, max));
    }

    #[test]
    fn no_byte_is_lost(stream in stream(), chunks in prop::collection::vec(1_usize..9, 1..8)) {
        let (pieces, rest) = scan(&stream, &chunks, 1 << 20);
        let mut all: Vec<u8> = pieces.into_iter().flat_map(|p| match p {
            Piece::Frame(b) | Piece::Outside(b, _) | Piece::LostEnd(b) => b,
            Piece::TooLong => Vec::new(),
        }).collect();
        all.extend(rest);
        prop_assert_eq!(all, stream);
    }
}
