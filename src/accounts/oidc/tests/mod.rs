//! Logins by the provider: what binds them to a browser, what claims mean, which tokens hold.

mod begun;
mod person;
mod token;
