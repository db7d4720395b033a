//! A stand-in for the downstream system: takes frames, keeps their bytes, answers AA.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::hl7::frame::{self, FrameScanner, Scanned};

/// No message of the day is longer.
const FRAME_MAX: usize = 1024 * 1024;

/// A stand-in that runs until the program ends.
pub(super) struct StandIn {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl StandIn {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The payloads received, in order.
    pub(super) fn received(&self) -> Vec<Vec<u8>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Listens on a loopback port of the system's choosing.
pub(super) async fn start() -> std::io::Result<StandIn> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let received = Arc::<Mutex<Vec<Vec<u8>>>>::default();
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, Arc::clone(&kept)));
        }
    });
    Ok(StandIn { address, received })
}

async fn answer(mut stream: TcpStream, kept: Arc<Mutex<Vec<Vec<u8>>>>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = BytesMut::new();
    let mut scanner = FrameScanner::new(FRAME_MAX);
    loop {
        match scanner.next(&buffer) {
            Scanned::Frame { range } => {
                let bytes = buffer.split_to(range.end);
                let payload = frame::payload(bytes.get(range.start..).unwrap_or_default()).to_vec();
                let reply = frame::wrap(&acknowledgement(&payload));
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(payload);
                if stream.write_all(&reply).await.is_err() {
                    return;
                }
            }
            Scanned::Outside { range, .. } | Scanned::LostEnd { range } => {
                let _ = buffer.split_to(range.end);
            }
            Scanned::TooLong => return,
            Scanned::NeedMore => match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            },
        }
    }
}

/// `MSA|AA` with the sender's MSH-10: what an operating-room system would say.
fn acknowledgement(payload: &[u8]) -> Vec<u8> {
    let line = payload.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or_default();
    let control_id = line.split(|b| *b == b'|').nth(9).unwrap_or_default();
    let mut out = b"MSH|^~\\&|OR|DEMO|HIS|DEMO|20260302080000||ACK|OR1|P|2.4\rMSA|AA|".to_vec();
    out.extend_from_slice(control_id);
    out.push(b'\r');
    out
}
