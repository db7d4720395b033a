//! The sources of privileges: how each is reached (one file each), and the SQL that they share.

mod ask;
pub mod keep;
pub mod sql;
pub mod sqlite;
