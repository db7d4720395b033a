//! The console port: health and metrics.

mod respond;
mod service;

pub use service::{Health, serve};
