//! The nouns of the hospital: what every other floor speaks of. No wire format, no I/O, no clock.

pub mod article;
pub mod calendar;
pub mod catalogue;
pub mod consequence;
pub mod discussion;
pub mod gather;
pub mod grant;
pub mod indexed;
pub mod order;
pub mod procedure;
pub mod rule;
pub mod story;
pub mod surgeon;
pub mod technique;
pub mod verdict;
