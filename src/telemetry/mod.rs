//! What the program says of itself: named events (the only logs and metrics) and how they are written.

#[expect(clippy::disallowed_macros, reason = "the one place that may log and count")]
pub mod events;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod export;
#[expect(clippy::disallowed_macros, reason = "events of the feeds, likewise")]
pub mod feed;
pub mod logs;
pub mod metrics;
mod named;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod net;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod office;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod outage;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod pulled;
#[expect(clippy::disallowed_macros, reason = "instruments of the register")]
pub mod register;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod reload;
#[expect(clippy::disallowed_macros, reason = "instruments of the routes")]
pub mod route;
#[expect(clippy::disallowed_macros, reason = "as `events`")]
pub mod shared;
#[expect(clippy::disallowed_macros, reason = "gauges")]
pub mod state;
pub mod trace;
