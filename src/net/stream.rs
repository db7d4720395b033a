//! A connection, plain or by TLS, for whoever reads and writes it without caring which.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::TlsStream;

use crate::net::tls::server::HANDSHAKE_RECORD;

/// A connection in one piece, for HTTP.
pub enum Stream {
    /// Bytes as they are.
    Plain(Plain),
    /// By TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A plain connection that notices when its peer speaks TLS.
pub struct Plain {
    socket: TcpStream,
    looked: bool,
    tls: Arc<AtomicBool>,
}

impl Plain {
    /// `tls` becomes true when the first byte that comes is that of a TLS handshake.
    pub fn new(socket: TcpStream, tls: Arc<AtomicBool>) -> Self {
        Self { socket, looked: false, tls }
    }
}

impl Stream {
    /// Whether HTTP/2 was agreed upon in the handshake.
    pub fn agreed_on_h2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => {
                let before = buf.filled().len();
                ready!(Pin::new(&mut plain.socket).poll_read(cx, buf))?;
                if !plain.looked {
                    plain.looked = true;
                    if buf.filled().get(before) == Some(&HANDSHAKE_RECORD) {
                        plain.tls.store(true, Ordering::Relaxed);
                    }
                }
                Poll::Ready(Ok(()))
            }
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.socket).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.socket).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.socket).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(plain) => Pin::new(&mut plain.socket).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(plain) => plain.socket.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

/// The reading half of a connection, for protocols whose pieces tell where they end: one that ends without a TLS farewell
/// has ended all the same.
pub enum Reader {
    /// Bytes as they are.
    Plain(OwnedReadHalf),
    /// By TLS.
    Tls(ReadHalf<TlsStream<TcpStream>>),
}

/// The writing half. What it says is written has left; nobody needs to flush it.
pub enum Writer {
    /// Bytes as they are.
    Plain(OwnedWriteHalf),
    /// By TLS, and how many bytes of the buffer that was last offered are taken and have not left yet.
    Tls(WriteHalf<TlsStream<TcpStream>>, usize),
}

/// Both halves of a plain connection.
pub fn plain(socket: TcpStream) -> (Reader, Writer) {
    let (read, write) = socket.into_split();
    (Reader::Plain(read), Writer::Plain(write))
}

/// Both halves of a TLS connection.
pub fn tls(stream: impl Into<TlsStream<TcpStream>>) -> (Reader, Writer) {
    let (read, write) = tokio::io::split(stream.into());
    (Reader::Tls(read), Writer::Tls(write, 0))
}

impl AsyncRead for Reader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_read(cx, buf),
            Self::Tls(half) => match ready!(Pin::new(half).poll_read(cx, buf)) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
                outcome => Poll::Ready(outcome),
            },
        }
    }
}

impl AsyncWrite for Writer {
    /// After `Pending` the next call must offer the same bytes again, or more behind them.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_write(cx, buf),
            Self::Tls(half, taken) => {
                if *taken == 0 {
                    *taken = ready!(Pin::new(&mut *half).poll_write(cx, buf))?;
                }
                ready!(Pin::new(half).poll_flush(cx))?;
                Poll::Ready(Ok(std::mem::take(taken).min(buf.len())))
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_flush(cx),
            Self::Tls(half, _) => Pin::new(half).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(half) => Pin::new(half).poll_shutdown(cx),
            Self::Tls(half, _) => Pin::new(half).poll_shutdown(cx),
        }
    }
}
