//! Accepts, bounds and drains connections of the console port. They can take only so much of the machine: the routes
//! come first.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::inbound::console::caller::Peer;
use crate::telemetry::events;

/// Ordering screens keep few connections; a monitoring system has one.
const CONNECTIONS_MAX: usize = 256;
/// A request's head comes in one go.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// Room for a head: a token is some KiB long.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// After a failed accept (no more file handles), others get time to end.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Serves `app` until the gate stops, then finishes what is in hand.
pub(super) async fn run(listener: TcpListener, app: Router, mut drain: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            _ = drain.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                let service = TowerToHyperService::new(app.clone().layer(Extension(peer)));
                let mut builder = Builder::new(TokioExecutor::new()).http1_only();
                let mut http = builder.http1();
                http.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
                http.max_buf_size(HEAD_BYTES_MAX);
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                let connection = graceful.watch(connection.into_owned());
                tokio::spawn(async move {
                    let _ = connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                events::AcceptFailed { route: "console", error }.emit();
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
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
