//! What the gate needs of the network besides its own listeners: the outgoing HTTP client, and TLS for both sides.

pub mod client;
pub mod handshake;
pub mod stream;
pub mod tls;
