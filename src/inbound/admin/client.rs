//! The commands' end of the admin channel.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::inbound::admin::{Answer, Ask, socket};

/// A gate that answers takes a few seconds at most: it waits for its disk.
const WITHIN: Duration = Duration::from_secs(60);
/// The longest answer.
const LINE_MAX: u64 = 1 << 20;

/// Why the gate cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// Nobody listens.
    #[error(
        "no gate is running on {place} ({error}); start it, or name its configuration with --config"
    )]
    Absent {
        /// The socket.
        place: String,
        /// What the system says.
        error: io::Error,
    },
    /// The socket belongs to another user.
    #[error(
        "{place} belongs to the user that runs the gate: run this command as that user, or as root"
    )]
    Forbidden {
        /// The socket.
        place: String,
    },
    /// It broke off.
    #[error("the gate does not answer ({0}); look at its log")]
    Broken(io::Error),
}

/// A connection to the running gate.
pub struct Channel(BufReader<UnixStream>);

impl Channel {
    /// To the gate of a data directory.
    ///
    /// # Errors
    /// None runs there, or it may not be reached.
    pub fn open(data_dir: &Path) -> Result<Self, ChannelError> {
        let path = socket(data_dir);
        let place = path.display().to_string();
        let stream = UnixStream::connect(&path).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => ChannelError::Forbidden { place },
            _ => ChannelError::Absent { place, error },
        })?;
        stream.set_read_timeout(Some(WITHIN)).map_err(ChannelError::Broken)?;
        stream.set_write_timeout(Some(WITHIN)).map_err(ChannelError::Broken)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Asks, and waits for the answer. `message` follows a [`Ask::Record`].
    ///
    /// # Errors
    /// The connection breaks off.
    pub fn ask(&mut self, ask: &Ask, message: &[u8]) -> Result<Answer, ChannelError> {
        self.exchange(ask, message).map_err(ChannelError::Broken)
    }

    fn exchange(&mut self, ask: &Ask, message: &[u8]) -> io::Result<Answer> {
        let mut bytes = serde_json::to_vec(ask)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(message);
        self.0.get_mut().write_all(&bytes)?;
        let mut line = Vec::new();
        (&mut self.0).take(LINE_MAX).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(serde_json::from_slice(&line)?)
    }
}
