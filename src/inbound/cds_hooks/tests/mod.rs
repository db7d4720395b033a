//! CDS Hooks without a socket: tokens, keys, calls, references, cards.

mod calls;
mod fetched;
mod shown;
mod tokens;
