//! The receivers, one file each.

pub mod dingtalk;
pub mod feishu;
pub mod fhir;
pub mod file;
pub mod hl7v2;
pub mod http;
pub mod mail;
pub mod nats;
pub mod webhook;
pub mod wecom;

mod digest;
mod robot;
