//! One file per command.

pub mod export;
pub mod import;
