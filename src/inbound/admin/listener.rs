//! Accepts and bounds connections of the admin channel, and answers what they ask.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::SignedDuration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};

use crate::gate::afterwards::Afterwards;
use crate::gate::bypass::{Actor, BypassError};
use crate::inbound::admin::{Answer, Ask, Doors, socket};
use crate::telemetry::{events, outage};

/// Commands at a time; people type them.
const CONNECTIONS_MAX: usize = 16;
/// A line holds a name and a reason.
const LINE_MAX: u64 = 64 * 1024;
/// A command that says nothing for so long is gone.
const IDLE: Duration = Duration::from_secs(120);
/// After a failed accept (no more file handles), others get time to end.
const AFTER_FAILURE: Duration = Duration::from_millis(100);

/// Makes the socket. Whoever holds the ledger's lock is the only gate of the data directory, so one that is there is
/// left over.
///
/// # Errors
/// As the system reports: mostly that the path is too long for a socket (107 bytes).
pub fn bind(data_dir: &Path) -> io::Result<UnixListener> {
    let path = socket(data_dir);
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600))?;
    outage::AdminListening { socket: &path.display().to_string() }.emit();
    Ok(listener)
}

/// Serves until the gate stops.
pub async fn run(listener: UnixListener, doors: Doors, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // One too many is closed at once: its command says that the gate does not answer.
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
                let (doors, mut stop) = (doors.clone(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = stop.wait_for(|stop| *stop) => {}
                        _ = serve(stream, &doors) => {}
                    }
                    drop(place);
                });
            }
            Err(error) => {
                events::AcceptFailed { route: "admin", error }.emit();
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

/// One connection, until its end.
async fn serve(stream: UnixStream, doors: &Doors) -> io::Result<()> {
    let uid = stream.peer_cred().ok().map(|peer| peer.uid());
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut from).take(LINE_MAX);
        let read = tokio::time::timeout(IDLE, bounded.read_until(b'\n', &mut line)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return Ok(());
        }
        let Ok(ask) = serde_json::from_slice::<Ask>(&line) else {
            let en = "the gate does not know this command: is it of another version?";
            return tell(&mut to, &Answer::refused("网关不认识此命令，版本是否一致？", en)).await;
        };
        let message = match &ask {
            Ask::Record { route, bytes, .. } => match doors.room(route, *bytes) {
                Ok(()) => {
                    let mut message = vec![0; *bytes];
                    let reading = from.read_exact(&mut message);
                    if !matches!(tokio::time::timeout(IDLE, reading).await, Ok(Ok(_))) {
                        return Ok(());
                    }
                    Bytes::from(message)
                }
                // What follows is not read, so nothing else can be.
                Err(refused) => return tell(&mut to, &refused).await,
            },
            _ => Bytes::new(),
        };
        let answer = doors.answer(ask, message, uid).await;
        tell(&mut to, &answer).await?;
    }
}

async fn tell(to: &mut (impl AsyncWriteExt + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    to.write_all(&line).await
}

impl Doors {
    /// Whether a message of a route may be so long.
    fn room(&self, route: &str, bytes: usize) -> Result<(), Answer> {
        let Some(own) = self.recorders.iter().find(|own| *own.route == *route) else {
            let names: Vec<&str> = self.recorders.iter().map(|own| &*own.route).collect();
            let names = names.join(", ");
            let zh = format!("没有名为 {route} 的 HL7 通道，可选：{names}");
            return Err(Answer::refused(zh, format!("no HL7 route `{route}`, choose: {names}")));
        };
        if bytes > (own.max_bytes)() {
            let en = "the message is longer than max_frame_kib of the route";
            return Err(Answer::refused("报文超过通道的 max_frame_kib。", en));
        }
        Ok(())
    }

    async fn answer(&self, ask: Ask, message: Bytes, uid: Option<u32>) -> Answer {
        let refused = |error: BypassError| Answer::refused(error.text_zh(), error);
        let actor = |by: String| Actor { by, account: None, uid };
        match ask {
            Ask::BypassOn { by, reason, for_s } => {
                let lasting = SignedDuration::from_secs(i64::try_from(for_s).unwrap_or(i64::MAX));
                let switched = self.gate.bypass_on(actor(by), &reason, lasting).await;
                switched.map_or_else(refused, Answer::from)
            }
            Ask::BypassOff { by, reason } => {
                let switched = self.gate.bypass_off(actor(by), &reason).await;
                switched.map_or_else(refused, Answer::from)
            }
            Ask::BypassStatus => {
                let now = self.gate.clock().now();
                let on = self.gate.bypass().now(now).map(|on| on.kept().clone());
                let left = on.as_ref().map(|kept| kept.until.duration_since(now).as_secs());
                let longest_s = self.gate.bypass().longest().as_secs();
                Answer::Bypass { on, left_s: left.unwrap_or(0), longest_s }
            }
            Ask::Record { route, by, reason, at, .. } => {
                let Some(own) = self.recorders.iter().find(|own| *own.route == *route) else {
                    return Answer::refused("没有此通道。", "no such route");
                };
                (own.record)(message, at, Afterwards { by, reason }).await
            }
            Ask::Prune { by } => (self.pruner)(by).await,
            Ask::Health => Answer::Health {
                register: self.gate.register().readiness().usable,
                ledger: self.gate.ledger_writes(),
            },
            Ask::Head => Answer::Head { head: self.gate.ledger_head().to_string() },
        }
    }
}
