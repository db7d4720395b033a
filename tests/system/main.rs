//! The system tests: raw bytes to real sockets, the real binary, real files. One binary, so that it links once.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod accounts;
mod answer_table;
mod browser;
mod cds_hooks;
mod cds_persons;
mod cli;
mod connections;
mod console;
mod console_feeds;
mod console_records;
mod console_register;
mod corpus;
mod decision_api;
mod demo;
mod evasions;
mod faults;
mod feeds;
mod fhir_bundles;
mod fhir_corpus;
mod fhir_down;
mod fhir_explain;
mod fhir_h2;
mod fhir_judged;
mod fhir_references;
mod fhir_register;
mod fhir_transparent;
mod foreign;
mod foreign_fhir;
mod forwarding;
mod kill;
mod ledger_down;
mod ledger_files;
mod observed;
mod office;
mod office_reading;
mod oidc;
mod outage;
mod outside_frames;
mod pipelining;
mod postgres;
mod privacy;
mod privacy_everywhere;
mod refusals;
mod reload;
mod retransmission;
mod same_order;
mod shipped;
mod soak;
mod stances;
mod support;
mod tls;
mod traces;
mod unreadable;
