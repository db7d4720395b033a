//! Accepts connections of a route, bounds their number, opens the upstream side of each, and drains them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::{client, server};

use crate::inbound::mllp::Config;
use crate::inbound::mllp::connection::{Route, UPSTREAM_DISTRUSTS, serve};
use crate::net::handshake::shake;
use crate::net::stream::{self, Reader, Writer};
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

async fn connection(mut route: Route, sender: TcpStream, mut drain: watch::Receiver<bool>) {
    let config = Arc::clone(&route.config);
    events::ConnectionOpened { route: &config.name }.emit();
    let _open = route.meters.connection();
    // Acknowledgements are small and waited for: Nagle would hold them back.
    let _ = sender.set_nodelay(true);
    let sender = match &config.tls {
        None => Sender::Plain(sender),
        Some(tls) => {
            let shaken = tokio::select! {
                _ = drain.wait_for(|drain| *drain) => return,
                shaken = shake(&config.name, tls, sender) => shaken,
            };
            let Some(shaken) = shaken else { return };
            route.sender = shaken.peer;
            Sender::Tls(Box::new(shaken.stream))
        }
    };
    let connecting = timeout(config.upstream_timeout, connect(&config)).await;
    let upstream = match connecting.unwrap_or(Err("timeout")) {
        Ok(upstream) => {
            route.upstream.works();
            upstream
        }
        Err(why) => {
            upstream_failed(&route, why);
            return;
        }
    };
    let light = route.clone();
    let why = match (sender, upstream) {
        (Sender::Plain(sender), Upstream::Plain(upstream)) => {
            serve(route, sender.into_split(), upstream.into_split(), drain).await
        }
        (sender, upstream) => {
            let (sender, upstream) = (sender.halves(), upstream.halves());
            Box::pin(serve(route, sender, upstream, drain)).await
        }
    };
    if why == UPSTREAM_DISTRUSTS {
        upstream_failed(&light, why);
    }
    events::ConnectionClosed { route: &config.name, why }.emit();
}

fn upstream_failed(route: &Route, why: &'static str) {
    route.upstream.fails(why);
    events::UpstreamFailed { route: &route.config.name, why }.emit();
}

/// The sender's connection.
enum Sender {
    Plain(TcpStream),
    Tls(Box<server::TlsStream<TcpStream>>),
}

/// The connection to the downstream system.
enum Upstream {
    Plain(TcpStream),
    Tls(Box<client::TlsStream<TcpStream>>),
}

impl Sender {
    fn halves(self) -> (Reader, Writer) {
        match self {
            Self::Plain(socket) => stream::plain(socket),
            Self::Tls(stream) => stream::tls(*stream),
        }
    }
}

impl Upstream {
    fn halves(self) -> (Reader, Writer) {
        match self {
            Self::Plain(socket) => stream::plain(socket),
            Self::Tls(stream) => stream::tls(*stream),
        }
    }
}

/// Connects to the downstream system; else why not, of a bounded set.
async fn connect(config: &Config) -> Result<Upstream, &'static str> {
    let socket = TcpStream::connect(&config.upstream).await.map_err(|_| "refused")?;
    let _ = socket.set_nodelay(true);
    let Some(tls) = &config.upstream_tls else { return Ok(Upstream::Plain(socket)) };
    let host = config.upstream.rsplit_once(':').map_or("", |(host, _)| host);
    Ok(Upstream::Tls(Box::new(tls.connect(host, socket).await?)))
}
