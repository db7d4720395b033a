//! The system tests: raw bytes to real sockets, the real binary, real files. One binary, so that it links once.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod answer_table;
mod cli;
mod connections;
mod console;
mod corpus;
mod foreign;
mod forwarding;
mod kill;
mod ledger_down;
mod ledger_files;
mod office;
mod outside_frames;
mod pipelining;
mod privacy;
mod refusals;
mod retransmission;
mod stances;
mod support;
mod unreadable;
