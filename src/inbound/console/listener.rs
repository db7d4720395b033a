//! Accepts, bounds and drains connections of the console port. They can take only so much of the machine: the routes
//! come first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::inbound::console::caller::{Peer, Scheme};
use crate::net::handshake::shake;
use crate::net::stream::{Plain, Stream};
use crate::net::tls::ServerTls;
use crate::telemetry::events;
use crate::telemetry::net as tls_events;

/// Ordering screens keep few connections; a monitoring system has one.
const CONNECTIONS_MAX: usize = 256;
/// A request's head comes in one go.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Room for a head: a token is some KiB long.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// The same of HTTP/2.
const HEAD_LIST_MAX: u32 = 64 * 1024;
/// Requests at a time on one HTTP/2 connection: a page with its parts.
const STREAMS_MAX: u32 = 64;
/// A peer of an HTTP/2 connection that is gone without a word is found out so soon.
const ALIVE_EVERY: Duration = Duration::from_secs(30);
/// In events.
const CONSOLE: &str = "console";
/// After a failed accept (no more file handles), others get time to end.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Serves `app` until the gate stops, then finishes what is in hand.
pub(super) async fn run(
    listener: TcpListener,
    tls: Option<ServerTls>,
    app: Router,
    mut drain: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            _ = drain.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let scheme = Scheme(if tls.is_some() { "https" } else { "http" });
                let app = app.clone().layer(Extension(peer)).layer(Extension(scheme));
                let (tls, drain, watcher) = (tls.clone(), drain.clone(), graceful.watcher());
                tokio::spawn(async move {
                    connection(stream, tls, app, watcher, drain).await;
                    drop(place);
                });
            }
            Err(error) => {
                events::AcceptFailed { route: CONSOLE, error }.emit();
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

async fn connection(
    socket: TcpStream,
    tls: Option<ServerTls>,
    app: Router,
    watcher: Watcher,
    mut drain: watch::Receiver<bool>,
) {
    let by_tls = Arc::new(AtomicBool::new(false));
    let stream = match tls {
        None => Stream::Plain(Plain::new(socket, Arc::clone(&by_tls))),
        Some(tls) => {
            let shaken = tokio::select! {
                _ = drain.wait_for(|stop| *stop) => return,
                shaken = shake(CONSOLE, &tls, socket) => shaken,
            };
            let Some(shaken) = shaken else { return };
            Stream::Tls(Box::new(shaken.stream.into()))
        }
    };
    let mut builder = Builder::new(TokioExecutor::new());
    let mut http = builder.http1();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD_BYTES_MAX);
    let mut http = builder.http2();
    http.timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX);
    http.max_header_list_size(HEAD_LIST_MAX);
    http.keep_alive_interval(ALIVE_EVERY).keep_alive_timeout(HEAD_WITHIN);
    // Only who has agreed on it speaks HTTP/2: nothing is guessed from the first bytes.
    let builder = if stream.agreed_on_h2() { builder.http2_only() } else { builder.http1_only() };
    let service = TowerToHyperService::new(app);
    let served = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let _ = watcher.watch(served).await;
    if by_tls.load(Ordering::Relaxed) {
        tls_events::TlsOnPlain { route: CONSOLE }.emit();
    }
}

/// A connection once there is a place for it; until then it waits in the system's queue.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, address) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, Peer(address), place))
}
