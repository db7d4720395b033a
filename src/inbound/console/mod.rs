//! The console port: health and metrics, and the bounds of everything else that is served there.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `service` | `/livez`, `/readyz`, `/metrics` |
//! | `listener` | accepts, bounds and drains connections |
//! | `bounds` | what one request may take: size, time, and how many at once |
//! | `configured` | whether the configuration on the disk is in force |
//! | `caller` | from where a request comes, and its bearer token |
//! | `object` | JSON objects where objects are meant |
//! | `pages` | what people see: login, live, override files |
//! | `respond` | status codes and bodies |

pub mod bounds;
pub mod caller;
pub mod configured;
mod listener;
pub mod object;
pub mod pages;
mod respond;
mod service;

pub use service::{Health, serve};
