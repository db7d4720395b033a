//! Somebody between two programs who lets bytes through, late, or not at all.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support::listening::Listening;
use crate::support::read_some;

/// So late that nothing comes while a test runs.
const NEVER: u64 = u64::MAX;
/// How often it is looked whether bytes may go on.
const LOOK: Duration = Duration::from_millis(5);

/// Listens on a port of its own.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    late_ms: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    _listening: Listening,
}

impl Proxy {
    /// Lets everything through at once, until told otherwise.
    pub(crate) fn before(target: SocketAddr) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"), target)
    }

    /// The same on a listener that may be of another network: what it accepts goes on in the network of who calls this.
    pub(crate) fn on(listener: TcpListener, target: SocketAddr) -> Self {
        let address = listener.local_addr().expect("a port");
        let (late_ms, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (late, stopped) = (Arc::clone(&late_ms), Arc::clone(&stop));
        let each = move |accepted: TcpStream| {
            let Ok(on) = TcpStream::connect(target) else { return };
            for (from, to) in [(&accepted, &on), (&on, &accepted)] {
                let (from, to) = (from.try_clone(), to.try_clone());
                let (from, to) = (from.expect("a socket"), to.expect("a socket"));
                let _ = to.set_nodelay(true);
                let (late, stopped) = (Arc::clone(&late), Arc::clone(&stopped));
                std::thread::spawn(move || pass(from, to, &late, &stopped));
            }
        };
        Self { address, late_ms, stop, _listening: Listening::on(listener, each) }
    }

    /// Every piece goes on so much later.
    pub(crate) fn delay(&self, late: Duration) {
        let late = u64::try_from(late.as_millis()).unwrap_or(NEVER);
        self.late_ms.store(late, Ordering::Relaxed);
    }

    /// Connections stand, and nothing comes through.
    pub(crate) fn hold(&self) {
        self.late_ms.store(NEVER, Ordering::Relaxed);
    }

    /// As at first.
    pub(crate) fn let_through(&self) {
        self.late_ms.store(0, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, late_ms: &AtomicU64, stop: &AtomicBool) {
    let mut piece = [0; 16 * 1024];
    loop {
        let read = match read_some(&mut from, &mut piece) {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let mut waited = Duration::ZERO;
        while waited < Duration::from_millis(late_ms.load(Ordering::Relaxed)) {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(LOOK);
            waited += LOOK;
        }
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
