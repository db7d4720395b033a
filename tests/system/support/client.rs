//! A sender: raw bytes to a socket, frames from it.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use crate::support::message::framed;
use crate::support::{PATIENCE, read_some};

/// One connection of a sender.
pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(to: SocketAddr) -> Self {
        Self::try_connect(to).expect("the gate accepts")
    }

    /// `None` when nobody listens.
    pub(crate) fn try_connect(to: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect_timeout(&to, PATIENCE).ok()?;
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_write_timeout(Some(PATIENCE)).expect("a socket");
        Some(Self { stream, unread: Vec::new() })
    }

    /// Bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the connection takes bytes");
    }

    /// Bytes as they are, on a connection that may be closed meanwhile.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// A payload in a frame, and the payload of the answer.
    pub(crate) fn ask(&mut self, payload: &[u8]) -> Vec<u8> {
        self.send(&framed(payload));
        self.answer()
    }

    /// The payload of the next frame.
    pub(crate) fn answer(&mut self) -> Vec<u8> {
        let frame = self.frame();
        frame[1..frame.len() - 2].to_vec()
    }

    /// The next frame; whatever stands before it fails the test.
    pub(crate) fn frame(&mut self) -> Vec<u8> {
        self.next_frame().unwrap_or_else(|| {
            panic!("closed without an answer; unread: {:?}", String::from_utf8_lossy(&self.unread))
        })
    }

    /// The next frame, `None` when the gate closes first.
    pub(crate) fn next_frame(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|two| two == [0x1c, b'\r']) {
                let frame: Vec<u8> = self.unread.drain(..end + 2).collect();
                assert_eq!(frame[0], 0x0b, "no frame: {:?}", String::from_utf8_lossy(&frame));
                return Some(frame);
            }
            if self.read() == 0 {
                return None;
            }
        }
    }

    /// Waits for exactly these bytes.
    pub(crate) fn expect(&mut self, bytes: &[u8]) {
        while self.unread.len() < bytes.len() {
            assert!(self.read() > 0, "closed before all bytes came");
        }
        let came: Vec<u8> = self.unread.drain(..bytes.len()).collect();
        assert!(came == bytes, "{:?}", String::from_utf8_lossy(&came));
    }

    /// Waits for the end of the connection; nothing may come before it.
    pub(crate) fn expect_closed(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "came before the end: {:?}", String::from_utf8_lossy(&rest));
    }

    /// Everything up to the end of the connection.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.read() > 0 {}
        std::mem::take(&mut self.unread)
    }

    /// The sender has sent all it will.
    pub(crate) fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("a socket");
    }

    /// A second handle, to write beside reading.
    pub(crate) fn writer(&self) -> TcpStream {
        self.stream.try_clone().expect("a socket")
    }

    /// How many bytes came; 0 at the end. A gate that resets the connection has ended it.
    fn read(&mut self) -> usize {
        let mut chunk = vec![0; 256 * 1024];
        match read_some(&mut self.stream, &mut chunk) {
            Ok(count) => {
                self.unread.extend_from_slice(&chunk[..count]);
                count
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("nothing came for {PATIENCE:?}, and the connection is open")
            }
            Err(_) => 0,
        }
    }
}
