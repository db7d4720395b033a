//! Who is told: readers of the ledger with durable cursors, one task per receiver.
//!
//! ```text
//! ledger files ─┐
//!               ├─► reader ─► filter ─► gather (window, pace) ─► sink ─► cursor
//! notices.jsonl ┘                                             └► dead letters
//! ```
//!
//! The ledger is the backlog: an alert is made from its entry when it is delivered, so between "decided" and "told"
//! there is nothing that could be lost, and a receiver that is away for a month costs no memory. A feed delivers one
//! thing after the other in the order of the ledger, so the alerts of a case keep their order. The cursor moves when
//! a delivery is confirmed: a crash repeats, and never skips; receivers drop repetitions by the stable id.
//!
//! What has no entry – a route that is down, a ledger that cannot write – goes through a small log of its own
//! ([`notices`]), read in the same way.
//!
//! # Limits
//!
//! In memory, per feed: the entries of one batch ([`reader`]), and one delivery ([`sink::Sink::letters_max`]).
//! On disk: nothing but the cursor, and dead letters, which somebody must look at.
//!
//! # Files in `data_dir/feeds`
//!
//! `NAME.cursor` · `NAME.dead.jsonl` laid aside · `NAME.disabled` after 410 · `notices.jsonl` · `pseudonym.key`:
//! whoever has it can find out a patient's pseudonym; whoever loses it gets other pseudonyms from then on.

pub mod alert;
pub mod cursor;
pub mod dead;
pub mod dispatch;
pub mod filter;
pub mod gone;
pub mod notices;
pub mod overdue;
pub mod pace;
pub mod reader;
pub mod running;
pub mod sink;
pub mod sinks;
pub mod state;
pub mod watch;
pub mod watched;

mod kit;
mod lines;
mod start;

#[cfg(test)]
mod tests;

pub use start::{Config, Destination, FeedError, Feeds, Ground, folder};
