//! Unusual reading: told once, by different patients within an hour.

use crate::accounts::reading::{Reading, Readings};
use crate::accounts::tests::at;

#[test]
fn more_different_patients_within_an_hour_than_the_limit_are_told_once() {
    let readings = Readings::new(3);
    let patient = |n: u8| [n; 8];
    for n in [1, 2, 3, 3, 1] {
        assert_eq!(readings.look("wang", patient(n), at(0)), Reading::Usual);
    }
    assert_eq!(readings.look("li", patient(4), at(1)), Reading::Usual, "each account by itself");
    assert_eq!(readings.look("wang", patient(4), at(1)), Reading::Unusual(4));
    assert_eq!(readings.look("wang", patient(5), at(2)), Reading::Still(5));
    assert_eq!(readings.look("wang", patient(6), at(61)), Reading::Usual);
    let off = Readings::new(0);
    assert!((0..100).all(|n| off.look("wang", patient(n), at(0)) == Reading::Usual));
}
