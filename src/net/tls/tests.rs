//! TLS between two who both run here.
