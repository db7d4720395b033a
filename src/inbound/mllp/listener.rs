//! Accepts connections of a route, bounds their number, opens the upstream side of each, and drains them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::inbound::mllp::Config;
use crate::inbound::mllp::connection::{Route, serve};
use crate::telemetry::events;

/// Connections that the system holds for us until they are accepted.
const BACKLOG: u32 = 1024;
/// After a failed accept (out of file descriptors, say) the next is tried after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds a route's address.
///
/// # Errors
/// What the system says.
pub fn bind(config: &Config) -> io::Result<TcpListener> {
    let socket = if config.listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A gate that restarts must not wait for the old connections' TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(config.listen)?;
    socket.listen(BACKLOG)
}

/// Accepts until `drain` says stop, then waits for the open connections. Dropping the future cuts them.
pub async fn run(mut route: Route, listener: TcpListener, mut drain: watch::Receiver<bool>) {
    let name = Arc::clone(&route.config.name);
    if let Ok(listen) = listener.local_addr() {
        events::RouteListening { route: &name, listen }.emit();
    }
    let mut connections = JoinSet::new();
    loop {
        if *drain.borrow() {
            break;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = drain.changed() => continue,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let sender = match accepted {
            Ok((sender, _)) => sender,
            Err(error) => {
                events::AcceptFailed { route: &name, error }.emit();
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        route.renew();
        while connections.try_join_next().is_some() {}
        if connections.len() >= route.config.max_connections {
            events::ConnectionRefused { route: &name }.emit();
            continue;
        }
        connections.spawn(connection(route.clone(), sender, drain.clone()));
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(route: Route, sender: TcpStream, drain: watch::Receiver<bool>) {
    let config = Arc::clone(&route.config);
    events::ConnectionOpened { route: &config.name }.emit();
    let _open = route.meters.connection();
    let connecting = timeout(config.upstream_timeout, TcpStream::connect(&config.upstream));
    let upstream = match connecting.await {
        Ok(Ok(upstream)) => {
            route.upstream.works();
            upstream
        }
        failed => {
            let why = if failed.is_err() { "timeout" } else { "refused" };
            route.upstream.fails(why);
            events::UpstreamFailed { route: &config.name, why }.emit();
            return;
        }
    };
    // Acknowledgements are small and waited for: Nagle would hold them back.
    let _ = sender.set_nodelay(true);
    let _ = upstream.set_nodelay(true);
    let why = serve(route, sender.into_split(), upstream.into_split(), drain).await;
    events::ConnectionClosed { route: &config.name, why }.emit();
}
