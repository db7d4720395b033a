//! Bodies: gathered within limits to be judged, rejoined where only a part was gathered, watched while they stream.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, timeout};

use crate::clock;
use crate::net::client::{Body as Boxed, BoxError};

/// All bodies that a route holds at a time, in KiB: 512 MiB. A hospital's orders are some KiB each.
pub(super) const HELD_MAX_KIB: usize = 512 * 1024;
/// How long a request waits for others to let go of theirs before it is told to come again.
const HELD_WAIT: Duration = Duration::from_secs(2);
/// How long a body may take to come in that is judged; 16 MiB over a slow line take half of it.
const GATHER_MAX: Duration = Duration::from_secs(120);
/// Room that is asked for at a time where a body does not say its length, in KiB.
const STEP_KIB: usize = 64;

/// Of a refused body so much is read out: more than anybody sends by mistake.
const READ_OUT_MAX: usize = 256 * 1024 * 1024;
/// And so long: by then the client has read its answer.
const READ_OUT_FOR: Duration = Duration::from_secs(30);

/// What came of gathering a body.
pub(super) enum Gathered {
    /// All of it. Trailers are left out: nothing that FHIR knows of stands in them.
    Whole(Held),
    /// The limit was reached: what came so far, and the rest.
    Beyond(Bytes, Incoming),
    /// Too many bodies are held at present.
    Overloaded(Bytes, Incoming),
    /// It did not come in time.
    Slow,
    /// The client's connection broke.
    Broken,
}

/// A body in memory, counted while it is.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: Vec<OwnedSemaphorePermit>,
}

/// Reads a body up to `limit` bytes.
pub(super) async fn gather(mut body: Incoming, limit: usize, room: &Arc<Semaphore>) -> Gathered {
    let mut so_far = BytesMut::new();
    match timeout(GATHER_MAX, fill(&mut body, &mut so_far, limit, room)).await {
        Ok(Filled::Whole(room)) => Gathered::Whole(Held { bytes: so_far.freeze(), _room: room }),
        Ok(Filled::Beyond) => Gathered::Beyond(so_far.freeze(), body),
        Ok(Filled::Overloaded) => Gathered::Overloaded(so_far.freeze(), body),
        Ok(Filled::Broken) => Gathered::Broken,
        Err(_) => Gathered::Slow,
    }
}

/// Room for a body that will be up to `bytes` long; `None` when others do not let go of theirs in time.
pub(super) async fn room_for(room: &Arc<Semaphore>, bytes: usize) -> Option<OwnedSemaphorePermit> {
    let wanted = bytes.div_ceil(1024).min(HELD_MAX_KIB / 2);
    let permits = u32::try_from(wanted).unwrap_or(u32::MAX);
    let asked = timeout(HELD_WAIT, Arc::clone(room).acquire_many_owned(permits)).await;
    asked.ok()?.ok()
}

/// The same bytes, which take their part of `room` as long as anybody holds them; the rest is given back.
pub(super) fn counted(bytes: Bytes, mut room: OwnedSemaphorePermit) -> Bytes {
    let own = room.split(bytes.len().div_ceil(1024)).unwrap_or(room);
    Bytes::from_owner(Counted { bytes, _room: own })
}

struct Counted {
    bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

enum Filled {
    Whole(Vec<OwnedSemaphorePermit>),
    Beyond,
    Overloaded,
    Broken,
}

async fn fill(
    body: &mut Incoming,
    so_far: &mut BytesMut,
    limit: usize,
    room: &Arc<Semaphore>,
) -> Filled {
    let announced = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    if announced.is_some_and(|bytes| bytes > limit) {
        return Filled::Beyond;
    }
    let (mut rooms, mut room_kib) = (Vec::new(), 0);
    let mut step = announced.map_or(STEP_KIB, |bytes| bytes.div_ceil(1024));
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Filled::Broken };
        let Ok(chunk) = frame.into_data() else { continue };
        so_far.extend_from_slice(&chunk);
        if so_far.len() > limit {
            return Filled::Beyond;
        }
        while room_kib * 1024 < so_far.len() {
            let permits = u32::try_from(step).unwrap_or(u32::MAX);
            let asked = timeout(HELD_WAIT, Arc::clone(room).acquire_many_owned(permits)).await;
            let Ok(Ok(permit)) = asked else { return Filled::Overloaded };
            rooms.push(permit);
            room_kib += step;
            step = STEP_KIB;
        }
    }
    Filled::Whole(rooms)
}

