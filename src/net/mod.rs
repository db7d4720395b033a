//! What the gate needs of the network besides its own listeners: the outgoing HTTP client.

pub mod client;
