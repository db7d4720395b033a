//! Who accepts connections for a stand-in, and stops when told to.

use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

/// A listener with a thread of its own. When it is dropped, who connects is refused, as where nothing runs.
pub(crate) struct Listening {
    listener: TcpListener,
    thread: Option<JoinHandle<()>>,
}

impl Listening {
    /// Each connection is given to `each`.
    pub(crate) fn on(
        listener: TcpListener,
        mut each: impl FnMut(TcpStream) + Send + 'static,
    ) -> Self {
        let own = listener.try_clone().expect("a socket");
        let thread = std::thread::spawn(move || {
            for stream in own.incoming() {
                let Ok(stream) = stream else { return };
                each(stream);
            }
        });
        Self { listener, thread: Some(thread) }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Wakes the thread, also where nobody else could connect: the listener may be of another network.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
