//! One file per command.

pub mod ledger;