/// Reads the rest of a body that was refused, and forgets it: a connection that is closed with bytes unread is reset, and
/// with it the client loses the answer that it has not read yet.
pub(super) async fn read_out(mut rest: Incoming) {
    let mut left = READ_OUT_MAX;
    let reading = async {
        while let Some(Ok(frame)) = rest.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = timeout(READ_OUT_FOR, reading).await;
}

/// A body of which the beginning was read already.
pub(super) fn rejoined<B>(begun: Bytes, rest: B) -> Boxed
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let begun = Some(begun).filter(|begun| !begun.is_empty());
    Rejoined { begun, rest }.boxed_unsync()
}

/// The end of a body that broke off: whoever reads it must not take it for whole.
pub(super) fn broken(error: BoxError) -> Boxed {
    let frames = futures_util::stream::iter([Err::<Frame<Bytes>, BoxError>(error)]);
    StreamBody::new(frames).boxed_unsync()
}

struct Rejoined<B> {
    begun: Option<Bytes>,
    rest: B,
}

impl<B> Body for Rejoined<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.begun.take() {
            Some(begun) => Poll::Ready(Some(Ok(Frame::data(begun)))),
            None => {
                let frame = Pin::new(&mut self.rest).poll_frame(context);
                frame.map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.begun.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let begun = self.begun.as_ref().map_or(0, |b| u64::try_from(b.len()).unwrap_or(0));
        match self.rest.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(begun.saturating_add(rest)),
            None => SizeHint::default(),
        }
    }
}

/// When something last moved, seen from both ends of a request.
#[derive(Clone)]
pub(super) struct Progress {
    begun: Instant,
    micros: Arc<AtomicU64>,
}

impl Progress {
    /// Begins now.
    pub(super) fn new() -> Self {
        Self { begun: clock::monotonic(), micros: Arc::default() }
    }

    fn moved(&self) {
        let passed = clock::monotonic().duration_since(self.begun).as_micros();
        self.micros.store(u64::try_from(passed).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The moment at which `patience` will have passed since something moved.
    fn due(&self, patience: Duration) -> Instant {
        self.begun + Duration::from_micros(self.micros.load(Ordering::Relaxed)) + patience
    }

    /// Waits for `work` as long as something moves within `patience`; `None` when nothing does.
    pub(super) async fn within<T>(
        &self,
        patience: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let due = self.due(patience);
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = tokio::time::sleep_until(due.into()) => {
                    if self.due(patience) <= clock::monotonic() {
                        return None;
                    }
                }
            }
        }
    }
}

/// Nothing came for too long while it was waited for.
#[derive(Debug, thiserror::Error)]
#[error("nothing came for too long")]
struct Stalled;

/// A body that streams: tells when it moves, and fails when nothing comes for `patience` while it is waited for.
pub(super) fn watched<B>(body: B, patience: Duration, progress: Option<Progress>) -> Boxed
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    Watched { body, patience, progress, stalled: None }.boxed_unsync()
}

struct Watched<B> {
    body: B,
    patience: Duration,
    progress: Option<Progress>,
    /// Rings when nothing has come for too long; there only while something is waited for.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => {
                self.stalled = None;
                if let Some(progress) = &self.progress {
                    progress.moved();
                }
                Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                let patience = self.patience;
                let timer =
                    self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
                match timer.as_mut().poll(context) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(Stalled.into()))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_decoded_body_takes_room_until_the_last_of_it_is_let_go() {
        let room = Arc::new(Semaphore::new(16));
        let asked = room_for(&room, 16 * 1024).await.unwrap();
        assert_eq!(room.available_permits(), 0);
        let body = counted(Bytes::from(vec![b'x'; 1500]), asked);
        assert_eq!((room.available_permits(), body.len()), (14, 1500));
        let part = body.slice(3..5);
        drop(body);
        assert_eq!(room.available_permits(), 14);
        drop(part);
        assert_eq!(room.available_permits(), 16);
    }
}
