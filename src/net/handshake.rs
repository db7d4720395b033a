//! The handshake of a listener's new connection, and what is told of it.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::net::tls::ServerTls;
use crate::net::tls::facts::Peer;
use crate::net::tls::server::{Refused, peer};
use crate::telemetry::net as events;

/// A connection after its handshake.
pub struct Shaken {
    /// What goes on.
    pub stream: TlsStream<TcpStream>,
    /// Who the client is, where it had to show a certificate.
    pub peer: Option<Arc<Peer>>,
}

/// Shakes hands for `route`. `None`: the connection is closed, and why was told.
pub async fn shake(route: &str, tls: &ServerTls, socket: TcpStream) -> Option<Shaken> {
    let from = socket.peer_addr().map(|address| address.ip().to_canonical());
    match (tls.accept(socket).await, from) {
        (Ok(stream), _) => {
            let peer = peer(&stream).map(Arc::new);
            if let Some(peer) = &peer {
                events::ClientKnown { route, peer: &peer.name }.emit();
            }
            return Some(Shaken { stream, peer });
        }
        // Gone before it could be asked who it is, or a balancer that looks whether we live.
        (Err(Refused::Unused), _) | (Err(_), Err(_)) => {}
        (Err(Refused::Plain), Ok(from)) => events::PlainOnTls { route, from }.emit(),
        (Err(Refused::Failed(why)), Ok(from)) => {
            events::HandshakeFailed { route, from, why }.emit();
        }
    }
    None
}
