//! `orgate send`: an MLLP test client. Prints each acknowledgement and latency percentiles.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use clap::Args;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::cli::{EXIT_FOUND, EXIT_USAGE};
use crate::clock;
use crate::hl7::frame::{self, FrameScanner, Scanned};
use crate::inbound::mllp::intake::acknowledges;
use crate::net::tls::client::{ClientFiles, server_name};
use crate::net::tls::{ClientTls, MLLP};

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
    /// By TLS; the server's certificate must hold
    #[arg(long)]
    tls: bool,
    /// With --tls: who signs the server (PEM); without it, the system's roots
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
    /// With --tls: our certificate, where the server asks for one (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["tls", "key"])]
    cert: Option<PathBuf>,
    /// With --tls: its private key (PEM)
    #[arg(long, value_name = "FILE", requires_all = ["tls", "cert"])]
    key: Option<PathBuf>,
    /// With --tls: the name that the server's certificate must have, where that is not HOST
    #[arg(long, value_name = "NAME", requires = "tls")]
    server_name: Option<String>,
}

impl SendArgs {
    /// What is trusted and shown, if TLS is asked for.
    fn tls(&self) -> Result<Option<ClientTls>, String> {
        if !self.tls {
            return Ok(None);
        }
        let name = self.server_name.as_deref().map(server_name).transpose();
        let name = name.map_err(|error| format!("--server-name is {error}"))?;
        let identity = self.cert.clone().zip(self.key.clone());
        let files = ClientFiles { ca: self.ca.clone(), identity };
        ClientTls::new(files, name, MLLP).map(Some).map_err(|error| error.to_string())
    }
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
    let tls = match args.tls() {
        Ok(tls) => tls,
        Err(text) => {
            eprintln!("{text}");
            return EXIT_USAGE;
        }
    };
    let args = Arc::new(args);
    let mut senders = tokio::task::JoinSet::new();
    for index in 0..connections {
        let own: Vec<_> = all.iter().skip(index).step_by(connections).cloned().collect();
        senders.spawn(connection(Arc::clone(&args), tls.clone(), own));
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

/// A connection to send over, plain or by TLS.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

async fn connect(args: &SendArgs, tls: Option<&ClientTls>) -> Result<Box<dyn Wire>, String> {
    let to = &args.to;
    let socket = TcpStream::connect(to).await.map_err(|error| format!("{to}: {error}"))?;
    let _ = socket.set_nodelay(true);
    let Some(tls) = tls else { return Ok(Box::new(socket)) };
    let host = to.rsplit_once(':').map_or(to.as_str(), |(host, _)| host);
    match tls.connect(host, socket).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(why) => Err(format!("{to}: no TLS connection: {why}")),
    }
}

/// Sends its share over one connection, each message after the answer to the one before.
async fn connection(
    args: Arc<SendArgs>,
    tls: Option<ClientTls>,
    frames: Vec<Framed>,
) -> Result<Vec<Sent>, String> {
    let patience = Duration::from_millis(args.timeout_ms);
    let connecting = timeout(patience, connect(&args, tls.as_ref())).await;
    let mut stream =
        connecting.map_err(|_| format!("{}: no connection within {patience:?}", args.to))??;
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
        let writing = async {
            stream.write_all(&frame).await?;
            stream.flush().await
        };
        writing.await.map_err(|error| format!("{name}: {error}"))?;
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
    let _ = timeout(patience, stream.shutdown()).await;
    Ok(out)
}

/// The next frame from the stream.
pub(super) async fn reply(
    stream: &mut (impl AsyncRead + Unpin),
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
