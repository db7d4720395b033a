//! Gates that share a register on a real PostgreSQL.

mod faults;
mod office;
mod register;
mod sharing;
mod tls;
