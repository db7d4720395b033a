//! What the program says of itself: named events (the only logs and metrics) and how they are written.

#[expect(clippy::disallowed_macros, reason = "the one place that may log and count")]
pub mod events;
pub mod logs;
pub mod metrics;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod office;
