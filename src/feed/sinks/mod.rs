//! The receivers, one file each.

pub mod file;
pub mod http;
pub mod webhook;
