//! Accepts connections of a route, bounds their number, speaks HTTP/1.1 and HTTP/2 on them, and drains them.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;

use crate::feed::watch::Light;
use crate::gate::Gate;
use crate::inbound::fhir::Config;
use crate::inbound::fhir::service::{Route, serve};
use crate::inbound::live::Live;
use crate::net::client::{Body, ClientError};
use crate::net::handshake::shake;
use crate::net::stream::{Plain, Stream};
use crate::telemetry::events;
use crate::telemetry::net as tls_events;

/// Connections that the system holds for us until they are accepted.
const BACKLOG: u32 = 1024;
/// After a failed accept (out of file descriptors, say) the next is tried after this.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Requests at a time on one HTTP/2 connection; an engine that multiplexes a hospital needs some dozens.
const STREAMS_MAX: u32 = 256;

/// A route whose address is bound.
pub struct Bound {
    listener: TcpListener,
    route: Route,
    /// Ends when nothing of the route is under way any more.
    done: mpsc::Receiver<()>,
}

/// Why a route cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}, free the port or change `listen`")]
    Listen(SocketAddr, io::Error),
    /// The server is https, and that cannot be spoken.
    #[error(transparent)]
    Upstream(#[from] ClientError),
}

/// Binds a route's address and makes ready for its server.
///
/// # Errors
/// What the system says, or TLS.
pub fn bind(live: Live<Config>, gate: Arc<Gate>, upstream: Light) -> Result<Bound, BindError> {
    let (busy, done) = mpsc::channel(1);
    let address = live.now().config.listen;
    let listener = listen(address).map_err(|error| BindError::Listen(address, error))?;
    let route = Route::new(live, gate, upstream, busy)?;
    Ok(Bound { listener, route, done })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A gate that restarts must not wait for the old connections' TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Bound {
    /// The address it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.route.config.listen)
    }

    /// Accepts until `drain` says stop, then waits for what is under way. Dropping the future cuts it.
    pub async fn run(self, mut drain: watch::Receiver<bool>) {
        let Self { listener, mut route, mut done } = self;
        let name = Arc::clone(&route.config.name);
        if let Ok(listen) = listener.local_addr() {
            events::RouteListening { route: &name, listen }.emit();
        }
        let mut connections = JoinSet::new();
        while !*drain.borrow() {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = drain.changed() => continue,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
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
            connections.spawn(connection(route.clone(), stream, peer, drain.clone()));
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
        // Requests whose client has gone away are still forwarded and recorded.
        drop(route);
        while done.recv().await.is_some() {}
    }
}

/// Requests under way on one connection.
#[derive(Default)]
struct Busy {
    requests: AtomicUsize,
    /// How many ever began.
    begun: AtomicUsize,
    ended: Notify,
}

impl Busy {
    /// Waits until no request has been under way for `patience`. HTTP/1.1 sees to that by itself.
    async fn idle(&self, patience: Duration) {
        loop {
            let begun = self.begun.load(Ordering::Relaxed);
            tokio::time::sleep(patience).await;
            if self.requests.load(Ordering::Relaxed) > 0 {
                self.ended.notified().await;
            } else if self.begun.load(Ordering::Relaxed) == begun {
                return;
            }
        }
    }
}

/// One request under way, until it is dropped.
struct Underway(Arc<Busy>);

impl Underway {
    fn begin(busy: &Arc<Busy>) -> Self {
        busy.requests.fetch_add(1, Ordering::Relaxed);
        busy.begun.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(busy))
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
        self.0.ended.notify_one();
    }
}

async fn connection(
    mut route: Route,
    stream: TcpStream,
    peer: SocketAddr,
    mut drain: watch::Receiver<bool>,
) {
    let config = Arc::clone(&route.config);
    events::ConnectionOpened { route: &config.name }.emit();
    let _open = route.meters.connection();
    // Answers are small and waited for: Nagle would hold them back.
    let _ = stream.set_nodelay(true);
    let by_tls = Arc::new(AtomicBool::new(false));
    let stream = match &config.tls {
        None => Stream::Plain(Plain::new(stream, Arc::clone(&by_tls))),
        Some(tls) => {
            let shaken = tokio::select! {
                _ = drain.wait_for(|drain| *drain) => return,
                shaken = shake(&config.name, tls, stream) => shaken,
            };
            let Some(shaken) = shaken else { return };
            route.sender = shaken.peer;
            Stream::Tls(Box::new(shaken.stream.into()))
        }
    };
    let busy = Arc::new(Busy::default());
    let counted = Arc::clone(&busy);
    let service = service_fn(move |request: Request<Incoming>| {
        let (route, underway) = (route.clone(), Underway::begin(&counted));
        async move {
            let response = serve(route, peer, request).await;
            drop(underway);
            Ok::<Response<Body>, Infallible>(response)
        }
    });
    let server = server(&config);
    let mut served = pin!(server.serve_connection(TokioIo::new(stream), service));
    let mut why = "closed";
    let mut draining = false;
    loop {
        tokio::select! {
            ended = served.as_mut() => {
                if ended.is_err() {
                    why = "broken";
                }
                break;
            }
            _ = drain.wait_for(|drain| *drain), if !draining => {
                why = "drained";
                draining = true;
                served.as_mut().graceful_shutdown();
            }
            () = busy.idle(config.idle_timeout), if !draining => {
                why = "idle";
                draining = true;
                served.as_mut().graceful_shutdown();
            }
        }
    }
    if by_tls.load(Ordering::Relaxed) {
        tls_events::TlsOnPlain { route: &config.name }.emit();
    }
    events::ConnectionClosed { route: &config.name, why }.emit();
}

fn server(config: &Config) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .preserve_header_case(true)
        .auto_date_header(false)
        // From the end of a request to the end of the next one's head.
        .header_read_timeout(config.idle_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .auto_date_header(false)
        .max_concurrent_streams(STREAMS_MAX)
        // A peer that is gone without a word is found out.
        .keep_alive_interval(config.idle_timeout)
        .keep_alive_timeout(config.idle_timeout);
    builder
}
