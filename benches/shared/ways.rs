//! What both ends of a hop under measurement run on: one thread each, and senders that wait for each answer.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;
use std::time::Duration;

use orgate::clock::monotonic;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::task::LocalSet;

use crate::measured::{Round, cpu};

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// One thread that answers on every connection.
pub(crate) fn stand_in<F: Future<Output = ()> + Send + 'static>(
    answer: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(answer(stream));
            }
        });
    });
    told.recv().unwrap()
}

/// All lines at work at once until each is done; `process` is the one under measurement.
pub(crate) async fn round<L, F: Future<Output = Vec<Duration>> + 'static>(
    lines: impl IntoIterator<Item = L>,
    process: Option<u32>,
    mut work: impl FnMut(L) -> F,
) -> Round {
    let (before, began) = (cpu(process), monotonic());
    let local = LocalSet::new();
    let tasks: Vec<_> = lines.into_iter().map(|line| local.spawn_local(work(line))).collect();
    let mut took = Vec::new();
    let all = async {
        for task in tasks {
            took.extend(task.await.unwrap());
        }
    };
    local.run_until(all).await;
    let wall = began.elapsed();
    Round::of(took, wall, cpu(process) - before)
}
