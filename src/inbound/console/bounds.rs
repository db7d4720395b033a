//! What one request may take: how much, how long, and how many at once. The console can never slow a route.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many inquiries are judged at a time. Each waits for the disk most of its time, so a few keep it busy, and the
/// processors stay free for the routes.
const AT_ONCE: usize = 8;
/// How long one waits for its turn; a screen gives up after some seconds.
const TURN_WITHIN: Duration = Duration::from_secs(2);
/// How long a body may take to come.
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// How long an answer may take in all.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The longest body: orders with what was prefetched for them.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Too many at once.
    Busy,
    /// Its body is too long.
    TooLong,
    /// Its body does not come, or not whole.
    Broken,
}

impl Excess {
    /// A short name, the same for ever.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::TooLong => "too-long",
            Self::Broken => "broken",
        }
    }
}

/// How many inquiries are in hand. Clones count together.
#[derive(Clone, Debug)]
pub struct Bounds {
    places: Arc<Semaphore>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl Bounds {
    /// A place among those in hand, held until it is dropped.
    ///
    /// # Errors
    /// [`Excess::Busy`] when none becomes free.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Excess> {
        let turn = timeout(TURN_WITHIN, Arc::clone(&self.places).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or(Excess::Busy)
    }
}

/// The whole body.
///
/// # Errors
/// When it is too long, or does not come.
pub async fn whole(body: Body) -> Result<Bytes, Excess> {
    let read = timeout(BODY_WITHIN, Limited::new(body, BODY_BYTES_MAX).collect()).await;
    match read {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Excess::TooLong),
        Ok(Err(_)) | Err(_) => Err(Excess::Broken),
    }
}
