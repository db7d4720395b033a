//! What the program says of itself: named events (the only logs and metrics) and how they are written.

pub mod events;
pub mod logs;
pub mod metrics;
