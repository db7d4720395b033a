//! The stand-in for the downstream system: keeps every byte, and does with each message what the test says.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::listening::Listening;
use crate::support::message::{acknowledgement, control_id};
use crate::support::{eventually, read_some};

/// What is done when a message has come.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Bytes, in one write.
    Send(Vec<u8>),
    /// Bytes, each in a write of its own.
    SendInPieces(Vec<u8>),
    Pause(Duration),
    /// No more will be sent; what comes is still read.
    Finish,
    Close,
}

/// What came, as it came.
#[derive(Default)]
struct Seen {
    connections: Vec<Connection>,
}

#[derive(Default)]
struct Connection {
    bytes: Vec<u8>,
    /// The gate has sent all it will.
    finished: bool,
    stream: Option<TcpStream>,
}

/// Called with each whole frame and the number of its connection, in the order of arrival.
type Behaviour = Box<dyn FnMut(&[u8], usize) -> Vec<Act> + Send>;

/// A downstream system.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    behaviour: Arc<Mutex<Behaviour>>,
    listening: Mutex<Option<Listening>>,
}

impl Upstream {
    /// Answers each message with AA and its MSH-10.
    pub(crate) fn accepting() -> Self {
        Self::that(|frame, _| vec![Act::Send(accepted(frame))])
    }

    /// Does as told with each frame.
    pub(crate) fn that(behaviour: impl FnMut(&[u8], usize) -> Vec<Act> + Send + 'static) -> Self {
        Self::at("127.0.0.1", behaviour)
    }

    /// The same at an address of the machine, which may be one that nobody else uses.
    pub(crate) fn at(
        address: &str,
        behaviour: impl FnMut(&[u8], usize) -> Vec<Act> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port");
        let upstream = Self {
            address: listener.local_addr().expect("a port"),
            seen: Arc::default(),
            behaviour: Arc::new(Mutex::new(Box::new(behaviour))),
            listening: Mutex::default(),
        };
        upstream.listen_by(listener);
        upstream
    }

    fn listen_by(&self, listener: TcpListener) {
        let (seen, behaviour) = (self.seen.clone(), self.behaviour.clone());
        let each = move |stream: TcpStream| {
            let (seen, behaviour) = (seen.clone(), behaviour.clone());
            let number = {
                let mut seen = lock(&seen);
                let stream = stream.try_clone().ok();
                seen.connections.push(Connection { stream, ..Connection::default() });
                seen.connections.len() - 1
            };
            std::thread::spawn(move || connection(stream, number, &seen, &behaviour));
        };
        *lock(&self.listening) = Some(Listening::on(listener, each));
    }

    /// From now on who connects is refused, as where nothing runs.
    pub(crate) fn refuse(&self) {
        *lock(&self.listening) = None;
    }

    /// Accepts again, at the same address.
    pub(crate) fn listen_again(&self) {
        let listener =
            eventually("its own address is free", || TcpListener::bind(self.address).ok());
        self.listen_by(listener);
    }

