//! `orgate send`: an MLLP test client. Prints each acknowledgement and latency percentiles.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::cli::{EXIT_FOUND, EXIT_USAGE};
use crate::clock;
use crate::hl7::frame::{self, FrameScanner, Scanned};
use crate::inbound::mllp::intake::acknowledges;

/// The longest reply that is waited for, in bytes.
const REPLY_MAX: usize = 16 * 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// Files with one message each, or with framed messages
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Where to
    #[arg(long, value_name = "HOST:PORT")]
    to: String,
    /// Messages a second over all connections; 0 = as fast as answers come
    #[arg(long, default_value_t = 0, value_name = "N")]
    rate: u32,
    /// Connections at a time
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// How often all files are sent
    #[arg(long, default_value_t = 1, value_name = "N")]
    repeat: u32,
    /// How long an answer is waited for
    #[arg(long, default_value_t = 10_000, value_name = "MS")]
    timeout_ms: u64,
    /// Only the summary
    #[arg(long)]
    quiet: bool,
}

/// A framed message and the name of its file.
type Framed = (Arc<str>, Vec<u8>);

/// What became of one message.
struct Sent {
    took: Duration,
    code: Option<String>,
}

pub(super) async fn run(args: SendArgs) -> u8 {
    let frames = match read_frames(&args.files) {
        Ok(frames) => frames,
        Err(text) => {
            eprintln!("{text}");
            return EXIT_USAGE;
        }
    };
    let repeat = usize::try_from(args.repeat).unwrap_or(usize::MAX);
    let all: Vec<Framed> =
        frames.iter().cycle().take(frames.len().saturating_mul(repeat)).cloned().collect();
    let connections = usize::from(args.connections);
    let args = Arc::new(args);
    let mut senders = tokio::task::JoinSet::new();
    for index in 0..connections {
        let own: Vec<_> = all.iter().skip(index).step_by(connections).cloned().collect();
        senders.spawn(connection(Arc::clone(&args), own));
    }
    let mut sent = Vec::new();
    let mut failed = false;
    while let Some(joined) = senders.join_next().await {
        match joined {
            Ok(Ok(own)) => sent.extend(own),
            Ok(Err(text)) => {
                eprintln!("{text}");
                failed = true;
            }
            Err(_) => failed = true,
        }
    }
    summary(&mut sent);
    let good = sent.iter().all(|s| matches!(s.code.as_deref(), Some("AA" | "CA")));
    if failed || !good { EXIT_FOUND } else { 0 }
}

/// Every message of the files, framed.
fn read_frames(files: &[PathBuf]) -> Result<Vec<Framed>, String> {
    let mut out = Vec::new();
    for file in files {
        let name: Arc<str> = file.display().to_string().into();
        let bytes = std::fs::read(file).map_err(|error| format!("{name}: {error}"))?;
        if bytes.first() != Some(&0x0b) {
            out.push((name, frame::wrap(&bytes)));
            continue;
        }
        let mut scanner = FrameScanner::new(bytes.len() + 1);
        let mut rest = bytes.as_slice();
        loop {
            let end = match scanner.next(rest) {
                Scanned::Frame { range } => {
                    out.push((
                        Arc::clone(&name),
                        rest.get(range.clone()).unwrap_or_default().to_vec(),
                    ));
                    range.end
                }
                Scanned::Outside { range, .. } | Scanned::LostEnd { range } => range.end,
                Scanned::NeedMore | Scanned::TooLong => break,
            };
            rest = rest.get(end..).unwrap_or_default();
        }
    }
    Ok(out)
}

/// Sends its share over one connection, each message after the answer to the one before.
async fn connection(args: Arc<SendArgs>, frames: Vec<Framed>) -> Result<Vec<Sent>, String> {
    let patience = Duration::from_millis(args.timeout_ms);
    let connecting = timeout(patience, TcpStream::connect(&args.to)).await;
    let mut stream = match connecting {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return Err(format!("{}: {error}", args.to)),
        Err(_) => return Err(format!("{}: no connection within {patience:?}", args.to)),
    };
    let _ = stream.set_nodelay(true);
    let share = f64::from(args.rate) / f64::from(args.connections);
    let pause = (args.rate > 0).then(|| Duration::from_secs_f64(1.0 / share));
    let mut next = Instant::from_std(clock::monotonic());
    let mut out = Vec::with_capacity(frames.len());
    let mut buffer = BytesMut::new();
    for (name, frame) in frames {
        if let Some(pause) = pause {
            tokio::time::sleep_until(next).await;
            next += pause;
        }
        let began = clock::monotonic();
        stream.write_all(&frame).await.map_err(|error| format!("{name}: {error}"))?;
        let reply = timeout(patience, reply(&mut stream, &mut buffer)).await;
        let took = clock::monotonic().duration_since(began);
        let reply = match reply {
            Ok(Ok(reply)) => reply,
            Ok(Err(text)) => return Err(format!("{name}: {text}")),
            Err(_) => return Err(format!("{name}: no answer within {patience:?}")),
        };
        let code = acknowledges(&reply).map(|a| String::from_utf8_lossy(a.code).into_owned());
        if !args.quiet {
            let shown = String::from_utf8_lossy(frame::payload(&reply)).replace('\r', "\n  ");
            say!("{name}  {} µs\n  {}", took.as_micros(), shown.trim_end());
        }
        out.push(Sent { took, code });
    }
    Ok(out)
}

/// The next frame from the stream.
pub(super) async fn reply(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> Result<Vec<u8>, String> {
    let mut scanner = FrameScanner::new(REPLY_MAX);
    loop {
        match scanner.next(buffer) {
            Scanned::Frame { range } => {
                let bytes = buffer.split_to(range.end);
                return Ok(bytes.get(range.start..).unwrap_or_default().to_vec());
            }
            Scanned::Outside { range, .. } | Scanned::LostEnd { range } => {
                let _ = buffer.split_to(range.end);
                continue;
            }
            Scanned::TooLong => return Err("the answer is longer than 16 MiB".to_owned()),
            Scanned::NeedMore => {}
        }
        match stream.read_buf(buffer).await {
            Ok(0) => return Err("the connection was closed before an answer came".to_owned()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn summary(sent: &mut [Sent]) {
    sent.sort_by_key(|s| s.took);
    let mut codes = std::collections::BTreeMap::<&str, usize>::new();
    for one in sent.iter() {
        *codes.entry(one.code.as_deref().unwrap_or("no MSA")).or_default() += 1;
    }
    let codes: Vec<String> = codes.iter().map(|(code, count)| format!("{code} {count}")).collect();
    say!("{} message(s): {}", sent.len(), codes.join(", "));
    let at = |share: usize| {
        let index = sent.len().saturating_sub(1) * share / 1000;
        sent.get(index).map_or(0, |s| s.took.as_micros())
    };
    if !sent.is_empty() {
        say!(
            "latency µs: p50 {}  p90 {}  p99 {}  p99.9 {}  max {}",
            at(500),
            at(900),
            at(990),
            at(999),
            at(1000)
        );
    }
}
