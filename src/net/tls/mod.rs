//! TLS by rustls (ring), 1.2 and later: on what listens, and towards upstreams.
//!
//! | file | what belongs in it |
//! |---|---|
//! | `files` | PEM files → certificates, keys and roots, and what is wrong with them |
//! | `facts` | whose a certificate is, and from when to when it holds |
//! | `kept` | what was made of files, made anew when they change |
//! | `server` | handshakes with those who connect, bounded in time and number |
//! | `client` | handshakes with those we connect to |
//! | `why` | what went wrong, in words of a bounded set |

pub mod client;
pub mod facts;
pub mod files;
pub mod kept;
pub mod server;
pub mod why;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::CryptoProvider;
use rustls::{CommonState, HandshakeKind};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::clock::Clock;
use crate::net::tls::facts::Facts;

pub use client::ClientTls;
pub use server::ServerTls;

/// HTTP/2 where the other side speaks it, else HTTP/1.1.
pub const HTTP: &[&[u8]] = &[b"h2", b"http/1.1"];
/// HTTP/1.1 only.
pub const HTTP1: &[&[u8]] = &[b"http/1.1"];
/// HTTP/2 only.
pub const HTTP2: &[&[u8]] = &[b"h2"];
/// No protocol is named: MLLP has no name.
pub const MLLP: &[&[u8]] = &[];

/// How long a connection that is closed before its time is read out: closing it with bytes unread would reset it, and
/// take from the peer the alert that says why.
const FAREWELL: Duration = Duration::from_secs(1);

/// ring, whatever provider the process has installed.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Whether a session goes on whose peer's certificate has expired meanwhile: rustls does not look at it again.
pub(in crate::net) fn lapsed(session: &CommonState) -> bool {
    session.handshake_kind() == Some(HandshakeKind::Resumed)
        && session
            .peer_certificates()
            .and_then(|chain| Facts::of(chain.get(..1)?))
            .is_some_and(|facts| facts.not_after < Clock::System.now())
}

/// Ends a connection so that the peer reads what was sent to it.
async fn farewell(mut socket: impl AsyncRead + AsyncWrite + Unpin) {
    let mut forgotten = [0; 1024];
    let ending = async {
        let _ = socket.shutdown().await;
        while socket.read(&mut forgotten).await.is_ok_and(|count| count > 0) {}
    };
    let _ = tokio::time::timeout(FAREWELL, ending).await;
}
