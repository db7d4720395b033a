//! What the regulations demand: pure functions from facts to findings. No I/O, no clock, no log.
//!
//! One file per family, one function per rule; [`table`] holds each rule's articles, default
//! effects and whether an emergency lifts it; [`judge`] combines them.

mod case;
mod emergency;
mod grant;
mod judge;
mod preparation;
mod restricted;
mod story;
mod surgeon;
mod technique;
mod wording;

pub mod effects;
pub mod report;
pub mod table;
pub mod titles;

#[cfg(test)]
mod tests;

pub use grant::{Ability, ability, may_perform};
pub use judge::{Facts, People, Policy, Surroundings, judge, ordering, persons, team};
