//! Lines of any length, however few bytes a reading gives: the same as those of the whole.

use std::io::{self, Read};

use proptest::prelude::*;

use crate::ledger::read::{Lines, Piece};

/// Gives its bytes in pieces of the sizes told, again and again.
struct Pieces {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    nth: usize,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let wished = self.sizes[self.nth % self.sizes.len()];
        self.nth += 1;
        let count = wished.min(room.len()).min(self.bytes.len() - self.at);
        room[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lines_are_found_whatever_a_reading_gives(
        lengths in prop::collection::vec(prop_oneof![0_usize..300, 60_000_usize..140_000, Just(65_535), Just(65_536)], 0..12),
        torn in prop_oneof![Just(0_usize), 1_usize..200_000],
        sizes in prop::collection::vec(prop_oneof![1_usize..5_000, Just(usize::MAX)], 1..4),
    ) {
        let line = |(nth, length): (usize, &usize)| {
            let letter = b'a' + u8::try_from(nth % 26).unwrap();
            vec![letter; *length]
        };
        let expected: Vec<Vec<u8>> = lengths.iter().enumerate().map(line).collect();
        let mut bytes: Vec<u8> = expected.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        bytes.extend(vec![b'z'; torn]);
        let mut lines = Lines::new(Box::new(Pieces { bytes, at: 0, sizes, nth: 0 }));
        for (nth, line) in (1..).zip(&expected) {
            prop_assert!(matches!(lines.next().unwrap(), Piece::Whole));
            prop_assert!(lines.line() == line && lines.number == nth);
        }
        match lines.next().unwrap() {
            Piece::End => prop_assert_eq!(torn, 0),
            Piece::Torn(left) => prop_assert_eq!(left, u64::try_from(torn).unwrap()),
            Piece::Whole | Piece::Long => prop_assert!(false, "no such line"),
        }
    }
}
