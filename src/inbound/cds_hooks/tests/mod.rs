//! CDS Hooks without a socket: tokens, keys, calls, references, cards.

mod calls;
mod shown;
mod tokens;
