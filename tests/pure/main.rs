//! The pure tests: no socket, no clock, no disk but the test data. One binary, so that it links once.

#![expect(clippy::expect_used, reason = "a test that cannot go on says so by panicking")]

mod architecture;
mod decisions;
mod evasions;
mod feeds;
mod laws;
mod model;
mod support;
