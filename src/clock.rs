//! The only file that asks for the time.

use std::time::Instant;

use jiff::Timestamp;

/// Where the time comes from; tests pass [`Clock::Fixed`].
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The machine's.
    System,
    /// Always this instant.
    Fixed(Timestamp),
}

impl Clock {
    /// The time now.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(at) => at,
        }
    }
}

/// A monotonic instant, for measuring durations and deadlines only.
#[expect(clippy::disallowed_methods, reason = "this is the one place that may ask")]
pub fn monotonic() -> Instant {
    Instant::now()
}