    /// Ends every connection that is open.
    pub(crate) fn hang_up(&self) {
        for connection in &mut lock(&self.seen).connections {
            if let Some(stream) = connection.stream.take() {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }

    /// From now on does this.
    pub(crate) fn now(&self, behaviour: impl FnMut(&[u8], usize) -> Vec<Act> + Send + 'static) {
        *lock(&self.behaviour) = Box::new(behaviour);
    }

    /// All bytes that ever came, connection by connection.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let seen = lock(&self.seen);
        seen.connections.iter().flat_map(|connection| connection.bytes.clone()).collect()
    }

    /// The bytes of one connection.
    pub(crate) fn bytes_on(&self, number: usize) -> Vec<u8> {
        lock(&self.seen).connections.get(number).map(|c| c.bytes.clone()).unwrap_or_default()
    }

    /// All whole frames that ever came.
    pub(crate) fn frames(&self) -> Vec<Vec<u8>> {
        let seen = lock(&self.seen);
        let mut all = Vec::new();
        for connection in &seen.connections {
            let mut rest = connection.bytes.as_slice();
            while let Some(length) = frame_length(rest) {
                // A heartbeat has an end, too, and is no frame.
                if rest[0] == 0x0b {
                    all.push(rest[..length].to_vec());
                }
                rest = &rest[length..];
            }
        }
        all
    }

    /// How many connections were ever opened.
    pub(crate) fn connections(&self) -> usize {
        lock(&self.seen).connections.len()
    }

    /// Waits until `count` frames have come.
    pub(crate) fn wait_for_frames(&self, count: usize) -> Vec<Vec<u8>> {
        eventually(&format!("{count} frames at the stand-in"), || {
            let frames = self.frames();
            (frames.len() >= count).then_some(frames)
        })
    }

    /// Waits until exactly these bytes have come on all connections together.
    pub(crate) fn wait_for_bytes(&self, bytes: &[u8]) {
        eventually("the bytes at the stand-in", || {
            (self.bytes().len() >= bytes.len()).then_some(())
        });
        let came = self.bytes();
        let differ = came.iter().zip(bytes).position(|(a, b)| a != b);
        assert!(
            came == bytes,
            "other bytes came: {} instead of {}, first difference at {differ:?}",
            came.len(),
            bytes.len()
        );
    }

    /// Waits until the gate has finished sending on a connection.
    pub(crate) fn wait_until_finished(&self, number: usize) {
        eventually("the end of the gate's bytes", || {
            let seen = lock(&self.seen);
            seen.connections.get(number).is_some_and(|c| c.finished).then_some(())
        });
    }

    /// Sends on a connection without being asked.
    pub(crate) fn say(&self, number: usize, bytes: &[u8]) {
        let seen = lock(&self.seen);
        let mut stream = seen.connections[number].stream.as_ref().expect("an open connection");
        stream.write_all(bytes).expect("the gate reads");
    }
}

/// AA to a frame.
pub(crate) fn accepted(frame: &[u8]) -> Vec<u8> {
    acknowledgement("AA", &control_id(frame))
}

/// An address at which nothing listens.
pub(crate) fn nobody() -> SocketAddr {
    // tcpmux: free on every machine that runs tests, and never handed out by the system.
    SocketAddr::from(([127, 0, 0, 1], 1))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn frame_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|two| two == [0x1c, b'\r']).map(|at| at + 2)
}

fn connection(
    mut stream: TcpStream,
    number: usize,
    seen: &Mutex<Seen>,
    behaviour: &Mutex<Behaviour>,
) {
    let mut unread = Vec::new();
    let mut searched = 0_usize;
    let mut chunk = vec![0; 256 * 1024];
    loop {
        let count = read_some(&mut stream, &mut chunk).unwrap_or(0);
        unread.extend_from_slice(&chunk[..count]);
        {
            let mut seen = lock(seen);
            let own = &mut seen.connections[number];
            own.bytes.extend_from_slice(&chunk[..count]);
            if count == 0 {
                own.finished = true;
                own.stream = None;
                return;
            }
        }
        // No byte is looked at twice, however large a message is.
        while let Some(length) = frame_length(&unread[searched..]).map(|end| searched + end) {
            searched = 0;
            let frame: Vec<u8> = unread.drain(..length).collect();
            if frame[0] != 0x0b {
                continue;
            }
            let acts = (lock(behaviour))(&frame, number);
            for act in acts {
                if !done(&mut stream, act) {
                    lock(seen).connections[number].stream = None;
                    return;
                }
            }
        }
        searched = unread.len().saturating_sub(1);
    }
}

/// Whether the connection goes on.
fn done(stream: &mut TcpStream, act: Act) -> bool {
    match act {
        Act::Send(bytes) => {
            let _ = stream.write_all(&bytes);
        }
        Act::SendInPieces(bytes) => {
            let _ = stream.set_nodelay(true);
            for byte in bytes {
                let _ = stream.write_all(&[byte]);
            }
        }
        Act::Pause(time) => std::thread::sleep(time),
        Act::Finish => {
            let _ = stream.shutdown(Shutdown::Write);
        }
        Act::Close => {
            let _ = stream.shutdown(Shutdown::Both);
            return false;
        }
    }
    true
}
