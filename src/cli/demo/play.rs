//! Plays the day: each message over a real socket to its route, and beside it directly to a second
//! stand-in, so that what the gate adds can be told.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::cli::demo::DemoError;
use crate::cli::demo::day::{Day, Message};
use crate::cli::send::reply;
use crate::clock;
use crate::hl7::frame;

/// An answer that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came back for one message.
pub(super) struct Played {
    /// The reply's payload; `None` when there was none.
    pub(super) reply: Option<Vec<u8>>,
    /// Round trip through the gate less round trip without it.
    pub(super) added: Duration,
}

/// Sends every message in turn.
pub(super) async fn play(
    day: &Day,
    routes: &[(Arc<str>, SocketAddr)],
    direct: SocketAddr,
) -> Result<Vec<Played>, DemoError> {
    let mut lines: HashMap<&str, Line> = HashMap::new();
    let mut beside = Line::open(direct).await?;
    let mut out = Vec::with_capacity(day.messages.len());
    for message in &day.messages {
        let line = match lines.entry(message.route.as_str()) {
            std::collections::hash_map::Entry::Occupied(line) => line.into_mut(),
            std::collections::hash_map::Entry::Vacant(empty) => {
                empty.insert(Line::open(address(routes, message)?).await?)
            }
        };
        let (_, without) = beside.round_trip(&message.bytes).await;
        let (reply, with) = line.round_trip(&message.bytes).await;
        out.push(Played { reply, added: with.saturating_sub(without) });
    }
    Ok(out)
}

fn address(routes: &[(Arc<str>, SocketAddr)], message: &Message) -> Result<SocketAddr, DemoError> {
    let found = routes.iter().find(|(name, _)| **name == *message.route);
    found
        .map(|(_, address)| *address)
        .ok_or_else(|| DemoError::Sample(format!("{}: no route {}", message.file, message.route)))
}

/// A sender's connection.
struct Line {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Line {
    async fn open(address: SocketAddr) -> Result<Self, DemoError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::new() })
    }

    async fn round_trip(&mut self, message: &[u8]) -> (Option<Vec<u8>>, Duration) {
        let framed = frame::wrap(message);
        let began = clock::monotonic();
        let answered = async {
            self.stream.write_all(&framed).await.ok()?;
            reply(&mut self.stream, &mut self.buffer).await.ok()
        };
        let reply = timeout(PATIENCE, answered).await.ok().flatten();
        let took = clock::monotonic().duration_since(began);
        (reply.map(|reply| frame::payload(&reply).to_vec()), took)
    }
}
