//! Faults that happen for real, one row each: a load goes on, something breaks, is kept broken for a while, is mended, and
//! then the whole book is judged against the bytes that arrived downstream and against the ledgers.
//!
//! What must hold in every row: nothing that was refused arrived; what arrived is on file (an emergency that moved while
//! there was no ledger is entered afterwards, and counted); every acceptance that a sender got is the downstream
//! system's own, to the byte; once the fault is mended everything is answered without anybody's hand; the chain verifies.
//!
//! The last row that finishes prints the table of all that ran, past libtest's capture, and writes it to
//! `target/tmp/faults.md`.

mod clock;
mod database;
mod disk;
mod downstream;
mod fhir;
mod gates;
mod his;
mod judge;
mod network;
mod partition;
mod scene;
mod standin;
mod table;
mod wire;
